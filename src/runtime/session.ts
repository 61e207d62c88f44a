import type { Dim, DType } from "../onnx/model.ts";
import type { TensorArray } from "../onnx/tensors.ts";

/** A tensor in memory as the runtime takes and gives it. int64 is BigInt64Array, bool is Uint8Array, float16 is Uint16Array. */
export interface HostTensor {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: TensorArray | readonly string[];
}

export interface SessionOptions {
  /** Processors to use at most; the result never depends on it. */
  readonly threads: number;
  /**
   * Parts that products are cut into, which the last bits of a result can depend on; `openGraph` fills in a number that makes the
   * result independent of `threads`. 1 by default.
   */
  readonly partitions?: number;
  /** `none`: the graph as it is. `train`: every optimisation except constant folding (which would copy weights). `all`: for inference. */
  readonly optimize: "none" | "train" | "all";
  /** Bytes of external files, by the `location` the model names. */
  readonly external?: ReadonlyMap<string, Uint8Array>;
  /** Whether weights are laid out anew for speed, which copies them; only for `all` by default. */
  readonly prepack?: boolean;
  /** Whether memory of a run is kept for the next one; only for `all` by default. */
  readonly arena?: boolean;
  /** Further entries of the runtime's session configuration, by their full key (`session.…`). */
  readonly config?: ReadonlyMap<string, string>;
}

/** What the runtime knows of a value before a run. A dimension that it does not know is a name or "". */
export interface ValueFacts {
  readonly dtype?: DType;
  readonly dims: readonly Dim[];
}

/** One loaded graph. Every implementation passes `test/contract/session.test.ts`. */
export interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Types as the runtime inferred them, where the implementation knows. */
  readonly inputFacts?: ReadonlyMap<string, ValueFacts>;
  readonly outputFacts?: ReadonlyMap<string, ValueFacts>;
  /** Runs the graph; `outputs` limits what is computed (all by default). */
  run(feeds: ReadonlyMap<string, HostTensor>, outputs?: readonly string[]): Promise<Map<string, HostTensor>>;
  close(): Promise<void>;
}

/** Opens graphs. `environment.runtime` where the runtime is not installed, `input.model` where it refuses the graph. */
export interface Runtime {
  readonly version: string;
  /** From the bytes of a model, or from a file below the engine's own scratch folder (then weights are mapped, not copied). */
  open(model: Uint8Array | { readonly path: string }, options: SessionOptions): Promise<Session>;
}
