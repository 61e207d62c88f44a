import { makeNode } from "../onnx/edit.ts";
import type { Attribute, Node, Tensor } from "../onnx/model.ts";
import { intTensor } from "../onnx/tensors.ts";

/**
 * ONNX Runtime splits a product [M, K] x [K, N] over its threads by columns where N > M, and its kernel (MLAS sgemm) blocks K by
 * how many columns a thread has: the sum over K is then grouped differently for another number of threads. Split by rows it is
 * not. So a product whose bits could depend on the threads is computed as the transposed product, which has more rows than
 * columns, and transposed back.
 *
 * A thread with one row, and a product of one column, takes another kernel that sums in another order, but only where alpha is 1:
 * there half the product is computed and added to itself, which is exact.
 * source  onnxruntime/core/mlas/lib/sgemm.cpp: MlasGemmBatch, MlasSgemmOperation
 */

/** Sums of at most so many terms are one block, whatever the columns. */
const K_BLOCK = 128;
/** Threads get columns in multiples of this. */
const COLUMN_STEP = 16;
/** A thread with so many of them, the last one in part, has more than 64 columns and so blocks of K_BLOCK. */
const WIDE_STEPS = 5;
/** Products of fewer multiplications run on one thread. */
const ONE_THREAD = 65_536;
/** Most threads for which the bits are the same; sessions of a training use no more. */
export const MAX_THREADS = 16;

interface Product {
  readonly a: string;
  readonly b: string;
  readonly transA: boolean;
  readonly transB: boolean;
  readonly alpha: number;
  /** Added to the product. */
  readonly bias: string | undefined;
}

const PRODUCTS: ReadonlyMap<string, (node: Node) => Product | undefined> = new Map([
  [":MatMul", (node: Node) => product(node, 1)],
  [
    ":Gemm",
    (node: Node) =>
      float(node, "beta", 1) === 1
        ? product(node, float(node, "alpha", 1), node.inputs[2] || undefined)
        : undefined,
  ],
  [
    "com.microsoft:FusedMatMul",
    (node: Node) =>
      int(node, "transBatchA") + int(node, "transBatchB") === 0
        ? product(node, float(node, "alpha", 1))
        : undefined,
  ],
]);

function int(node: Node, name: string): number {
  const attribute = node.attributes.get(name);
  return attribute?.type === "int" ? attribute.value : 0;
}

function float(node: Node, name: string, fallback: number): number {
  const attribute = node.attributes.get(name);
  return attribute?.type === "float" ? attribute.value : fallback;
}

function product(node: Node, alpha: number, bias?: string): Product | undefined {
  const [a, b] = node.inputs;
  if (a === undefined || b === undefined) return undefined;
  return { a, b, transA: int(node, "transA") === 1, transB: int(node, "transB") === 1, alpha, bias };
}

export interface RowSplit {
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Tensor>;
}

/** Nodes with every such product turned round; `dimsOf` gives the dimensions of all values. */
export function splitByRows(
  nodes: readonly Node[],
  dimsOf: (value: string) => readonly number[] | undefined,
): RowSplit {
  const out: Node[] = [];
  const constants = new Map<string, Tensor>();
  for (const node of nodes) {
    const found = PRODUCTS.get(`${node.domain}:${node.op}`)?.(node);
    const turned = found === undefined ? undefined : turnRound(node, found, dimsOf, constants);
    out.push(...(turned ?? [node]));
  }
  return { nodes: out, constants };
}

function turnRound(
  node: Node,
  p: Product,
  dimsOf: (value: string) => readonly number[] | undefined,
  constants: Map<string, Tensor>,
): readonly Node[] | undefined {
  const a = dimsOf(p.a);
  const b = dimsOf(p.b);
  const name = node.outputs[0] ?? "";
  const y = dimsOf(name);
  if (a === undefined || b === undefined || y === undefined || a.length < 2 || b.length < 2) return undefined;
  const k = p.transA ? a.at(-2)! : a.at(-1)!;
  const columns = y.at(-1)!;
  // With a matrix on the right the runtime takes all rows of the left as one product, unless the left is transposed.
  const flat = b.length === 2 && !(a.length > 2 && p.transA);
  const batches = flat ? 1 : sizeOfDims(y.slice(0, -2));
  const rows = flat ? sizeOfDims(y.slice(0, -1)) : y.at(-2)!;
  const perGemm = Math.ceil(MAX_THREADS / Math.max(1, batches));
  if (perGemm === 1 || rows * columns * k * batches < ONE_THREAD) return undefined;
  const isTurned =
    columns > rows && k > K_BLOCK && Math.floor(Math.ceil(columns / COLUMN_STEP) / perGemm) < WIDE_STEPS;
  const [least, most] = isTurned ? [rows, columns] : [columns, rows];
  const isHalved = p.alpha === 1 && (least === 1 || (most >= least && most < 2 * perGemm));
  if (!isTurned && !isHalved) return undefined;

  const nodes: Node[] = [];
  let value = `${name}/product`;
  const reshape = isTurned && flat && a.length > 2;
  const left = reshape ? `${name}/rows` : p.a;
  if (reshape)
    nodes.push(makeNode("Reshape", [p.a, ints(constants, `${name}/rows_shape`, [rows, k])], [left]));
  const [transA, transB] = isTurned ? [!p.transB, !p.transA] : [p.transA, p.transB];
  const attributes: [string, Attribute][] = [
    ["transA", { type: "int", value: Number(transA) }],
    ["transB", { type: "int", value: Number(transB) }],
    ["alpha", { type: "float", value: isHalved ? 0.5 : p.alpha }],
  ];
  nodes.push(
    makeNode("FusedMatMul", isTurned ? [p.b, left] : [left, p.b], [value], {
      domain: "com.microsoft",
      attributes: new Map(attributes),
    }),
  );
  const then = (op: string, inputs: readonly string[], suffix: string, perm?: readonly number[]): void => {
    const next = `${name}/${suffix}`;
    nodes.push(
      makeNode(
        op,
        inputs,
        [next],
        perm === undefined ? {} : { attributes: new Map([["perm", { type: "ints", value: perm }]]) },
      ),
    );
    value = next;
  };
  if (isHalved) then("Add", [value, value], "whole");
  if (isTurned) {
    const rank = reshape ? 2 : y.length;
    const axes = Array.from({ length: rank }, (_, axis) => axis);
    then("Transpose", [value], "back", [...axes.slice(0, -2), rank - 1, rank - 2]);
  }
  if (reshape) then("Reshape", [value, ints(constants, `${name}/shape`, y)], "shaped");
  if (p.bias !== undefined) then("Add", [value, p.bias], "biased");
  return nodes.map((n) => (n.outputs[0] === value ? { ...n, outputs: [name] } : n));
}

function sizeOfDims(dims: readonly number[]): number {
  return dims.reduce((n, d) => n * d, 1);
}

function ints(constants: Map<string, Tensor>, name: string, values: readonly number[]): string {
  constants.set(name, intTensor([values.length], values));
  return name;
}
