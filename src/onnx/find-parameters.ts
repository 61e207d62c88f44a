import { isFilledWith, isMask, isWaveTable, type Samples } from "./constant-tables.ts";
import { findModules } from "./find-modules.ts";
import { type GraphIndex, indexGraph, weightBehind } from "./graph-index.ts";
import type { Model, Node, Tensor } from "./model.ts";
import { isAnonymous, nodeScope } from "./module-paths.ts";
import { normalise } from "./normalise.ts";
import { elementCount, isFloat } from "./tensors.ts";

/** A float initialiser that full training trains. */
export interface Parameter {
  /** Its name in the ONNX file. */
  readonly name: string;
  /** PyTorch's name for it where it can be told (`model.layers.0.self_attn.q_proj.weight`): weight decay goes by it. */
  readonly path?: string;
  /** True for scale and bias of a normalisation over features (LayerNorm, RMSNorm and the like; not BatchNorm). */
  readonly isNorm: boolean;
}

/**
 * The float initialisers that are parameters, in the file's order. Left out are exponents, epsilons and other scalars, running
 * statistics, quantisation scales, attention masks, rotary tables, and the biases that exporters make of folded BatchNorms
 * (`onnx::Conv_64`): they stand for running statistics, which never change. What is a mask or a table is told by values: `samples`
 * gives those of tensors that are not in memory.
 */
export function findParameters(source: Model, samples: Samples = new Map()): readonly Parameter[] {
  const model = normalise(source);
  const index: ParameterIndex = { ...indexGraph(model), samples };
  const paths = modulePaths(model);
  const learned = new Set(learnedValues(index));
  const roles = new Map<string, { node: Node; input: number }>();
  for (const node of model.graph.nodes) {
    node.inputs.forEach((input, i) => {
      const name = input === "" ? undefined : initializerBehind(index, input);
      if (name === undefined || roles.has(name)) return;
      const tensor = model.graph.initializers.get(name) as Tensor;
      if (isParameter(index, learned, node, i, name, tensor)) roles.set(name, { node, input: i });
    });
  }
  const parameters: Parameter[] = [];
  for (const name of model.graph.initializers.keys()) {
    const role = roles.get(name);
    if (role === undefined) continue;
    const path = paths.get(name) ?? ownPath(index, role, name);
    parameters.push({ name, ...(path === undefined ? {} : { path }), isNorm: isNormInput(index, role) });
  }
  return parameters;
}

interface ParameterIndex extends GraphIndex {
  readonly samples: Samples;
}

/** Names of weights and biases of modules. */
function modulePaths(model: Model): Map<string, string> {
  const paths = new Map<string, string>();
  for (const module of findModules(model)) {
    if (module.slice !== undefined) continue;
    if (!paths.has(module.weight))
      paths.set(
        module.weight,
        isAnonymous(module.weight)
          ? `${module.path}.weight`
          : trained(module.weight, `${module.path}.weight`),
      );
    if (module.bias !== undefined && !paths.has(module.bias)) paths.set(module.bias, `${module.path}.bias`);
  }
  return paths;
}

/** A name of the file's own is PyTorch's, unless the exporter made it up. */
function trained(name: string, fallback: string): string {
  return /\.(weight|bias)$/.test(name) && !/\.MatMul\./.test(name) ? name : fallback;
}

function ownPath(
  index: GraphIndex,
  { node, input }: { node: Node; input: number },
  name: string,
): string | undefined {
  if (!isAnonymous(name) && name.includes(".")) return name;
  const scope = nodeScope(node, index.style);
  if (scope === undefined) return isAnonymous(name) ? undefined : name;
  return `${scope}.${input >= (RECURRENT.has(node.op) ? 3 : 2) || node.op === "Add" ? "bias" : "weight"}`;
}

/** Operators with two weights before their bias: of the input and of the state. */
const RECURRENT = new Set(["LSTM", "GRU", "RNN"]);

