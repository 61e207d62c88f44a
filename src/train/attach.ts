import { bug } from "../base/errors.ts";
import { replaceReads } from "../onnx/edit.ts";
import type { Attribute, Node, Tensor } from "../onnx/model.ts";
import { type AdapterLayers, type LoraPair, type ReplacedTensor, tensorsOf } from "./adapter.ts";

/** Shape of an added value, where the dimensions of the graph are known. */
export interface AddedValue {
  readonly name: string;
  readonly dims: readonly number[];
}

export interface Attached {
  /** All nodes, in an order that runs. */
  readonly nodes: readonly Node[];
  /** Inputs that carry the adapters' tensors, float32. */
  readonly inputs: readonly AddedValue[];
  /** Values between them; empty where `dimsOf` was not given. */
  readonly values: readonly AddedValue[];
  readonly constants: ReadonlyMap<string, Tensor>;
}

/** What is collected while adapters are added. */
interface Additions {
  readonly nodes: Node[];
  readonly values: AddedValue[];
  readonly constants: Map<string, Tensor>;
}

function node(
  op: string,
  name: string,
  inputs: readonly string[],
  output: string,
  attributes: readonly (readonly [string, Attribute])[] = [],
  domain = "",
): Node {
  return {
    op,
    domain,
    name,
    inputs,
    outputs: [output],
    attributes: new Map(attributes),
    metadata: new Map(),
  };
}

/**
 * Adds adapters to a graph. A module's output Y becomes Y = Y0 + s1 B1 (A1 X) + s2 B2 (A2 X) + ..., in the order of the
 * adapters; a replaced initialiser is read from the adapter's tensor instead. Works on graphs of fixed and of symbolic
 * dimensions; with `dimsOf` the shapes of what is added are told.
 */
export function attachAdapters(
  nodes: readonly Node[],
  adapters: readonly AdapterLayers[],
  dimsOf?: (value: string) => readonly number[],
): Attached {
  const added: Additions = { nodes: [], values: [], constants: new Map() };
  const inputs: AddedValue[] = adapters.flatMap(tensorsOf).map((t) => ({ name: t.input, dims: t.dims }));
  const replacements = new Map(adapters.flatMap((a) => a.replaced).map((r) => [r.initializer, r]));
  const renamed = replaceInitializers(nodes, replacements, added);

  const pairsByOutput = new Map<string, LoraPair[]>();
  for (const pair of adapters.flatMap((a) => a.pairs)) {
    for (const output of pair.module.outputs)
      pairsByOutput.set(output, [...(pairsByOutput.get(output) ?? []), pair]);
  }
  for (const n of renamed) {
    const output = n.outputs[0] ?? "";
    const pairs = pairsByOutput.get(output);
    if (pairs === undefined) added.nodes.push(n);
    else besideModule(n, output, pairs, added, dimsOf);
    pairsByOutput.delete(output);
  }
  if (pairsByOutput.size > 0) bug(`no node makes ${[...pairsByOutput.keys()].join(", ")}`);
  return {
    nodes: added.nodes,
    inputs,
    values: dimsOf === undefined ? [] : added.values,
    constants: added.constants,
  };
}

function replaceInitializers(
  nodes: readonly Node[],
  replacements: ReadonlyMap<string, ReplacedTensor>,
  added: Additions,
): readonly Node[] {
  if (replacements.size === 0) return nodes;
  const names = new Map<string, string>();
  for (const [initializer, r] of replacements) {
    if (!r.transposed) {
      names.set(initializer, r.tensor.input);
      continue;
    }
    const turned = `${r.tensor.input}/transposed`;
    added.nodes.push(
      node("Transpose", turned, [r.tensor.input], turned, [["perm", { type: "ints", value: [1, 0] }]]),
    );
    added.values.push({ name: turned, dims: [...r.tensor.dims].reverse() });
    names.set(initializer, turned);
  }
  return replaceReads(nodes, names);
}

function besideModule(
  n: Node,
  output: string,
  pairs: readonly LoraPair[],
  added: Additions,
  dimsOf: ((value: string) => readonly number[]) | undefined,
): void {
  const x = n.inputs[0] ?? bug(`module node '${n.name}' without input`);
  const base = `${output}/base`;
  const dims = dimsOf?.(output) ?? [];
  const xDims = dimsOf?.(x) ?? [];
  added.nodes.push({ ...n, outputs: [base, ...n.outputs.slice(1)] });
  added.values.push({ name: base, dims });
  let sum = base;
  pairs.forEach((pair, i) => {
    const last = i === pairs.length - 1;
    const low = `${pair.a.input}/${output}/low`;
    const delta = `${pair.b.input}/${output}/delta`;
    const next = last ? output : `${output}/plus${i}`;
    const [lowDims, deltaDims] = pairDims(pair, xDims, dims);
    added.values.push({ name: low, dims: lowDims }, { name: delta, dims: deltaDims });
    if (pair.module.conv === undefined) added.nodes.push(...linearPair(pair, x, low, delta, output, added));
    else convPair(pair, x, low, delta, added, deltaDims);
    added.nodes.push(node("Add", next, [sum, delta], next));
    if (!last) added.values.push({ name: next, dims });
    sum = next;
  });
}

