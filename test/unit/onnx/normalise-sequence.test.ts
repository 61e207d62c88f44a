import { describe, expect, it } from "vitest";
import { normalise } from "../../../src/onnx/normalise.ts";
import { numbersOf } from "../../../src/onnx/tensors.ts";
import { buildModel, input, ints, node } from "../../support/onnx-builder.ts";

const inputs = [input("x", ["batch", 9])];
const split = node("SplitToSequence", ["x", "sizes"], ["parts"], { axis: 1 });
const at = (position: string, output: string) => node("SequenceAt", ["parts", position], [output]);

function slices(sizes: ReturnType<typeof ints>) {
  const model = normalise(
    buildModel({
      nodes: [split, at("zero", "a"), at("two", "b"), node("Add", ["a", "b"], ["y"])],
      inputs,
      initializers: { sizes, zero: ints([0], []), two: ints([2], []) },
    }),
  );
  expect(model.graph.nodes.map(({ op }) => op)).toEqual(["Slice", "Slice", "Add"]);
  const numbers = (name: string) => {
    const tensor = model.graph.initializers.get(name);
    return tensor === undefined ? undefined : numbersOf(tensor);
  };
  return model.graph.nodes.slice(0, 2).map((n) => n.inputs.slice(1).map(numbers));
}

describe("a tensor split into a sequence", () => {
  it("of parts of one size is read by slices", () => {
    expect(slices(ints([3], []))).toEqual([
      [[0], [3], [1]],
      [[6], [9], [1]],
    ]);
  });

  it("of parts of given sizes is read by slices", () => {
    expect(slices(ints([2, 3, 4]))).toEqual([
      [[0], [2], [1]],
      [[5], [9], [1]],
    ]);
  });

  it.each([
    ["the position is computed", [split, at("where", "y")]],
    ["the sequence is an output", [split, at("zero", "a"), node("SequenceLength", ["parts"], ["y"])]],
  ])("stays where %s", (_name, nodes) => {
    const model = buildModel({ nodes, inputs, initializers: { sizes: ints([3], []), zero: ints([0], []) } });
    expect(normalise(model).graph.nodes.map(({ op }) => op)).toContain("SplitToSequence");
  });
});
