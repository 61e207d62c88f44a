import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { bytesSource } from "../../../src/base/ports.ts";
import type { Tensor } from "../../../src/onnx/model.ts";
import { encodeSafetensors } from "../../../src/onnx/safetensors.ts";
import { floatTensor, intTensor } from "../../../src/onnx/tensors.ts";
import { collate } from "../../../src/text/batches.ts";
import { openContainer } from "../../../src/text/container.ts";
import { readExamples } from "../../../src/text/dataset-file.ts";
import type { Example } from "../../../src/text/example.ts";
import { openExampleEncoder } from "../../../src/text/examples.ts";

async function read(bytes: Uint8Array, name = "x.safetensors"): Promise<Example[]> {
  const examples: Example[] = [];
  for await (const example of readExamples(bytesSource(bytes), name)) examples.push(example);
  return examples;
}

const file = (tensors: Record<string, Tensor>): Uint8Array =>
  encodeSafetensors(new Map(Object.entries(tensors)));
const OPTIONS = { task: "image-classification" };

describe("tensor files", () => {
  it("hold one example a row", async () => {
    const bytes = file({ x: floatTensor([3, 2], [1, 2, 3, 4, 5, 6]), labels: intTensor([3], [7, 8, 7]) });
    const rows = await read(bytes);
    expect(rows.map(({ line, format }) => [line, format])).toEqual([
      [1, "tensors"],
      [2, "tensors"],
      [3, "tensors"],
    ]);
    const encoded = rows.map((row) => openExampleEncoder(undefined, OPTIONS)(row));
    expect(encoded.map(({ expectedText }) => expectedText)).toEqual(["7", "8", "7"]);
    expect(encoded[0]?.inputText).toBe("x [2]");
    const { inputs, labels } = collate(encoded, { length: 0, padId: 0, inputs: ["x", "attention_mask"] });
    expect([...inputs]).toEqual([
      ["x", { dtype: "float32", dims: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
    ]);
    expect(labels).toEqual({ kind: "classes", dims: [3], values: Int32Array.of(7, 8, 7) });
  });

  it("give the same row the same id, wherever it stands", async () => {
    const one = await read(file({ x: floatTensor([2, 1], [1, 2]), labels: intTensor([2], [0, 1]) }));
    const other = await read(file({ labels: intTensor([3], [1, 0, 1]), x: floatTensor([3, 1], [2, 1, 1]) }));
    expect([other[0]?.id, other[1]?.id]).toEqual([one[1]?.id, one[0]?.id]);
    expect(new Set([...one, ...other].map(({ id }) => id)).size).toBe(3);
  });

  it("read the same from a packed file", async () => {
    const bytes = file({ x: floatTensor([2, 1], [1, 2]), labels: intTensor([2], [0, 1]) });
    const packed = new Uint8Array(gzipSync(bytes));
    const rows = await read(packed, "x.safetensors.gz");
    expect(rows.map(({ id }) => id)).toEqual((await read(bytes)).map(({ id }) => id));
    expect(new Set(rows.map(({ format }) => format))).toEqual(new Set(["tensors"]));
    const options = { paragraphs: false, delimited: false };
    const { kind, packed: isPacked } = await openContainer(bytesSource(packed), "x.safetensors.gz", options);
    expect([kind, isPacked]).toEqual(["safetensors", true]);
  });

  it("may hold more tensors than a call has arguments", async () => {
    const one = intTensor([1], [7]);
    const names = Array.from({ length: 150_000 }, (_, i) => `t${i}`);
    const [row] = await read(encodeSafetensors(new Map(names.map((name) => [name, one]))));
    expect(Object.keys(row?.fields ?? {})).toHaveLength(names.length);
  });

  it("may hold targets", async () => {
    const [row] = await read(file({ x: floatTensor([1, 1], [1]), labels: floatTensor([1, 2], [0.5, 2]) }));
    expect(openExampleEncoder(undefined, { task: "regression" })(row as Example).labels).toEqual({
      kind: "floats",
      dims: [2],
      values: Float32Array.of(0.5, 2),
    });
  });

  it("hold the demo's digits", async () => {
    const rows = await read(
      new Uint8Array(readFileSync(new URL("../../../demo/digits/test.safetensors", import.meta.url))),
    );
    expect(rows.length).toBe(360);
    const encoded = rows.map((row) => openExampleEncoder(undefined, OPTIONS)(row));
    expect(new Set(encoded.map(({ expectedText }) => expectedText)).size).toBe(10);
    expect(encoded[0]?.tensors.get("pixel_values")?.dims).toEqual([1, 8, 8]);
  });

  const BROKEN: readonly (readonly [name: string, bytes: Uint8Array, code: string])[] = [
    [
      "rows of unequal number",
      file({ x: floatTensor([2], [1, 2]), labels: intTensor([3], [0, 1, 2]) }),
      "input.format",
    ],
    ["no dimension", file({ x: floatTensor([], [1]) }), "input.format"],
    ["no rows", file({ x: floatTensor([0, 4], []) }), "input.format"],
    ["no tensors", file({}), "input.format"],
    ["no safetensors", new TextEncoder().encode("hello, world"), "input.safetensors"],
    [
      "a pickle under another name",
      Uint8Array.of(0x80, 4, 0x95, 0, 0, 0, 0, 0, 0, 0, 1, 2),
      "input.safetensors",
    ],
  ];

  it.each(BROKEN)("are refused: %s", async (_name, bytes, code) => {
    await expect(read(bytes)).rejects.toMatchObject({ code });
  });

  it("are refused without labels, once they are trained on", async () => {
    const [row] = await read(file({ x: floatTensor([1, 1], [1]) }));
    expect(() => openExampleEncoder(undefined, OPTIONS)(row as Example)).toThrow(/no tensor 'labels'/);
  });
});