function pairDims(
  pair: LoraPair,
  x: readonly number[],
  y: readonly number[],
): [readonly number[], readonly number[]] {
  if (pair.module.conv !== undefined) return [y.map((d, axis) => (axis === 1 ? pair.rank : d)), y];
  return [[...x.slice(0, -1), pair.rank], y];
}

const TRANS_B = ["transB", { type: "int", value: 1 }] as const;

/** X A^T, then s (X A^T) B^T. */
function linearPair(
  pair: LoraPair,
  x: string,
  low: string,
  delta: string,
  output: string,
  added: Additions,
): readonly Node[] {
  const b = pair.module.blocks === undefined ? packedB(pair, added) : blockOfB(pair, output, added);
  return [
    node("FusedMatMul", low, [x, pair.a.input], low, [TRANS_B], "com.microsoft"),
    node(
      "FusedMatMul",
      delta,
      [low, b],
      delta,
      [TRANS_B, ["alpha", { type: "float", value: pair.scaling }]],
      "com.microsoft",
    ),
  ];
}

/** B [out, r], or where the module is a slice of a packed weight, B between rows of zeros: [of, r]. */
function packedB(pair: LoraPair, added: Additions): string {
  if (pair.module.slice === undefined) return pair.b.input;
  const [from, to, of] = pair.module.slice;
  const name = `${pair.b.input}/packed`;
  if (added.constants.has(`${name}/pads`)) return name;
  const bytes = new Uint8Array(BigInt64Array.from([from, 0, of - to, 0].map(BigInt)).buffer);
  added.constants.set(`${name}/pads`, { dtype: "int64", dims: [4], data: { at: "memory", bytes } });
  added.nodes.push(node("Pad", name, [pair.b.input, `${name}/pads`], name));
  added.values.push({ name, dims: [of, pair.rank] });
  return name;
}

/** Rows of B for one of the weights that a module was split over: [to - from, r]. */
function blockOfB(pair: LoraPair, output: string, added: Additions): string {
  const { blocks = [], outputs } = pair.module;
  const [from, to] = blocks[outputs.indexOf(output)] ?? bug(`no block for ${output}`);
  const name = `${pair.b.input}/rows ${from}`;
  if (added.constants.has(`${name}/from`)) return name;
  const bound = (at: string, value: number) => {
    const bytes = new Uint8Array(BigInt64Array.of(BigInt(value)).buffer);
    added.constants.set(`${name}/${at}`, { dtype: "int64", dims: [1], data: { at: "memory", bytes } });
    return `${name}/${at}`;
  };
  const range = [bound("from", from), bound("to", to), bound("axis", 0)];
  added.nodes.push(node("Slice", name, [pair.b.input, ...range], name));
  added.values.push({ name, dims: [to - from, pair.rank] });
  return name;
}

/** Convolution with A in the module's own geometry, then 1x1 with B, then the scale. */
function convPair(
  pair: LoraPair,
  x: string,
  low: string,
  delta: string,
  added: Additions,
  dims: readonly number[],
): void {
  const conv = pair.module.conv ?? bug("not a convolution");
  const geometry: (readonly [string, Attribute])[] = [
    ["kernel_shape", { type: "ints", value: conv.kernel }],
    ["strides", { type: "ints", value: conv.strides }],
    ["dilations", { type: "ints", value: conv.dilations }],
    conv.autoPad === "NOTSET"
      ? ["pads", { type: "ints", value: conv.pads }]
      : ["auto_pad", { type: "string", value: conv.autoPad }],
  ];
  const scale = `${delta}/scale`;
  added.constants.set(scale, {
    dtype: "float32",
    dims: [],
    data: { at: "memory", bytes: new Uint8Array(new Float32Array([pair.scaling]).buffer) },
  });
  added.values.push({ name: `${delta}/unscaled`, dims });
  added.nodes.push(
    node("Conv", low, [x, pair.a.input], low, geometry),
    node("Conv", `${delta}/unscaled`, [low, pair.b.input], `${delta}/unscaled`),
    node("Mul", delta, [`${delta}/unscaled`, scale], delta),
  );
}
