import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { IngotError } from "../../src/base/errors.ts";
import { encodeModel } from "../../src/onnx/encode.ts";
import type { Model } from "../../src/onnx/model.ts";
import { openRuntime } from "../../src/runtime/ort.ts";
import type { HostTensor, Runtime, SessionOptions } from "../../src/runtime/session.ts";
import { buildModel, floats, input, ints, node } from "../support/onnx-builder.ts";

/** Every implementation of Runtime and Session. */
const runtimes: readonly (readonly [string, () => Promise<Runtime>])[] = [["onnxruntime-node", openRuntime]];

const LEVELS: readonly SessionOptions["optimize"][] = ["none", "train", "all"];

function tensor(dims: readonly number[], values: readonly number[]): HostTensor {
  return { dtype: "float32", dims, data: Float32Array.from(values) };
}

describe.each(runtimes)("a Session of %s", (_name, openNamed) => {
  let runtime: Runtime;
  let folder: string;

  beforeAll(async () => {
    runtime = await openNamed();
    folder = mkdtempSync(path.join(tmpdir(), "ingot-session-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const open = (
    model: Model,
    optimize: SessionOptions["optimize"] = "none",
    external?: ReadonlyMap<string, Uint8Array>,
  ) =>
    runtime.open(encodeModel(model), {
      threads: 1,
      optimize,
      ...(external === undefined ? {} : { external }),
    });

  async function failure(work: Promise<unknown>): Promise<IngotError> {
    const error = await work.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(IngotError);
    return error as IngotError;
  }

  const linear = buildModel({
    nodes: [node("MatMul", ["x", "w"], ["p"], {}, { name: "product" }), node("Add", ["p", "b"], ["y"])],
    inputs: [input("x", ["batch", 2])],
    outputs: ["y", "p"],
    initializers: { w: floats([2, 2], [1, 2, 3, 4]), b: floats([2], [10, 20]) },
  });

  it.each(LEVELS)("computes, at level %s", async (optimize) => {
    const session = await open(linear, optimize);
    expect(session.inputNames).toEqual(["x"]);
    expect(session.outputNames).toEqual(["y", "p"]);
    const results = await session.run(new Map([["x", tensor([1, 2], [1, 1])]]));
    expect(results.get("y")).toEqual(tensor([1, 2], [14, 26]));
    expect(results.get("p")).toEqual(tensor([1, 2], [4, 6]));
    await session.close();
  });

  it("computes only the outputs asked for", async () => {
    const session = await open(linear);
    const results = await session.run(new Map([["x", tensor([1, 2], [1, 1])]]), ["p"]);
    expect([...results.keys()]).toEqual(["p"]);
    expect((await session.run(new Map([["x", tensor([1, 2], [1, 1])]]), [])).size).toBe(0);
    await session.close();
  });

  it("passes every element type through unchanged", async () => {
    const samples: readonly HostTensor[] = [
      tensor([2], [1.5, Number.NaN]),
      { dtype: "float64", dims: [1], data: Float64Array.of(0.1) },
      { dtype: "float16", dims: [2], data: Uint16Array.of(0x3c00, 0x7c00) },
      { dtype: "int8", dims: [1], data: Int8Array.of(-3) },
      { dtype: "uint8", dims: [1], data: Uint8Array.of(200) },
      { dtype: "int16", dims: [1], data: Int16Array.of(-300) },
      { dtype: "uint16", dims: [1], data: Uint16Array.of(60000) },
      { dtype: "int32", dims: [1], data: Int32Array.of(-5) },
      { dtype: "uint32", dims: [1], data: Uint32Array.of(2 ** 32 - 1) },
      { dtype: "int64", dims: [1], data: BigInt64Array.of(-(2n ** 62n)) },
      { dtype: "uint64", dims: [1], data: BigUint64Array.of(2n ** 63n) },
      { dtype: "bool", dims: [2], data: Uint8Array.of(1, 0) },
      { dtype: "string", dims: [2], data: ["a", "é"] },
    ];
    for (const sample of samples) {
      const model = buildModel({
        nodes: [node("Identity", ["x"], ["y"])],
        inputs: [input("x", ["n"], sample.dtype)],
      });
      const session = await open(model);
      expect((await session.run(new Map([["x", sample]]))).get("y")).toEqual(sample);
      await session.close();
    }
  });

  it("takes and gives scalars and tensors without elements", async () => {
    const session = await open(
      buildModel({ nodes: [node("Identity", ["x"], ["y"])], inputs: [{ name: "x", dtype: "float32" }] }),
    );
    for (const sample of [tensor([], [3]), tensor([2, 0, 4], [])]) {
      expect((await session.run(new Map([["x", sample]]))).get("y")).toEqual(sample);
    }
    await session.close();
  });

  it("reads a tensor that is a view in the middle of a buffer", async () => {
    const session = await open(linear);
    const data = Float32Array.of(9, 9, 1, 1, 9).subarray(2, 4);
    expect(
      (await session.run(new Map([["x", { dtype: "float32", dims: [1, 2], data }]]))).get("y")?.data,
    ).toEqual(Float32Array.of(14, 26));
    await session.close();
  });

  it("gives the same bits on any number of threads and on every run", async () => {
    const wide = buildModel({
      nodes: [node("MatMul", ["x", "w"], ["p"]), node("ReduceSum", ["p", "axes"], ["y"])],
      inputs: [input("x", [64, 256])],
      initializers: { w: floats([256, 256]), axes: ints([1]) },
    });
    const x = tensor(
      [64, 256],
      Array.from({ length: 64 * 256 }, (_, i) => Math.cos(i)),
    );
    const seen = new Set<string>();
    for (const threads of [1, 2, 4]) {
      const session = await runtime.open(encodeModel(wide), { threads, optimize: "train", partitions: 4 });
      for (let run = 0; run < 2; run++) {
        const y = (await session.run(new Map([["x", x]]))).get("y") as HostTensor;
        seen.add(Buffer.from((y.data as Float32Array).buffer).toString("base64"));
      }
      await session.close();
    }
    expect(seen.size).toBe(1);
  });

  const external: Model = {
    ...linear,
    graph: {
      ...linear.graph,
      initializers: new Map([
        ...linear.graph.initializers,
        [
          "w",
          {
            dtype: "float32" as const,
            dims: [2, 2],
            data: { at: "file" as const, path: "weights.bin", offset: 5, length: 16 },
          },
        ],
      ]),
    },
  };
  const weights = new Uint8Array(21);
  weights.set(new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer), 5);

  it("takes external weights as bytes", async () => {
    const session = await open(external, "none", new Map([["weights.bin", weights]]));
    expect((await session.run(new Map([["x", tensor([1, 2], [1, 1])]]))).get("p")?.data).toEqual(
      Float32Array.of(4, 6),
    );
    await session.close();
  });

  it("opens a file by path and maps its weights, at any offset", async () => {
    writeFileSync(path.join(folder, "model.onnx"), encodeModel(external));
    writeFileSync(path.join(folder, "weights.bin"), weights);
    const session = await runtime.open(
      { path: path.join(folder, "model.onnx") },
      { threads: 1, optimize: "train" },
    );
    expect((await session.run(new Map([["x", tensor([1, 2], [1, 1])]]))).get("p")?.data).toEqual(
      Float32Array.of(4, 6),
    );
    await session.close();
  });

  it("refuses bytes that are no model", async () => {
    expect(
      (await failure(runtime.open(new Uint8Array([1, 2, 3]), { threads: 1, optimize: "none" }))).code,
    ).toBe("input.model");
  });

  it("names operator and node of what it does not have", async () => {
    const error = await failure(
      open(
        buildModel({
          nodes: [node("Frobnicate", ["x"], ["y"], {}, { name: "odd", domain: "com.example" })],
          inputs: [input("x", [1])],
          opsets: { "com.example": 1 },
        }),
      ),
    );
    expect(error.code).toBe("input.model");
    expect(error.data.operator).toMatch(/Frobnicate/);
  });

  it("names operator and node of what fails while it runs", async () => {
    const session = await open(linear);
    const error = await failure(session.run(new Map([["x", tensor([1, 3], [1, 1, 1])]])));
    expect(error.code).toBe("input.model");
    await session.close();
    const gather = await open(
      buildModel({
        nodes: [node("Gather", ["w", "i"], ["y"], {}, { name: "lookup" })],
        inputs: [input("i", [1], "int64")],
        initializers: { w: floats([2, 2]) },
      }),
    );
    const outside = await failure(
      gather.run(new Map([["i", { dtype: "int64", dims: [1], data: BigInt64Array.of(7n) }]])),
    );
    expect(outside.data).toMatchObject({ operator: "Gather", node: "lookup" });
    await gather.close();
  });

  it("refuses inputs that are missing or do not fit their dimensions, and unknown outputs", async () => {
    const session = await open(linear);
    expect((await failure(session.run(new Map()))).code).toBe("input.tensor");
    expect((await failure(session.run(new Map([["x", tensor([2, 2], [1])]])))).code).toBe("input.tensor");
    expect((await failure(session.run(new Map([["x", tensor([1, 2], [1, 1])]]), ["z"]))).code).toBe(
      "input.tensor",
    );
    await session.close();
  });

  it("ends an allocation of a terabyte with an error", async () => {
    const session = await open(
      buildModel({ nodes: [node("ConstantOfShape", ["n"], ["y"])], inputs: [input("n", [1], "int64")] }),
    );
    const error = await failure(
      session.run(new Map([["n", { dtype: "int64", dims: [1], data: BigInt64Array.of(2n ** 38n) }]])),
    );
    expect(["environment.memory", "input.model"]).toContain(error.code);
    await session.close();
  });
});
