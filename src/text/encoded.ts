import type { Oid } from "../base/oid.ts";
import type { DType } from "../onnx/model.ts";
import type { TensorArray } from "../onnx/tensors.ts";

/** Label of a position that is not trained. */
export const IGNORED_LABEL = -100;

/** A tensor in memory; the shape of the runtime's `HostTensor`. */
export interface TensorValue {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: TensorArray;
}

/**
 * What is learned from a row, or from a batch of rows (then with the batch as first dimension): classes, [] one for the
 * row or [T] one a position (-100 = not trained; not shifted), or float targets.
 */
export type LabelValues =
  | { readonly kind: "classes"; readonly dims: readonly number[]; readonly values: Int32Array }
  | { readonly kind: "floats"; readonly dims: readonly number[]; readonly values: Float32Array };

/** An example as a model takes it. */
export interface EncodedExample {
  readonly id: Oid;
  /** [T] tokens; empty for rows that have none. */
  readonly inputIds: Int32Array;
  /** Further inputs with one whole number a token, by name; those that the row does not hold are derived by `collate`. */
  readonly columns: ReadonlyMap<string, Int32Array>;
  /** Inputs that are tensors of their own, without the batch dimension, by name. */
  readonly tensors: ReadonlyMap<string, TensorValue>;
  readonly labels: LabelValues;
  /** Tokens up to the last answer, padding left out: what a greedy answer starts from. Empty where nothing is generated. */
  readonly promptIds: readonly number[];
  /** Tokens of the last answer with its end token. */
  readonly expectedIds: readonly number[];
  /** The last answer, or the name of the class, or the targets, for people. */
  readonly expectedText: string;
  /** The question, or the text, for people. */
  readonly inputText: string;
  /** True where tokens beyond the longest allowed row were left out. */
  readonly cut: boolean;
}
