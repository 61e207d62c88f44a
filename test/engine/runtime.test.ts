import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { bytesSource, type Scratch } from "../../src/base/ports.ts";
import { decodeModel } from "../../src/onnx/decode.ts";
import { encodeModel } from "../../src/onnx/encode.ts";
import type { Model, Node } from "../../src/onnx/model.ts";
import { numbersOf } from "../../src/onnx/tensors.ts";
import { checkModel } from "../../src/runtime/check.ts";
import { openGraph } from "../../src/runtime/open-graph.ts";
import { openRuntime } from "../../src/runtime/ort.ts";
import type { HostTensor, Runtime } from "../../src/runtime/session.ts";
import { specialise } from "../../src/runtime/specialise.ts";
import { openWeights } from "../../src/runtime/weights.ts";
import { buildModel, floats, input, ints, node, type PlainAttribute } from "../support/onnx-builder.ts";
import { modelOfStatic } from "../support/static-model.ts";
import { message } from "../support/wire.ts";

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

function diskScratch(): Scratch & { dispose(): void } {
  const folder = mkdtempSync(path.join(tmpdir(), "ingot-runtime-"));
  const at = (name: string) => path.join(folder, name);
  return {
    folder,
    path: at,
    write: async (name, chunks) => writeFileSync(at(name), chunks as Uint8Array),
    open: async (name) => ({ ...bytesSource(new Uint8Array(readFileSync(at(name)))), close: async () => {} }),
    remove: async (name) => rmSync(at(name)),
    dispose: () => rmSync(folder, { recursive: true }),
  };
}

function graphOf(nodes: readonly Node[], initializers = {}): PlainAttribute {
  return { type: "graph", value: buildModel({ nodes, initializers }).graph };
}

/** A layer whose head split is written as exporters do: the shape of the input, taken apart and put together again. */
const heads = buildModel({
  nodes: [
    node("Shape", ["x"], ["shape"]),
    node("Gather", ["shape", "zero"], ["batch"]),
    node("Gather", ["shape", "one"], ["time"]),
    node("Unsqueeze", ["batch", "axis"], ["b"]),
    node("Unsqueeze", ["time", "axis"], ["t"]),
    node("Concat", ["b", "t", "minus", "two"], ["target"], { axis: 0 }),
    node("MatMul", ["x", "w"], ["p"], {}, { name: "/fc/MatMul" }),
    node("Reshape", ["p", "target"], ["h"]),
    node("Range", ["zero", "time", "one"], ["positions"]),
    node("Cast", ["positions"], ["angles"], { to: 1 }),
    node("Unsqueeze", ["angles", "axes"], ["table"]),
    node("Add", ["h", "table"], ["s"]),
    node("ReduceSum", ["s"], ["unused"]),
    node("Transpose", ["s"], ["y"], { perm: [0, 2, 1, 3] }),
  ],
  inputs: [input("x", ["batch", "time", 6])],
  outputs: ["y"],
  initializers: {
    zero: ints([0], []),
    one: ints([1], []),
    axis: ints([0]),
    axes: ints([1, 2]),
    minus: ints([-1]),
    two: ints([2]),
    w: floats([6, 8]),
  },
});

const x: HostTensor = {
  dtype: "float32",
  dims: [2, 3, 6],
  data: Float32Array.from({ length: 36 }, (_, i) => Math.sin(i)),
};

async function run(model: Model, feeds: ReadonlyMap<string, HostTensor>): Promise<Map<string, HostTensor>> {
  const session = await runtime.open(encodeModel(model), { threads: 1, optimize: "none" });
  return session.run(feeds).finally(() => session.close());
}

