import { makeNode } from "../onnx/edit.ts";
import type { Attribute, Node, Tensor } from "../onnx/model.ts";
import { intTensor } from "../onnx/tensors.ts";

/**
 * ONNX Runtime splits a product [M, K] x [K, N] over its threads by columns where N > M, and its kernel (MLAS sgemm) blocks K by
 * how many columns a thread has: the sum over K is then grouped differently for another number of threads. Split by rows it is
 * not. So a product whose bits could depend on the threads is computed as the transposed product, which has more rows than
 * columns, and transposed back.
 * source  onnxruntime/core/mlas/lib/sgemm.cpp: MlasGemmBatch, MlasSgemmOperation
 */

/** Sums of at most so many terms are one block, whatever the columns. */
const K_BLOCK = 128;
/** A thread with more columns than this has blocks of K_BLOCK. */
const WIDE_COLUMNS = 64;
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
  const flat = b.length === 2;
  // With a matrix on the right the runtime takes all rows of the left as one product, unless the left is transposed.
  if (flat && a.length > 2 && p.transA) return undefined;
  const batches = flat ? 1 : y.slice(0, -2).reduce((n, d) => n * d, 1);
  const rows = flat ? y.slice(0, -1).reduce((n, d) => n * d, 1) : y.at(-2)!;
  const perGemm = Math.ceil(MAX_THREADS / Math.max(1, batches));
  const safe =
    columns <= rows ||
    k <= K_BLOCK ||
    perGemm === 1 ||
    columns > WIDE_COLUMNS * perGemm ||
    rows * columns * k * batches < ONE_THREAD;
  if (safe) return undefined;
  const reshape = flat && a.length > 2;
  const left = reshape ? `${name}/rows` : p.a;
  const nodes: Node[] = [];
  if (reshape)
    nodes.push(makeNode("Reshape", [p.a, ints(constants, `${name}/rows_shape`, [rows, k])], [left]));
  const attributes: [string, Attribute][] = [
    ["transA", { type: "int", value: p.transB ? 0 : 1 }],
    ["transB", { type: "int", value: p.transA ? 0 : 1 }],
    ["alpha", { type: "float", value: p.alpha }],
  ];
  nodes.push(
    makeNode("FusedMatMul", [p.b, left], [`${name}/turned`], {
      domain: "com.microsoft",
      attributes: new Map(attributes),
    }),
  );
  const rank = reshape ? 2 : y.length;
  const perm = Array.from({ length: rank }, (_, axis) =>
    axis < rank - 2 ? axis : axis === rank - 2 ? rank - 1 : rank - 2,
  );
  const after = [...(reshape ? ["Reshape"] : []), ...(p.bias === undefined ? [] : ["Add"])];
  const back = after.length === 0 ? name : `${name}/back`;
  nodes.push(
    makeNode("Transpose", [`${name}/turned`], [back], {
      attributes: new Map([["perm", { type: "ints", value: perm }]]),
    }),
  );
  if (reshape) nodes.push(makeNode("Reshape", [back, ints(constants, `${name}/shape`, y)], [name]));
  else if (p.bias !== undefined) nodes.push(makeNode("Add", [back, p.bias], [name]));
  return nodes;
}

function ints(constants: Map<string, Tensor>, name: string, values: readonly number[]): string {
  constants.set(name, intTensor([values.length], values));
  return name;
}
