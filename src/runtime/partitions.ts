import type { Model, ValueInfo } from "../onnx/model.ts";
import { elementCount } from "../onnx/tensors.ts";

/** Tokens of a run where the graph's dimensions are symbolic. */
const SYMBOLIC_TOKENS = 64;

/** Parts by work of one forward pass, in floating-point operations. */
const PARTS: readonly (readonly [below: number, parts: number])[] = [
  [2e8, 1],
  [4e9, 2],
  [64e9, 4],
  [Number.POSITIVE_INFINITY, 8],
];

/**
 * Into how many parts the runtime cuts the products of a graph. The runtime's matrix product sums in another order where a part has
 * 64 columns or fewer, so the number of parts decides the last bits of a result: it follows from the model and its dimensions alone,
 * never from the machine or a setting. Small graphs get one part, where handing work to threads costs more than it saves.
 */
export function partitionsOf(model: Model): number {
  const flops = 2 * weightElements(model) * tokensOf(model);
  return (PARTS.find(([below]) => flops < below) as (typeof PARTS)[number])[1];
}

/** Elements of weights, whether they are constants or inputs of the graph. */
function weightElements({ graph }: Model): number {
  let sum = 0;
  for (const { dims } of graph.initializers.values()) if (dims.length >= 2) sum += elementCount(dims) ?? 0;
  return sum;
}

function tokensOf({ graph }: Model): number {
  return Math.max(1, ...graph.inputs.map(rowsOf));
}

/** Rows that an input brings to the products: tokens of ids, rows of features, patches of 16 x 16 pixels. */
function rowsOf({ dtype, dims }: ValueInfo): number {
  if (dims === undefined || dtype === undefined || dims.length === 0) return 1;
  const sizes = dims.map((dim) => (typeof dim === "number" ? dim : SYMBOLIC_TOKENS));
  if (dtype.startsWith("int") && sizes.length === 2) return (sizes[0] as number) * (sizes[1] as number);
  const [batch = 1, second = 1, height = 1, width = 1] = sizes;
  if (sizes.length === 4) return Math.ceil((batch * height * width) / 256);
  return sizes.length === 3 ? batch * second : batch;
}
