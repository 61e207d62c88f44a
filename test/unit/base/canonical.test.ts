import { describe, expect, it } from "vitest";
import { decodeCanonical, encodeCanonical } from "../../../src/base/canonical.ts";
import { LIMITS } from "../../../src/base/limits.ts";

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

describe("canonical encoding", () => {
  it("leaves out keys whose value is undefined", () => {
    expect(encodeCanonical({ b: 1, a: undefined })).toEqual(encodeCanonical({ b: 1 }));
  });

  it.each([
    ["null", { a: null }, "a"],
    ["NaN", [1, NaN], "1"],
    ["infinity", { a: { b: [-Infinity] } }, "a.b.0"],
    ["-0", [-0], "0"],
    ["undefined in a list", [undefined], "0"],
    ["a lone surrogate", { text: "a\ud800" }, "text"],
    ["a lone surrogate in a key", { "\udc00": 1 }, "\udc00"],
    ["a date", new Date(0), "the value itself"],
    ["a map", new Map(), "the value itself"],
    ["a bigint", [1n], "0"],
    ["a function", { f: () => 1 }, "f"],
    ["a Float32Array", new Float32Array(1), "the value itself"],
  ])("refuses %s and says where", (_name, value, where) => {
    expect(() => encodeCanonical(value)).toThrow(
      expect.objectContaining({ code: "input.format", data: { where } }),
    );
  });

  it("nests up to the limit and no deeper, both ways", () => {
    const deepest = nested(LIMITS.recordNesting);
    expect(encodeCanonical(decodeCanonical(encodeCanonical(deepest)))).toEqual(encodeCanonical(deepest));
    expect(() => encodeCanonical(nested(LIMITS.recordNesting + 1))).toThrow(
      expect.objectContaining({ code: "limit.depth" }),
    );
    const deeper = Uint8Array.from([...Array(LIMITS.recordNesting + 1).fill(0x91), 1]);
    expect(() => decodeCanonical(deeper)).toThrow(expect.objectContaining({ code: "integrity.record" }));
    const bottomless = new Uint8Array(1_000_000).fill(0x91);
    expect(() => decodeCanonical(bottomless)).toThrow(expect.objectContaining({ code: "integrity.record" }));
  });

  it("takes records up to the limit and no longer, both ways", () => {
    const longest = encodeCanonical(new Uint8Array(LIMITS.recordBytes - 5));
    expect(longest.length).toBe(LIMITS.recordBytes);
    expect((decodeCanonical(longest) as Uint8Array).length).toBe(LIMITS.recordBytes - 5);
    expect(() => encodeCanonical(new Uint8Array(LIMITS.recordBytes - 4))).toThrow(
      expect.objectContaining({ code: "limit.size" }),
    );
    expect(() => decodeCanonical(new Uint8Array(LIMITS.recordBytes + 1))).toThrow(
      expect.objectContaining({ code: "integrity.record" }),
    );
  });

  it("keeps keys that objects use themselves as data", () => {
    const value = JSON.parse('{"__proto__":{"x":1},"constructor":2,"hasOwnProperty":3}');
    const decoded = decodeCanonical(encodeCanonical(value)) as Record<string, unknown>;
    expect(Object.keys(decoded).sort()).toEqual(["__proto__", "constructor", "hasOwnProperty"]);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  it("returns byte strings that do not share memory with the input", () => {
    const bytes = encodeCanonical({ a: Uint8Array.of(1, 2, 3) });
    const decoded = decodeCanonical(bytes) as { a: Uint8Array };
    bytes.fill(0);
    expect(decoded.a).toEqual(Uint8Array.of(1, 2, 3));
    expect(decoded.a.constructor).toBe(Uint8Array);
  });
});
