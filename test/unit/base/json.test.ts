import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJson } from "../../../src/base/json.ts";

const parse = (text: string, limits = {}) => parseJson(Buffer.from(text), limits);

describe("JSON of others", () => {
  it("reads what JSON.parse reads", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, "\t"), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        const safe = !/\\ud[89a-f]/i.test(text) && !/(^|[^0-9.e+-])-?[0-9]{16,}(?![0-9.e])/.test(text);
        if (safe) expect(JSON.stringify(parse(text))).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
  });

  it.each([
    ["an empty text", "", 1, 1, 0],
    ["an unclosed text", '{"a":"b', 1, 6, 5],
    ["a repeated key", '{"a":1,\n "a":2}', 2, 2, 9],
    ["a second value", '{"a":1}{"b":2}', 1, 8, 7],
    ["a number beyond doubles", "[1e400]", 1, 2, 1],
    ["a whole number beyond 2^53", "[9007199254740993]", 1, 2, 1],
    ["a lone surrogate", '["\u00e9", "\\ud800"]', 1, 7, 7],
    ["a trailing comma", "[1,]", 1, 4, 3],
    ["single quotes", "{'a':1}", 1, 2, 1],
    ["a comment", "// x\n1", 1, 1, 0],
    ["NaN", "[NaN]", 1, 2, 1],
    ["a leading zero", "01", 1, 2, 1],
    ["a plus sign", "+1", 1, 1, 0],
    ["a raw newline in a text", '"a\nb"', 1, 3, 2],
    ["a bad escape", '"\\x41"', 1, 2, 1],
    ["a byte order mark", "\ufeff1", 1, 1, 0],
    ["a NUL", "1\u0000", 1, 2, 1],
    ["an unclosed list", "[1", 1, 3, 2],
    ["an object without colon", '{"a" 1}', 1, 6, 5],
  ])("refuses %s with its place", (_name, text, line, column, byte) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({ code: "input.json", data: expect.objectContaining({ line, column, byte }) }),
    );
  });

  it("names the byte that is no UTF-8", () => {
    const bytes = Buffer.concat([Buffer.from('{"a":\n"\u00e9'), Buffer.from([0xff]), Buffer.from('"}')]);
    const data = expect.objectContaining({ line: 2, column: 3, byte: 9 });
    expect(() => parseJson(bytes)).toThrow(expect.objectContaining({ code: "input.json", data }));
  });

  it("counts from the place of a line in its file", () => {
    const data = expect.objectContaining({ where: "d.jsonl, line 12, column 2, byte 1001" });
    expect(() => parse("[x]", { name: "d.jsonl", firstLine: 12, firstByte: 1000 })).toThrow(
      expect.objectContaining({ data }),
    );
  });

  it("stops at its limits without a stack overflow", () => {
    expect(() => parse("[".repeat(100_000))).toThrow(expect.objectContaining({ code: "limit.depth" }));
    expect(() => parse('{"a":'.repeat(100_000))).toThrow(expect.objectContaining({ code: "limit.depth" }));
    expect(() => parse("[1,2,3]", { maxBytes: 4 })).toThrow(expect.objectContaining({ code: "limit.size" }));
  });

  it("keeps keys that objects use themselves as data", () => {
    const value = parse('{"__proto__":{"polluted":1},"constructor":2}') as Record<string, unknown>;
    expect(Object.keys(value)).toEqual(["__proto__", "constructor"]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it("refuses fractions and exponents where whole numbers are asked", () => {
    expect(parse("[1,2]", { wholeNumbers: true })).toEqual([1, 2]);
    for (const text of ["1.0", "1e3"])
      expect(() => parse(text, { wholeNumbers: true })).toThrow(
        expect.objectContaining({ code: "input.json" }),
      );
  });

  it("reads -0 as 0", () => {
    expect(Object.is(parse("-0"), 0)).toBe(true);
    expect(Object.is(parse("-0.0e5"), 0)).toBe(true);
  });
});