/** Operators through which a parameter is followed to where it is used. */
const PASSED = new Set([
  "Transpose",
  "Identity",
  "Cast",
  "CastLike",
  "Reshape",
  "Unsqueeze",
  "Squeeze",
  "Expand",
  "Slice",
  "Flatten",
]);

function initializerBehind(index: GraphIndex, value: string): string | undefined {
  let at = value;
  for (let steps = 0; steps < 8; steps++) {
    if (index.model.graph.initializers.has(at)) return at;
    const node = index.producers.get(at);
    if (node === undefined || node.domain !== "" || !PASSED.has(node.op)) return undefined;
    at = node.inputs[0] ?? "";
  }
  return undefined;
}

/** Inputs of operators that are parameters whatever their shape. */
const ALWAYS: ReadonlyMap<string, readonly number[]> = new Map([
  ["Gemm", [1, 2]],
  ["Conv", [1, 2]],
  ["ConvTranspose", [1, 2]],
  ["LayerNormalization", [0, 1, 2]],
  ["RMSNormalization", [1]],
  ["SimplifiedLayerNormalization", [1]],
  ["SkipLayerNormalization", [2, 3, 4]],
  ["SkipSimplifiedLayerNormalization", [2, 3]],
  ["EmbedLayerNormalization", [2, 3, 4, 5, 6]],
  ["GroupNormalization", [1, 2]],
  ["InstanceNormalization", [1, 2]],
  ["BatchNormalization", [1, 2]],
  ["PRelu", [1]],
  ["LSTM", [1, 2, 3]],
  ["GRU", [1, 2, 3]],
  ["RNN", [1, 2, 3]],
  ["Einsum", [0, 1, 2]],
  ["BiasGelu", [1]],
  ["FastGelu", [1]],
  ["QuickGelu", []],
  ["Attention", []],
  ["MultiHeadAttention", [3]],
  ["GroupQueryAttention", []],
  ["RotaryEmbedding", []],
  ["FusedMatMul", [1]],
]);

/** Operators that take a parameter beside a value that carries activations: bias, scale, class token, position table. */
const BESIDE = new Set(["Add", "Sub", "Mul", "Div", "Concat", "Where", "Max", "Min"]);

function isParameter(
  index: ParameterIndex,
  learned: ReadonlySet<string>,
  node: Node,
  input: number,
  name: string,
  tensor: Tensor,
): boolean {
  const count = elementCount(tensor.dims) ?? 0;
  if (!isFloat(tensor.dtype) || PASSED.has(node.op) || count === 0 || tensor.dims.length === 0) return false;
  if (isFoldedBias(node, input, name) || isIdleNorm(index, node, input, name, tensor)) return false;
  if (isLogitsBuffer(index, node, name, tensor)) return false;
  const always = node.op === "Attention" && node.domain === "com.microsoft" ? [1, 2] : ALWAYS.get(node.op);
  if (always !== undefined) return always.includes(input);
  if (node.op === "MatMul") return isProductWeight(index, learned, node, input, tensor);
  if (node.op === "Gather")
    return input === 0 && tensor.dims.length >= 2 && !isWaveTable(tensor, index.samples);
  if (!BESIDE.has(node.op) || count === 1) return false;
  const others = node.inputs.filter((other, i) => i !== input && other !== "");
  return (
    others.some((other) => learned.has(other)) &&
    !isMask(tensor, index.samples) &&
    !isWaveTable(tensor, index.samples)
  );
}

function isFoldedBias(node: Node, input: number, name: string): boolean {
  return node.op === "Conv" && input === 2 && /^onnx::Conv_\d+$/.test(name);
}

const NORMS = new Set([
  "InstanceNormalization",
  "GroupNormalization",
  "LayerNormalization",
  "BatchNormalization",
]);

/**
 * The ones and zeros that an exporter writes where a normalisation has no parameters or has them behind it: a GroupNorm is an
 * InstanceNormalization of groups, then Mul and Add with its weight and bias.
 */
