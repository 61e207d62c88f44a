import { describe, expect, it } from "vitest";
import { textOf } from "../../../src/commands/data/example-text.ts";
import type { Example } from "../../../src/text/example.ts";

const example = (fields: object, format = "tensors"): Example =>
  ({ id: "0".repeat(64), line: 1, format, fields }) as unknown as Example;
const tensor = (dtype: string, shape: readonly number[], values: Float32Array | BigInt64Array) => ({
  dtype,
  shape,
  data: new Uint8Array(values.buffer),
});

describe("an example for people", () => {
  it("a row of tensors: what goes in by name, type and shape, what is expected in numbers", () => {
    const x = tensor("float32", [1, 8, 8], new Float32Array(64));
    const y = tensor("float32", [2], Float32Array.of(0.5, -2));
    expect(
      textOf(example({ pixel_values: x, labels: tensor("int64", [], BigInt64Array.of(7n)) })),
    ).toStrictEqual({ input: "pixel_values float32 [1, 8, 8]", expected: "7" });
    expect(textOf(example({ a: x, b: y, labels: y }))).toStrictEqual({
      input: "a float32 [1, 8, 8], b float32 [2]",
      expected: "[0.5 -2]",
    });
  });

  it("a chat is its last question and answer; a text with a label both; tokens the first few", () => {
    const said = (role: string, content: string) => ({ role, content });
    const messages = [said("user", "a"), said("assistant", "b"), said("user", "c"), said("assistant", "d")];
    expect(textOf(example({ messages }, "chat"))).toStrictEqual({ input: "c", expected: "d" });
    expect(textOf(example({ text: "good", label: 1 }))).toStrictEqual({ input: "good", expected: "1" });
    const ids = Int32Array.from({ length: 20 }, (_, i) => i);
    expect(textOf(example({ input_ids: ids, labels: Int32Array.of(-100, 3) }))).toStrictEqual({
      input: "[0 1 2 3 4 5 6 7 8 9 10 11 …]",
      expected: "[-100 3]",
    });
  });
});
