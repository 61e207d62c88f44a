import { describe, expect, it } from "vitest";
import { readsOf } from "../../../src/onnx/graph-order.ts";
import { fullLayers, loraLayers } from "../../../src/train/adapter.ts";
import { type Attached, attachAdapters } from "../../../src/train/attach.ts";
import { inferenceModel } from "../../../src/train/inference-model.ts";
import { convolution, linear } from "../../support/modules.ts";
import { buildModel, floats, node } from "../../support/onnx-builder.ts";
import { recipeOf } from "../../support/recipes.ts";

/** Names that are there from the start. */
const GIVEN = ["x", "W:a", "W:b", "W:c", "bias"];
const A = linear("a");
const B = linear("b", { transposed: true, inFeatures: 4, outFeatures: 4 });
const GRAPH = [
  node("Gemm", ["x", "W:a", "bias"], ["y:a"], { transB: 1 }),
  node("Relu", ["y:a"], ["h"]),
  node("MatMul", ["h", "W:b"], ["y:b"]),
  node("Add", ["y:b", "bias"], ["z"]),
];
const DIMS: Readonly<Record<string, readonly number[]>> = {
  x: [5, 6],
  "y:a": [5, 4],
  h: [5, 4],
  "y:b": [5, 4],
  z: [5, 4],
};
const dimsOf = (name: string) => DIMS[name] ?? [];

/** Every value is made before it is used, and once. */
function expectOrder(attached: Attached, given: readonly string[] = GIVEN): void {
  const made = new Set([...given, ...attached.inputs.map((i) => i.name), ...attached.constants.keys()]);
  for (const n of attached.nodes) {
    for (const name of n.inputs) expect(made.has(name), `${name} of ${n.op}`).toBe(true);
    for (const name of n.outputs) {
      expect(made.has(name), `${name} made twice`).toBe(false);
      made.add(name);
    }
  }
  for (const { name } of attached.values) expect(made.has(name), name).toBe(true);
}

const lora = (input: object, prefix: string, modules = [A, B]) =>
  loraLayers(modules, recipeOf({ r: 2, lora_alpha: 3, ...input }), true, prefix);

