/** Kinds of module that can carry a LoRA pair, by what the graph computes. */
export type ModuleKind = "linear" | "conv";

/**
 * One module of the user's model: where its path comes from is the business of the finder (node name, metadata, weight
 * name); what training needs is which weight it is and how the weight lies.
 */
export interface Module {
  /** Dotted path as PEFT writes it, without `base_model.model.`: `model.layers.0.self_attn.q_proj`. */
  readonly path: string;
  readonly kind: ModuleKind;
  /** Initialiser of the weight. */
  readonly weight: string;
  /** Initialiser of the bias. */
  readonly bias?: string;
  /** True where the weight is stored [in, out] (MatMul operand, Conv1D); false for [out, in]. */
  readonly transposed: boolean;
  readonly inFeatures: number;
  readonly outFeatures: number;
  /** Output values of the nodes that apply the weight, before the bias (MatMul) or with it (Gemm, Conv): one a use. */
  readonly outputs: readonly string[];
  /** Further initialisers that hold the same weight in the same layout: one a call, where the exporter stored it for each. */
  readonly copies?: readonly string[];
  /** Columns [from, to) of the `of` columns of the weight's output dimension, where several modules are packed in one weight. */
  readonly slice?: readonly [from: number, to: number, of: number];
  /**
   * Rows [from, to) of the module's output that each of `outputs` holds, where the exporter split one module over several weights
   * (Phi-3's `gate_up_proj` as `gate_proj` and `up_proj`); `weight` is the first of them.
   */
  readonly blocks?: readonly (readonly [from: number, to: number])[];
  /** Kernel geometry of a convolution. */
  readonly conv?: {
    readonly kernel: readonly number[];
    readonly strides: readonly number[];
    readonly pads: readonly number[];
    readonly dilations: readonly number[];
    readonly group: number;
    readonly autoPad: string;
  };
  /** True for the layer that computes the logits: `all-linear` leaves it out where config.json names an architecture. */
  readonly isOutput: boolean;
}
