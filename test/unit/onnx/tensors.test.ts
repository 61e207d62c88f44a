import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  elementCount,
  float16ToNumber,
  numbersOf,
  numberToFloat16,
  tensorBytes,
  widenToFloat32,
} from "../../../src/onnx/tensors.ts";

describe("float16", () => {
  it("goes to a number and back for every finite value", () => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = float16ToNumber(bits);
      if (!Number.isNaN(value)) expect(numberToFloat16(value)).toBe(bits);
    }
  });

  it.each([
    [65504, 0x7bff],
    [65519.99, 0x7bff],
    [65520, 0x7c00],
    [-1e9, 0xfc00],
    [2 ** -25, 0],
    [2 ** -25 * 1.0001, 1],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [0.1, 0x2e66],
    [-0, 0x8000],
  ])("rounds %d to the nearest, ties to even", (value, bits) => {
    expect(numberToFloat16(value)).toBe(bits);
  });

  it("and bfloat16 widen exactly", () => {
    expect([...widenToFloat32("float16", new Uint8Array([0x00, 0x3c, 0x01, 0x00, 0x00, 0xfc]))]).toEqual([
      1,
      2 ** -24,
      Number.NEGATIVE_INFINITY,
    ]);
    expect([...widenToFloat32("bfloat16", new Uint8Array([0x80, 0x3f, 0x49, 0xc0]))]).toEqual([1, -3.140625]);
  });
});

describe("sizes", () => {
  it("are exact or undefined", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 40 }), { maxLength: 5 }), (dims) => {
        const exact = dims.reduce((product, dim) => product * BigInt(dim), 1n);
        const count = elementCount(dims);
        expect(count).toBe(exact <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(exact) : undefined);
      }),
    );
    expect(elementCount([-1])).toBeUndefined();
    expect(elementCount([0, 2 ** 40, 2 ** 40])).toBe(0);
    expect(tensorBytes("int4", [3])).toBe(2);
    expect(tensorBytes("string", [3])).toBeUndefined();
  });
});

describe("numbersOf", () => {
  it("reads views at any address", () => {
    const bytes = new Uint8Array(13);
    new DataView(bytes.buffer).setFloat64(5, 1.25, true);
    expect(
      numbersOf({ dtype: "float64", dims: [1], data: { at: "memory", bytes: bytes.subarray(5) } }),
    ).toEqual([1.25]);
    expect(
      numbersOf({ dtype: "int4", dims: [3], data: { at: "memory", bytes: new Uint8Array([0x8f, 0x07]) } }),
    ).toEqual([-1, -8, 7]);
    expect(
      numbersOf({ dtype: "uint4", dims: [3], data: { at: "memory", bytes: new Uint8Array([0x8f, 0x07]) } }),
    ).toEqual([15, 8, 7]);
  });

  it("asks for tensors in files to be read first", () => {
    expect(() =>
      numbersOf({ dtype: "int8", dims: [1], data: { at: "file", path: "w.bin", offset: 0, length: 1 } }),
    ).toThrow(/was not loaded/);
  });
});