function isIdleNorm(index: ParameterIndex, node: Node, input: number, name: string, tensor: Tensor): boolean {
  if (!NORMS.has(node.op) || input === 0 || !(isAnonymous(name) || /Constant(_\d+)?_output_\d+$/.test(name)))
    return false;
  return isFilledWith(tensor, input === 1 ? 1 : 0, index.samples);
}

/** A buffer added to logits, [1, vocabulary], as BART and Marian have it: the bias of a Linear has one dimension. */
function isLogitsBuffer(index: GraphIndex, node: Node, name: string, { dims }: Tensor): boolean {
  if (node.op !== "Add" || dims.length < 2 || !(isAnonymous(name) || name.endsWith("final_logits_bias")))
    return false;
  const other = node.inputs.find((value) => value !== name) ?? "";
  return (
    index.model.graph.outputs.some((output) => output.name === node.outputs[0]) &&
    PRODUCTS.has(index.producers.get(other)?.op ?? "")
  );
}

/** Frequencies times positions is a product too: a weight has two real dimensions, or meets activations. */
function isProductWeight(
  index: GraphIndex,
  learned: ReadonlySet<string>,
  node: Node,
  input: number,
  { dims }: Tensor,
): boolean {
  if (dims.filter((dim) => dim > 1).length >= 2 && dims.length === 2) return true;
  const other = node.inputs[1 - input] ?? "";
  return learned.has(other) && weightBehind(index, other) === undefined;
}

/**
 * Values that carry activations: float inputs, embeddings, what is computed from them, and products with a weight matrix. A position,
 * a mask and the angles computed from them carry none.
 */
function* learnedValues(index: ParameterIndex): Iterable<string> {
  const learned = new Set<string>();
  for (const { name, dtype } of index.model.graph.inputs)
    if (dtype !== undefined && isFloat(dtype) && !/mask/.test(name)) learned.add(name);
  for (const node of index.model.graph.nodes) {
    const [first, second] = node.inputs;
    const embedded = first ? weightBehind(index, first)?.tensor : undefined;
    const factor = second ? weightBehind(index, second)?.tensor : undefined;
    const isEmbedding =
      node.op === "Gather" &&
      embedded !== undefined &&
      isFloat(embedded.dtype) &&
      embedded.dims.length >= 2 &&
      !isWaveTable(embedded, index.samples);
    const isProduct =
      factor !== undefined && PRODUCTS.has(node.op) && factor.dims.filter((dim) => dim > 1).length >= 2;
    if (
      isEmbedding ||
      isProduct ||
      (!SHAPE_OPS.has(node.op) && node.inputs.some((input) => learned.has(input)))
    )
      for (const output of node.outputs) learned.add(output);
  }
  yield* learned;
}

const PRODUCTS = new Set(["MatMul", "Gemm", "Conv", "FusedMatMul", "MatMulNBits"]);
const SHAPE_OPS = new Set(["Shape", "Size"]);

/** Scale and bias inputs of normalisations, and the scale of one that is written out (x * rsqrt(mean(x^2)) * w). */
function isNormInput(index: GraphIndex, { node, input }: { node: Node; input: number }): boolean {
  if (/^(Skip)?(Simplified)?(Layer|RMS)Normalization$/.test(node.op))
    return node.op.startsWith("Skip")
      ? input !== 4 || node.op === "SkipSimplifiedLayerNormalization"
      : input > 0;
  if (node.op === "EmbedLayerNormalization") return input >= 5;
  if (node.op !== "Mul") return false;
  const other = node.inputs[1 - input] ?? "";
  return isNormalised(index, other, 6);
}

/** True where a value is x divided by a root of a mean within a few steps back. */
function isNormalised(index: GraphIndex, value: string, steps: number): boolean {
  const node = index.producers.get(value);
  if (node === undefined || steps === 0) return false;
  if (node.op === "ReduceMean") return true;
  if (!ROOTS.has(node.op)) return false;
  return node.inputs.some((input) => input !== "" && isNormalised(index, input, steps - 1));
}

const ROOTS = new Set(["Mul", "Div", "Sqrt", "Reciprocal", "Add", "Cast", "Pow"]);
