import type { DType, Node, Tensor } from "./model.ts";

/**
 * A graph at fixed dimensions: shape arithmetic is folded into constants, every value has a known type and shape, weights
 * are values of their own. What the autodiff and the training graph work on. Nodes stand in topological order.
 */
export interface StaticGraph {
  readonly opsets: ReadonlyMap<string, number>;
  readonly nodes: readonly Node[];
  /** Graph inputs of this run: name -> type and shape. */
  readonly inputs: ReadonlyMap<string, { readonly dtype: DType; readonly dims: readonly number[] }>;
  readonly outputs: readonly string[];
  /** Float initialisers of the user's model (weights), never folded. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** Everything folded, and the model's other constants; bytes are in memory. */
  readonly constants: ReadonlyMap<string, Tensor>;
  /** Type and shape of every value: inputs, weights, constants and outputs of nodes. */
  readonly values: ReadonlyMap<string, { readonly dtype: DType; readonly dims: readonly number[] }>;
}
