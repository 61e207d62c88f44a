import { beforeAll, describe, expect, it } from "vitest";
import { encodeModel } from "../../src/onnx/encode.ts";
import type { Node } from "../../src/onnx/model.ts";
import { openRuntime } from "../../src/runtime/ort.ts";
import { splitByRows } from "../../src/runtime/row-split.ts";
import type { HostTensor, Runtime } from "../../src/runtime/session.ts";
import { buildModel, input, node } from "../support/onnx-builder.ts";
import { seeded } from "../support/small-model.ts";

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

interface Product {
  readonly node: Node;
  /** Dimensions of each operand and of the result. */
  readonly dims: ReadonlyMap<string, readonly number[]>;
  readonly terms: number;
}

/** Sizes at the borders of the runtime's kernels and at odd places between. */
const ROWS = [1, 2, 5, 16, 17, 24, 31, 64, 100, 130];
const TERMS = [1, 8, 64, 128, 129, 200, 257, 300, 1000, 2048];
const COLUMNS = [1, 3, 8, 16, 17, 33, 64, 65, 100, 129, 256, 500, 700, 1040, 1270];

/** One product of random kind and size. */
function drawProduct(random: () => number, i: number): Product {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const flip = () => (random() < 0.5 ? 1 : 0);
  const [m, k, n] = [pick(ROWS), pick(TERMS), pick(COLUMNS)];
  const matrix = (rows: number, columns: number, turned: number) =>
    turned ? [columns, rows] : [rows, columns];
  const [a, b, c, y] = [`a${i}`, `b${i}`, `c${i}`, `y${i}`];
  const made = (
    op: string,
    [transA, transB]: readonly [number, number],
    left: readonly number[],
    right: readonly number[],
    rest: { alpha?: number; bias?: readonly number[] } = {},
  ): Product => {
    const batch = left.length >= right.length ? left : right;
    const attributes = op === "MatMul" ? {} : { transA, transB };
    const alpha = rest.alpha === undefined ? {} : { alpha: { type: "float", value: rest.alpha } as const };
    const turn = (dims: readonly number[], turned: number) =>
      turned ? [...dims.slice(0, -2), dims.at(-1)!, dims.at(-2)!] : dims;
    const bias = rest.bias === undefined ? [] : [[c, rest.bias] as const];
    return {
      node: node(
        op,
        [a, b, ...bias.map(([name]) => name)],
        [y],
        { ...attributes, ...alpha },
        op === "FusedMatMul" ? { domain: "com.microsoft" } : {},
      ),
      dims: new Map<string, readonly number[]>([
        [a, turn(left, transA)],
        [b, turn(right, transB)],
        ...bias,
        [y, [...batch.slice(0, -2), left.at(-2)!, right.at(-1)!]],
      ]),
      terms: right.at(-2)!,
    };
  };
  const batches = pick([[2], [3, 2], [20]]);
  const small = Math.min(m, 31);
  switch (pick(["matmul", "tokens", "heads", "gemm", "fused", "fused tokens", "fused heads"])) {
    case "matmul":
      return made("MatMul", [0, 0], matrix(m, k, 0), matrix(k, n, 0));
    case "tokens":
      return made("MatMul", [0, 0], [2, small, k], [k, n]);
    case "heads":
      return made("MatMul", [0, 0], [...batches, small, k], [...batches, k, Math.min(n, 129)]);
    case "gemm": {
      const bias = pick([undefined, [n], [1, n], [m, n], [m, 1]]);
      return made("Gemm", [flip(), flip()], [m, k], [k, n], {
        alpha: pick([1, 0.5]),
        ...(bias === undefined ? {} : { bias }),
      });
    }
    case "fused":
      return made("FusedMatMul", [flip(), flip()], [m, k], [k, n], { alpha: pick([1, 0.25]) });
    case "fused tokens":
      return made("FusedMatMul", [flip(), flip()], [2, small, k], [k, n], { alpha: 1 });
    default:
      return made("FusedMatMul", [flip(), flip()], [...batches, small, k], [...batches, k, Math.min(n, 129)]);
  }
}

