import { describe, expect, it } from "vitest";
import { decodeModel } from "../../../src/onnx/decode.ts";
import { encodeModel } from "../../../src/onnx/encode.ts";
import type { Tensor } from "../../../src/onnx/model.ts";
import { bytesInMemory } from "../../../src/onnx/tensors.ts";
import { openWeights } from "../../../src/runtime/weights.ts";
import { memoryScratch } from "../../support/memory-scratch.ts";
import { buildModel, floats, input, ints, node } from "../../support/onnx-builder.ts";

const large = floats([64, 64]);
const inFile = (dims: readonly number[], offset: number, dtype: Tensor["dtype"] = "float32"): Tensor => {
  const length = dims.reduce((product, dim) => product * dim, dtype === "float32" ? 4 : 8);
  return { dtype, dims, data: { at: "file", path: "model.onnx_data", offset, length } };
};

function modelWith(initializers: Readonly<Record<string, Tensor>>) {
  return buildModel({
    nodes: [node("Sum", Object.keys(initializers), ["y"])],
    inputs: [input("x", [1])],
    initializers,
  });
}

const files = {
  entry: "onnx/model.onnx",
  files: [
    { path: "onnx/model.onnx", name: "aa" },
    { path: "onnx/model.onnx_data", name: "bb" },
  ],
};

async function opened(
  initializers: Readonly<Record<string, Tensor>>,
  externalBytes = new Uint8Array(40_000),
) {
  const bytes = encodeModel(modelWith(initializers)).slice();
  const scratch = memoryScratch(
    new Map([
      ["aa", bytes],
      ["bb", externalBytes],
    ]),
  );
  return { bytes, model: await openWeights(decodeModel(bytes), files, scratch) };
}

describe("openWeights", () => {
  it("leaves large weights in the model's own file, at their place", async () => {
    const { bytes, model } = await opened({ large });
    const { data } = model.graph.initializers.get("large")!;
    expect(data).toMatchObject({ at: "file", path: "aa", length: 16384 });
    if (data.at !== "file") return;
    expect(bytes.subarray(data.offset, data.offset + data.length)).toEqual(bytesInMemory(large));
  });

  it("keeps small tensors and integers in memory, without holding the file", async () => {
    const { bytes, model } = await opened({
      small: floats([4]),
      shape: ints(Array.from({ length: 1000 }, (_, i) => i)),
    });
    for (const tensor of model.graph.initializers.values())
      expect(bytesInMemory(tensor).buffer).not.toBe(bytes.buffer);
  });

  it("finds external files beside the entry, under their names in the folder", async () => {
    const { model } = await opened(
      { w: inFile([32, 64], 128), tiny: inFile([2], 4) },
      new Uint8Array(new Float32Array(10_000).fill(3).buffer),
    );
    expect(model.graph.initializers.get("w")?.data).toEqual({
      at: "file",
      path: "bb",
      offset: 128,
      length: 8192,
    });
    expect([
      ...new Float32Array(bytesInMemory(model.graph.initializers.get("tiny")!).slice().buffer),
    ]).toEqual([3, 3]);
  });

  it.each([
    ["that ends before the tensor", { w: inFile([32, 64], 39_000) }, /has 40000/],
    [
      "that is not among the model's files",
      { w: { ...inFile([4], 0), data: { at: "file" as const, path: "other.bin", offset: 0, length: 16 } } },
      /not among/,
    ],
  ])("refuses a weights file %s", async (_name, initializers, message) => {
    await expect(opened(initializers)).rejects.toMatchObject({
      code: "input.model",
      message: expect.stringMatching(message) as unknown,
      data: { where: "tensor 'w'" },
    });
  });
});
