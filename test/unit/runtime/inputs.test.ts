import { describe, expect, it } from "vitest";
import { dummyDims } from "../../../src/runtime/dummy-dims.ts";
import { deriveInputs } from "../../../src/runtime/inputs.ts";
import { partitionsOf } from "../../../src/runtime/partitions.ts";
import type { HostTensor } from "../../../src/runtime/session.ts";
import { buildModel, floats, input, node } from "../../support/onnx-builder.ts";

function int64(dims: readonly number[], values: readonly number[]): HostTensor {
  return { dtype: "int64", dims, data: BigInt64Array.from(values, BigInt) };
}

const ids = int64([2, 3], [5, 6, 7, 8, 9, 1]);
const decoder = [
  input("input_ids", ["batch", "time"], "int64"),
  input("attention_mask", ["batch", "past + time"], "int64"),
  input("position_ids", ["batch", "time"], "int64"),
  input("token_type_ids", ["batch", "time"], "int64"),
  input("past_key_values.0.key", ["batch", 2, "past", 4]),
  input("past_key_values.0.value", ["batch", 2, "past", 4], "float16"),
];

describe("inputs that follow from others", () => {
  it("are made from the tokens alone", () => {
    const all = deriveInputs(decoder, new Map([["input_ids", ids]]));
    expect(all.get("attention_mask")).toEqual(int64([2, 3], [1, 1, 1, 1, 1, 1]));
    expect(all.get("position_ids")).toEqual(int64([2, 3], [0, 1, 2, 0, 1, 2]));
    expect(all.get("token_type_ids")).toEqual(int64([2, 3], [0, 0, 0, 0, 0, 0]));
    expect(all.get("past_key_values.0.key")).toEqual({
      dtype: "float32",
      dims: [2, 2, 0, 4],
      data: new Float32Array(),
    });
    expect(all.get("past_key_values.0.value")?.data).toEqual(new Uint16Array());
  });

  it("count positions from the first token that the mask lets through", () => {
    const mask = int64([2, 3], [0, 1, 1, 1, 1, 0]);
    const all = deriveInputs(
      decoder,
      new Map([
        ["input_ids", ids],
        ["attention_mask", mask],
      ]),
    );
    expect(all.get("position_ids")).toEqual(int64([2, 3], [0, 0, 1, 0, 1, 1]));
  });

  it("go on after a past", () => {
    const past: HostTensor = { dtype: "float32", dims: [2, 2, 4, 4], data: new Float32Array(64) };
    const all = deriveInputs(
      decoder,
      new Map([
        ["input_ids", ids],
        ["past_key_values.0.key", past],
        ["past_key_values.0.value", past],
      ]),
    );
    expect(all.get("attention_mask")?.dims).toEqual([2, 7]);
    expect(all.get("position_ids")).toEqual(int64([2, 3], [4, 5, 6, 4, 5, 6]));
  });

  it("never replace what is given, and others stay missing", () => {
    const mask = int64([2, 3], [1, 1, 0, 1, 1, 0]);
    const all = deriveInputs(
      [...decoder, input("pixel_values", ["batch", 3, 8, 8])],
      new Map([
        ["input_ids", ids],
        ["attention_mask", mask],
      ]),
    );
    expect(all.get("attention_mask")).toBe(mask);
    expect(all.has("pixel_values")).toBe(false);
  });
});

describe("dimensions to try a model with", () => {
  it("are one row, a few tokens and an empty past", () => {
    const [dims] = dummyDims(
      buildModel({ nodes: [node("Identity", ["input_ids"], ["y"])], inputs: decoder }),
    );
    expect(Object.fromEntries(dims!)).toEqual({
      input_ids: [1, 8],
      attention_mask: [1, 8],
      position_ids: [1, 8],
      token_type_ids: [1, 8],
      "past_key_values.0.key": [1, 2, 0, 4],
      "past_key_values.0.value": [1, 2, 0, 4],
    });
  });

  it("of an image follow from the first convolution and the table of positions", () => {
    const model = buildModel({
      nodes: [node("Conv", ["x", "w"], ["p"], { strides: [4, 4] })],
      inputs: [input("x", ["b", "c", "h", "w"])],
      initializers: { w: floats([8, 1, 4, 4]), positions: floats([1, 17, 8]) },
    });
    expect(dummyDims(model)[0]?.get("x")).toEqual([1, 1, 16, 16]);
    expect(dummyDims(model, { imageSize: 28 })[0]?.get("x")).toEqual([1, 1, 28, 28]);
  });
});

describe("the number of parts", () => {
  it.each([
    [[8, 8], [1, 4], 1],
    [[1024, 1024], [4, 128], 2],
    [[4096, 4096], [4, 128], 4],
    [[8192, 8192], [4, 256], 8],
  ] as const)("of a model of %j at %j is %i", (dims, tokens, parts) => {
    const weight = {
      dtype: "float32" as const,
      dims,
      data: { at: "file" as const, path: "w", offset: 0, length: dims[0] * dims[1] * 4 },
    };
    expect(
      partitionsOf(
        buildModel({
          nodes: [node("MatMul", ["x", "w"], ["y"])],
          inputs: [input("ids", tokens, "int64")],
          initializers: { w: weight },
        }),
      ),
    ).toBe(parts);
  });
});
