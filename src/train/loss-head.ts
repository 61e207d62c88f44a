import type { Node, Tensor } from "../onnx/model.ts";
import type { LossKind } from "./recipe.ts";

/** Names of what the host feeds to a loss head, and of what it reads. */
export const HEAD = {
  /** int64 [N], N = positions: class of each position, 0 where none counts. float32 like the output for `mse`. */
  target: "ingot/target",
  /** float32 [N]: 1 / (labels of the whole optimizer step) where the label counts, else 0. */
  weight: "ingot/weight",
  loss: "ingot/loss",
  /** Gradient of the loss for the logits, in their shape. */
  cotangent: "ingot/dlogits",
  /** Readings of the probe, each [N]: log-probability of the label, largest log-probability, its class. */
  labelLogProb: "ingot/label_logprob",
  bestLogProb: "ingot/best_logprob",
  best: "ingot/best",
} as const;

export interface Head {
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Tensor>;
}

function node(
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: Readonly<Record<string, number>> = {},
): Node {
  const entries = Object.entries(attributes).map(([key, value]) => [key, { type: "int", value }] as const);
  return {
    op,
    domain: "",
    name: output,
    inputs,
    outputs: [output],
    attributes: new Map(entries),
    metadata: new Map(),
  };
}

function scalar(value: number): Tensor {
  return {
    dtype: "float32",
    dims: [],
    data: { at: "memory", bytes: new Uint8Array(new Float32Array([value]).buffer) },
  };
}

function ints(values: readonly number[]): Tensor {
  return {
    dtype: "int64",
    dims: [values.length],
    data: { at: "memory", bytes: new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer) },
  };
}

/**
 * Cross entropy over [.., V] logits as [N, V], natural logarithm, with the gradient written out:
 *
 *   L = logsoftmax(Z)     loss = -sum_n w_n L[n, t_n]     dZ = w_n (softmax(Z) - onehot(t_n))
 *
 * shapes  Z, dZ [N, V]   t, w [N]
 * dtype   float32
 */
function crossEntropy(logits: string, dims: readonly number[]): Head {
  const classes = dims.at(-1)!;
  const positions = dims.slice(0, -1).reduce((p, d) => p * d, 1);
  const constants = new Map<string, Tensor>([
    ["ingot/flat", ints([positions, classes])],
    ["ingot/column", ints([positions, 1])],
    ["ingot/shape", ints(dims)],
    ["ingot/one", scalar(1)],
  ]);
  const nodes = [
    node("Reshape", [logits, "ingot/flat"], "ingot/z"),
    node("LogSoftmax", ["ingot/z"], "ingot/logp", { axis: -1 }),
    node("Reshape", [HEAD.target, "ingot/column"], "ingot/t"),
    node("Reshape", [HEAD.weight, "ingot/column"], "ingot/w"),
    node("GatherElements", ["ingot/logp", "ingot/t"], "ingot/picked", { axis: 1 }),
    node("Mul", ["ingot/picked", "ingot/w"], "ingot/weighed"),
    node("ReduceSum", ["ingot/weighed"], "ingot/sum", { keepdims: 0 }),
    node("Neg", ["ingot/sum"], HEAD.loss),
    node("Exp", ["ingot/logp"], "ingot/p"),
    node("Mul", ["ingot/p", "ingot/w"], "ingot/pw"),
    node("Exp", ["ingot/picked"], "ingot/pt"),
    node("Sub", ["ingot/pt", "ingot/one"], "ingot/pt_minus_one"),
    node("Mul", ["ingot/pt_minus_one", "ingot/w"], "ingot/at_label"),
    node("ScatterElements", ["ingot/pw", "ingot/t", "ingot/at_label"], "ingot/dz", { axis: 1 }),
    node("Reshape", ["ingot/dz", "ingot/shape"], HEAD.cotangent),
  ];
  return { nodes, constants };
}

/**
 * Squared error, every element a label of equal weight.
 *
 *   loss = sum w (Y - T)^2      dY = 2 w (Y - T)
 *
 * shapes  Y, T, w, dY as the output
 */
function squaredError(output: string): Head {
  const nodes = [
    node("Sub", [output, HEAD.target], "ingot/error"),
    node("Mul", ["ingot/error", HEAD.weight], "ingot/weighed"),
    node("Mul", ["ingot/weighed", "ingot/error"], "ingot/squares"),
    node("ReduceSum", ["ingot/squares"], HEAD.loss, { keepdims: 0 }),
    node("Mul", ["ingot/weighed", "ingot/two"], HEAD.cotangent),
  ];
  return { nodes, constants: new Map([["ingot/two", scalar(2)]]) };
}

/** Loss and gradient at the model's output; see the formulas above. */
export function lossHead(loss: LossKind, output: string, dims: readonly number[]): Head {
  return loss === "mse" ? squaredError(output) : crossEntropy(output, dims);
}

/** What the probe reads of logits [.., V]: label's and best log-probability and the best class (lowest index on a tie), each [N]. */
export function readingHead(logits: string, dims: readonly number[]): Head {
  const classes = dims.at(-1)!;
  const positions = dims.slice(0, -1).reduce((p, d) => p * d, 1);
  const constants = new Map<string, Tensor>([
    ["ingot/flat", ints([positions, classes])],
    ["ingot/column", ints([positions, 1])],
    ["ingot/row", ints([positions])],
    ["ingot/last", ints([-1])],
  ]);
  const nodes = [
    node("Reshape", [logits, "ingot/flat"], "ingot/z"),
    node("LogSoftmax", ["ingot/z"], "ingot/logp", { axis: -1 }),
    node("Reshape", [HEAD.target, "ingot/column"], "ingot/t"),
    node("GatherElements", ["ingot/logp", "ingot/t"], "ingot/picked", { axis: 1 }),
    node("Reshape", ["ingot/picked", "ingot/row"], HEAD.labelLogProb),
    node("ArgMax", ["ingot/logp"], HEAD.best, { axis: -1, keepdims: 0 }),
    node("Reshape", [HEAD.best, "ingot/column"], "ingot/best_column"),
    node("GatherElements", ["ingot/logp", "ingot/best_column"], "ingot/best_picked", { axis: 1 }),
    node("Reshape", ["ingot/best_picked", "ingot/row"], HEAD.bestLogProb),
  ];
  return { nodes, constants };
}