describe("adapters added to a graph", () => {
  it("give each weight of a module that was split its rows of B", () => {
    const split = linear("gate_up", {
      outputs: ["g", "u"],
      outFeatures: 8,
      blocks: [
        [0, 4],
        [4, 8],
      ],
    });
    const nodes = [node("MatMul", ["x", "W:g"], ["g"]), node("MatMul", ["x", "W:u"], ["u"])];
    const layers = lora({ target_modules: ["gate_up"] }, "p/", [split]);
    const attached = attachAdapters(nodes, [layers], (name) => (name === "x" ? [5, 6] : [5, 4]));
    expectOrder(attached, ["x", "W:g", "W:u"]);
    expect(attached.inputs.map(({ dims }) => dims)).toEqual([
      [2, 6],
      [8, 2],
    ]);
    expect(attached.nodes.filter(({ op }) => op === "Slice")).toHaveLength(2);
    expect(attached.values.filter(({ name }) => / \d+$/.test(name)).map(({ dims }) => dims)).toEqual([
      [4, 2],
      [4, 2],
    ]);
  });

  it("keep weights and replace them where only a branch reads them", () => {
    const branch = buildModel({ nodes: [node("MatMul", ["x", "W:a"], ["t"])] }).graph;
    const model = buildModel({
      nodes: [node("If", ["cond", "W:b"], ["z"], { then_branch: { type: "graph", value: branch } })],
      initializers: { "W:a": floats([4, 4]), "W:b": floats([4, 4]), "W:c": floats([4, 4]) },
    });
    const full = fullLayers([{ initializer: "W:b", dims: [4, 4], decays: true }], "p/");
    expect([...inferenceModel(model, [full]).graph.initializers.keys()]).toEqual(["W:a"]);
    const inner = fullLayers([{ initializer: "W:a", dims: [4, 4], decays: true }], "p/");
    const [first] = attachAdapters(model.graph.nodes, [inner]).nodes;
    expect(first && readsOf(first)).toEqual(["cond", "W:b", "x", "p/W:a"]);
  });

  it("leave it as it is where there are none", () => {
    expect(attachAdapters(GRAPH, [])).toEqual({ nodes: GRAPH, inputs: [], values: [], constants: new Map() });
  });

  it("keep the names of what is read after the module, and add s B (A x) to its output", () => {
    const attached = attachAdapters(GRAPH, [lora({ target_modules: ["a"] }, "p/")], dimsOf);
    expectOrder(attached);
    expect(attached.nodes.map((n) => n.op)).toEqual([
      "Gemm",
      "FusedMatMul",
      "FusedMatMul",
      "Add",
      "Relu",
      "MatMul",
      "Add",
    ]);
    const [gemm, low, delta, sum] = attached.nodes;
    expect(gemm?.outputs).toEqual(["y:a/base"]);
    expect(low?.inputs).toEqual(["x", "p/base_model.model.a.lora_A.weight"]);
    expect(delta?.inputs).toEqual([low?.outputs[0], "p/base_model.model.a.lora_B.weight"]);
    expect(delta?.attributes.get("alpha")).toEqual({ type: "float", value: 1.5 });
    expect([sum?.inputs, sum?.outputs]).toEqual([["y:a/base", delta?.outputs[0]], ["y:a"]]);
    const shapes = new Map(attached.values.map((v) => [v.name, v.dims]));
    expect(shapes.get(low!.outputs[0]!)).toEqual([5, 2]);
    expect(shapes.get(delta!.outputs[0]!)).toEqual([5, 4]);
    expect(shapes.get("y:a/base")).toEqual([5, 4]);
  });

  it("are summed in their order, each under inputs of its own", () => {
    const attached = attachAdapters(GRAPH, [lora({}, "one/"), lora({ r: 4 }, "two/")], dimsOf);
    expectOrder(attached);
    expect(attached.inputs).toHaveLength(8);
    expect(new Set(attached.inputs.map((i) => i.name)).size).toBe(8);
    const sums = attached.nodes.filter((n) => n.op === "Add" && n.inputs[0]?.startsWith("y:a"));
    expect(sums.map((n) => [n.inputs[0], n.outputs[0]])).toEqual([
      ["y:a/base", "y:a/plus0"],
      ["y:a/plus0", "y:a"],
    ]);
  });

  it("work on graphs whose dimensions are not known", () => {
    const attached = attachAdapters(GRAPH, [lora({}, "p/")]);
    expectOrder(attached);
    expect(attached.values).toEqual([]);
  });

  it("are added at every use of a module", () => {
    const twice = [node("MatMul", ["x", "W:a"], ["y:a"]), node("MatMul", ["y:a", "W:a"], ["again"])];
    const shared = linear("a", {
      transposed: true,
      inFeatures: 6,
      outFeatures: 6,
      outputs: ["y:a", "again"],
    });
    const attached = attachAdapters(twice, [lora({}, "p/", [shared])]);
    expectOrder(attached);
    expect(attached.nodes.filter((n) => n.op === "FusedMatMul")).toHaveLength(4);
    expect(attached.inputs).toHaveLength(2);
  });

  it("on a slice of a packed weight put B between rows of zeros", () => {
    const packed = linear("k", { outputs: ["y:a"], slice: [4, 8, 12] });
    const attached = attachAdapters(GRAPH, [lora({}, "p/", [packed])], () => [5, 12]);
    expectOrder(attached);
    const pad = attached.nodes.find((n) => n.op === "Pad");
    const pads = attached.constants.get(pad!.inputs[1]!)!;
    if (pads.data.at !== "memory") throw new Error("pads outside the file");
    expect([...new BigInt64Array(pads.data.bytes.slice().buffer)]).toEqual([4n, 0n, 4n, 0n]);
    expect(attached.values.find((v) => v.name === pad!.outputs[0])?.dims).toEqual([12, 2]);
  });

  it("on a convolution keep its geometry in A; B is 1 x 1", () => {
    const conv = [
      node("Conv", ["x", "W:c"], ["y:c"], { kernel_shape: [3, 2], strides: [2, 1], pads: [1, 0, 1, 1] }),
    ];
    const layers = loraLayers([convolution("c")], recipeOf({ r: 2, target_modules: ["c"] }), true, "p/");
    const attached = attachAdapters(conv, [layers], () => [1, 8, 9, 9]);
    expectOrder(attached);
    const [, low, up] = attached.nodes.filter((n) => n.op === "Conv");
    expect(low?.attributes.get("strides")).toEqual({ type: "ints", value: [2, 1] });
    expect(low?.attributes.get("pads")).toEqual({ type: "ints", value: [1, 0, 1, 1] });
    expect(up?.attributes.size).toBe(0);
    const same = attachAdapters(conv, [
      loraLayers(
        [convolution("c", { autoPad: "SAME_UPPER" })],
        recipeOf({ target_modules: ["c"] }),
        true,
        "p/",
      ),
    ]);
    const [, turned] = same.nodes.filter((n) => n.op === "Conv");
    expect(turned?.attributes.get("auto_pad")).toEqual({ type: "string", value: "SAME_UPPER" });
    expect(turned?.attributes.has("pads")).toBe(false);
  });

  it("that replace a weight are read in its place, turned where the graph reads it transposed", () => {
    const saved = lora({ target_modules: ["a"], modules_to_save: ["b"] }, "p/");
    const attached = attachAdapters(GRAPH, [saved], dimsOf);
    expectOrder(attached);
    const matmul = attached.nodes.find((n) => n.op === "MatMul");
    expect(matmul?.inputs[1]).toBe("p/base_model.model.b.weight/transposed");
    expect(attached.nodes[0]).toMatchObject({ op: "Transpose", inputs: ["p/base_model.model.b.weight"] });
    for (const n of attached.nodes) expect(n.inputs).not.toContain("W:b");

    const full = attachAdapters(GRAPH, [
      fullLayers([{ initializer: "bias", dims: [4], decays: false }], "p/"),
    ]);
    expectOrder(full);
    expect(full.nodes.flatMap((n) => n.inputs).filter((i) => i === "p/bias")).toHaveLength(2);
  });

  it("on a module that no node makes are a mistake of the program", () => {
    expect(() => attachAdapters(GRAPH, [lora({}, "p/", [linear("gone")])])).toThrow(/no node makes y:gone/);
  });
});