describe("specialise", () => {
  it("folds the shape arithmetic away, and the values stay", async () => {
    const graph = await specialise(heads, { dims: new Map([["x", [2, 3, 6]]]), runtime });
    expect(graph.nodes.map(({ op }) => op)).toEqual(["MatMul", "Reshape", "Add", "Transpose"]);
    expect(numbersOf(graph.constants.get("target")!)).toEqual([2, 3, -1, 2]);
    expect(numbersOf(graph.constants.get("table")!)).toEqual([0, 1, 2]);
    expect([...graph.weights.keys()]).toEqual(["w"]);
    const feeds = new Map([["x", x]]);
    expect(await run(modelOfStatic(graph), feeds)).toEqual(await run(heads, feeds));
  });

  it("knows type and dimensions of every value", async () => {
    const graph = await specialise(heads, { dims: new Map([["x", [2, 3, 6]]]), runtime });
    const names = graph.nodes.flatMap(({ outputs }) => outputs);
    const values = await run(modelOfStatic(graph, names), new Map([["x", x]]));
    for (const [name, { dtype, dims }] of values) expect(graph.values.get(name)).toEqual({ dtype, dims });
    for (const name of [...graph.weights.keys(), ...graph.constants.keys(), "x"])
      expect(graph.values.has(name)).toBe(true);
  });

  it("keeps every float initialiser as a weight where asked to", async () => {
    const model = buildModel({
      nodes: [node("Pow", ["x", "two"], ["y"])],
      inputs: [input("x", [2])],
      initializers: { two: floats([], [2]) },
    });
    expect([...(await specialise(model, { dims: new Map(), runtime })).constants.keys()]).toEqual(["two"]);
    expect([...(await specialise(model, { dims: new Map(), runtime, keep: "all" })).weights.keys()]).toEqual([
      "two",
    ]);
  });

  it("takes the branch that the shapes decide, and writes functions out", async () => {
    const body = message(
      [1, "scale"],
      [4, "a"],
      [5, "c"],
      [6, "factor"],
      [
        7,
        [
          [4, "Constant"],
          [2, "k"],
          [
            5,
            [
              [1, "value_float"],
              [21, "factor"],
              [20, 1],
            ],
          ],
        ],
      ],
      [
        7,
        [
          [4, "Mul"],
          [1, "a"],
          [1, "k"],
          [2, "c"],
        ],
      ],
      [9, [[2, 18]]],
      [10, "d"],
    );
    const model = buildModel({
      nodes: [
        node("Shape", ["x"], ["shape"]),
        node("Gather", ["shape", "zero"], ["batch"]),
        node("Equal", ["batch", "one"], ["single"]),
        node("If", ["single"], ["r"], {
          then_branch: graphOf([node("Squeeze", ["x"], ["t"])]),
          else_branch: graphOf([node("Add", ["x", "k"], ["sum"]), node("Relu", ["sum"], ["e"])], {
            k: floats([2], [1, -9]),
          }),
        }),
        node("scale", ["r"], ["y"], { factor: 2.5 }, { domain: "d" }),
      ],
      inputs: [input("x", ["batch", 2])],
      initializers: { zero: ints([0], []), one: ints([1], []) },
      opsets: { d: 1 },
      functions: new Map([["d:scale", body]]),
    });
    const pair = await specialise(model, { dims: new Map([["x", [2, 2]]]), runtime });
    expect(pair.nodes.map(({ op }) => op)).toEqual(["Add", "Relu", "Mul"]);
    const feeds = new Map([
      ["x", { dtype: "float32" as const, dims: [2, 2], data: Float32Array.of(1, 10, 3, 4) }],
    ]);
    expect((await run(modelOfStatic(pair), feeds)).get("y")?.data).toEqual(Float32Array.of(5, 2.5, 10, 0));
    const single = await specialise(model, { dims: new Map([["x", [1, 2]]]), runtime });
    expect(single.nodes.map(({ op }) => op)).toEqual(["Squeeze", "Mul"]);
  });

  it.each([
    ["NonZero", [node("NonZero", ["x"], ["y"], {}, { name: "here" })]],
    [
      "Reshape",
      [node("Cast", ["x"], ["s"], { to: 7 }), node("Reshape", ["x", "s"], ["y"], {}, { name: "here" })],
    ],
  ])("refuses a shape that depends on the data (%s)", async (op, nodes) => {
    const model = buildModel({ nodes, inputs: [input("x", [1])] });
    const feeds = new Map([["x", { dtype: "float32" as const, dims: [1], data: Float32Array.of(1) }]]);
    await expect(specialise(model, { dims: new Map(), runtime, feeds })).rejects.toMatchObject({
      code: "input.operator",
      data: { operator: op, node: "here" },
    });
  });

  it.each([
    ["dimensions that the file fixes otherwise", new Map([["x", [2, 3, 7]]]), "input.tensor"],
    ["open dimensions", new Map<string, readonly number[]>(), "input.model"],
  ])("refuses %s", async (_name, dims, code) => {
    await expect(specialise(heads, { dims, runtime })).rejects.toMatchObject({ code });
  });

  it("names operator and node of a model that does not fit together", async () => {
    const model = buildModel({
      nodes: [node("MatMul", ["x", "w"], ["y"], {}, { name: "product" })],
      inputs: [input("x", ["n", 3])],
      initializers: { w: floats([4, 4]) },
    });
    await expect(specialise(model, { dims: new Map([["x", [1, 3]]]), runtime })).rejects.toMatchObject({
      code: "input.model",
      data: { operator: "MatMul", node: "product" },
    });
  });
});

describe("a model in a folder", () => {
  it("is checked, specialised and run with its weights mapped from its own file", async () => {
    const scratch = diskScratch();
    const big: Model = {
      ...heads,
      graph: {
        ...heads.graph,
        inputs: [input("x", ["batch", "time", 64])],
        initializers: new Map([...heads.graph.initializers, ["w", floats([64, 32])]]),
      },
    };
    const bytes = encodeModel(big).slice();
    await scratch.write("entry", bytes);
    const model = await openWeights(
      decodeModel(bytes),
      { entry: "model.onnx", files: [{ path: "model.onnx", name: "entry" }] },
      scratch,
    );
    expect(model.graph.initializers.get("w")?.data.at).toBe("file");
    const check = await checkModel(model, { runtime, scratch });
    expect(check).toMatchObject({ hasCache: false, inputs: [{ name: "x" }] });
    expect(check.ran.get("y")).toEqual([1, 16, 8, 2]);
    const graph = await specialise(model, { dims: new Map([["x", [1, 4, 64]]]), runtime, scratch });
    const session = await openGraph(runtime, scratch, modelOfStatic(graph), {
      threads: 1,
      optimize: "train",
    });
    const feeds = new Map([
      [
        "x",
        {
          dtype: "float32" as const,
          dims: [1, 4, 64],
          data: Float32Array.from({ length: 256 }, (_, i) => Math.cos(i)),
        },
      ],
    ]);
    const result = (await session.run(feeds)).get("y")!.data as Float32Array;
    const expected = (await run(big, feeds)).get("y")!.data as Float32Array;
    for (const [i, value] of result.entries()) expect(value).toBeCloseTo(expected[i]!, 4);
    await session.close();
    scratch.dispose();
  });
});
