import { describe, expect, it } from "vitest";
import { isFilledWith, isMask, isWaveTable, sampleTables } from "../../../src/onnx/constant-tables.ts";
import { findParameters } from "../../../src/onnx/find-parameters.ts";
import type { Tensor } from "../../../src/onnx/model.ts";
import { bytesInMemory } from "../../../src/onnx/tensors.ts";
import { buildModel, floats, input, node } from "../../support/onnx-builder.ts";

const none = new Map();
const WIDTH = 8;

function table(rows: number, value: (row: number, column: number) => number): Tensor {
  return floats(
    [rows, WIDTH],
    Array.from({ length: rows * WIDTH }, (_, i) => value(Math.floor(i / WIDTH), i % WIDTH)),
  );
}

const angle = (row: number, column: number) => row / 10 ** (column / WIDTH);
const sines = (row: number, column: number) =>
  column < WIDTH / 2 ? Math.sin(angle(row, column)) : Math.cos(angle(row, column));
const learned = (row: number, column: number) => (row === 0 ? 0 : Math.sin(row * 31 + column * 17) / 3);

describe("tables of waves", () => {
  it.each([
    ["cosines", table(9, (row, column) => Math.cos(angle(row, column)))],
    ["sines", table(9, (row, column) => Math.sin(angle(row, column)))],
    ["sines, then cosines", table(9, sines)],
    ["a first row of zeros for padding", table(9, (row, column) => (row === 0 ? 0 : sines(row, column)))],
    ["a second row of zeros for padding", table(9, (row, column) => (row === 1 ? 0 : sines(row, column)))],
  ])("are %s", (_name, tensor) => {
    expect(isWaveTable(tensor, none)).toBe(true);
  });

  it.each([
    ["an embedding whose padding is zeros", table(9, learned)],
    [
      "an embedding with several rows of zeros",
      table(9, (row, column) => (row < 5 ? 0 : learned(row, column))),
    ],
    ["zeros", table(9, () => 0)],
    ["two rows", table(2, sines)],
    ["a vector", floats([WIDTH * 9], Array(WIDTH * 9).fill(0))],
  ])("are not %s", (_name, tensor) => {
    expect(isWaveTable(tensor, none)).toBe(false);
  });
});

describe("tensors in files", () => {
  const files: Readonly<Record<string, Tensor>> = { words: table(9, learned), positions: table(9, sines) };
  const stored = (name: string): Tensor => {
    const tensor = files[name] as Tensor;
    return {
      ...tensor,
      data: { at: "file", path: name, offset: 0, length: bytesInMemory(tensor).byteLength },
    };
  };
  const model = buildModel({
    nodes: [
      node("Gather", ["words", "ids"], ["w"]),
      node("Identity", ["positions"], ["shared"]),
      node("Gather", ["shared", "ids"], ["p"]),
      node("Add", ["w", "p"], ["y"]),
    ],
    inputs: [input("ids", ["time"], "int64")],
    initializers: { words: stored("words"), positions: stored("positions") },
  });
  const read = async ({ data }: Tensor) =>
    bytesInMemory(files[data.at === "file" ? data.path : ""] as Tensor);

  it("are told by their first values", async () => {
    expect(findParameters(model).map(({ name }) => name)).toEqual(["words", "positions"]);
    const samples = await sampleTables(model, read);
    expect(samples.size).toBe(2);
    expect(findParameters(model, samples).map(({ name }) => name)).toEqual(["words"]);
  });
});

describe("constants", () => {
  it("are masks where zeros and large negative numbers stand", () => {
    expect(isMask(floats([2, 2], [0, -3e38, 0, 0]), none)).toBe(true);
    expect(isMask(floats([2, 2], [0, 0, 0, 0]), none)).toBe(false);
    expect(isMask(floats([2, 2], [1, -3e38, 0, 0]), none)).toBe(false);
  });

  it("are filled with one number or not", () => {
    expect(isFilledWith(floats([2], [1, 1]), 1, none)).toBe(true);
    expect(isFilledWith(floats([2], [1, 2]), 1, none)).toBe(false);
  });
});