async function results(
  products: readonly Product[],
  nodes: readonly Node[],
  constants: ReturnType<typeof splitByRows>["constants"],
  feeds: ReadonlyMap<string, HostTensor>,
  threads: number,
): Promise<ReadonlyMap<string, Float32Array>> {
  const model = buildModel({
    nodes,
    inputs: [...feeds].map(([name, t]) => input(name, t.dims)),
    outputs: products.map((p) => p.node.outputs[0]!),
    initializers: Object.fromEntries(constants),
    opsets: { "com.microsoft": 1 },
  });
  const session = await runtime.open(encodeModel(model), { threads, partitions: threads, optimize: "train" });
  const out = await session.run(feeds);
  await session.close();
  return new Map([...out].map(([name, t]) => [name, (t.data as Float32Array).slice()]));
}

describe("products split by rows", () => {
  it.each([1, 2, 3, 4, 5, 6])(
    "have the same bits on any number of threads, and are the plain products within rounding (seed %i)",
    async (seed) => {
      const random = seeded(seed);
      const products = Array.from({ length: 40 }, (_, i) => drawProduct(random, i));
      const dims = new Map(products.flatMap((p) => [...p.dims]));
      const feeds = new Map(
        products.flatMap((p) =>
          p.node.inputs.map((name): [string, HostTensor] => {
            const shape = dims.get(name)!;
            const size = shape.reduce((a, b) => a * b, 1);
            const data = Float32Array.from({ length: size }, () => random() * 2 - 1);
            return [name, { dtype: "float32", dims: shape, data }];
          }),
        ),
      );
      const plain = products.map((p) => p.node);
      const split = splitByRows(plain, (name) => dims.get(name));
      expect(split.nodes.length).toBeGreaterThan(plain.length);

      const reference = await results(products, plain, new Map(), feeds, 1);
      const one = await results(products, split.nodes, split.constants, feeds, 1);
      for (const { node: product, terms } of products) {
        const name = product.outputs[0]!;
        const [want, got] = [reference.get(name)!, one.get(name)!];
        expect(got.length, name).toBe(want.length);
        let off = 0;
        for (let i = 0; i < want.length; i++) off = Math.max(off, Math.abs(want[i]! - got[i]!));
        // Sums of `terms` products below 1, each rounded to 2^-24 relative.
        expect(off, `${name} of ${product.op}`).toBeLessThan(1e-6 + terms * 2e-7);
      }
      const different: string[] = [];
      for (const threads of [2, 3, 4, 16]) {
        const many = await results(products, split.nodes, split.constants, feeds, threads);
        for (const [name, want] of one) {
          const product = products.find((p) => p.node.outputs[0] === name)!;
          const bits = (values: Float32Array) =>
            Buffer.from(values.buffer, values.byteOffset, values.byteLength);
          const where = `${product.node.op} ${JSON.stringify([...product.dims])} on ${threads} threads, seed ${seed}`;
          if (!bits(want).equals(bits(many.get(name)!))) different.push(where);
        }
      }
      expect(different).toEqual([]);
    },
  );

  it("leave alone what it cannot turn, and what needs no turning", () => {
    const dims = new Map<string, readonly number[]>([
      ["a", [4, 300]],
      ["b", [300, 100]],
      ["y", [4, 100]],
    ]);
    const same = (n: Node, of = dims) => expect(splitByRows([n], (v) => of.get(v)).nodes).toEqual([n]);
    same(node("Relu", ["a"], ["y"]));
    same(node("MatMul", ["a", "unknown"], ["y"]));
    same(node("Gemm", ["a", "b", "c"], ["y"], { beta: 0.5 }));
    same(node("MatMul", ["a", "b"], ["y"]), new Map([...dims, ["a", [200, 300]], ["y", [200, 100]]]));
    expect(splitByRows([node("MatMul", ["a", "b"], ["y"])], (v) => dims.get(v)).nodes).toHaveLength(2);
  });
});
