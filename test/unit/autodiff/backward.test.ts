import { describe, expect, it } from "vitest";
import { buildBackward } from "../../../src/autodiff/backward.ts";
import { createBuilder } from "../../../src/autodiff/builder.ts";
import { extendGraph } from "../../../src/autodiff/extend.ts";
import { prepareForGradient } from "../../../src/autodiff/prepare.ts";
import type { StaticValue } from "../../../src/autodiff/rule.ts";
import { widenGraph } from "../../../src/autodiff/widen.ts";
import type { Node } from "../../../src/onnx/model.ts";
import type { StaticGraph } from "../../../src/onnx/static-graph.ts";

function node(op: string, inputs: readonly string[], outputs: readonly string[], name = op): Node {
  return { op, domain: "", name, inputs, outputs, attributes: new Map(), metadata: new Map() };
}

/** A graph whose values are float32 [2, 3] unless said. */
function graph(
  nodes: readonly Node[],
  values: Readonly<Record<string, Partial<StaticValue>>> = {},
): StaticGraph {
  const made = new Set(nodes.flatMap((n) => n.outputs));
  const names = new Set([...nodes.flatMap((n) => [...n.inputs, ...n.outputs]), ...Object.keys(values)]);
  const all = new Map(
    [...names].map((name) => [name, { dtype: "float32" as const, dims: [2, 3], ...values[name] }]),
  );
  const inputs = new Map([...all].filter(([name]) => !made.has(name)));
  return {
    opsets: new Map([["", 20]]),
    nodes,
    inputs,
    outputs: nodes.at(-1)?.outputs ?? [],
    weights: new Map(),
    constants: new Map(),
    values: all,
  };
}

const ops = (nodes: readonly Node[]) => nodes.map((n) => n.op);

describe("buildBackward", () => {
  it("emits nothing for a node that is on no path", () => {
    const g = graph([node("Exp", ["x"], ["a"]), node("Exp", ["u"], ["b"]), node("Add", ["a", "b"], ["y"])]);
    expect(ops(buildBackward(g, { outputs: [{ name: "y" }], wrt: ["x"] }).nodes)).toEqual(["Mul"]);
  });

  it("sums over fan-out, once for each further use", () => {
    const g = graph([
      node("Neg", ["x"], ["a"]),
      node("Exp", ["x"], ["b"]),
      node("Tanh", ["x"], ["c"]),
      node("Sum", ["a", "b", "c"], ["y"]),
    ]);
    const { nodes } = buildBackward(g, { outputs: [{ name: "y" }], wrt: ["x"] });
    expect(nodes.filter((n) => n.op === "Add").length).toBeGreaterThanOrEqual(2);
  });

  it("names the cotangent itself where a target is an output", () => {
    const g = graph([node("Neg", ["x"], ["y"])]);
    const { gradients, nodes } = buildBackward(g, { outputs: [{ name: "y", cotangent: "dy" }], wrt: ["y"] });
    expect(gradients.get("y")).toBe("dy");
    expect(nodes).toEqual([]);
  });

  it("gives every target a gradient of its own shape and type", () => {
    const values = { x: { dims: [3] }, z: { dims: [1, 3] }, y: { dims: [2, 3] }, w: { dims: [2, 1] } };
    const g = graph([node("Mul", ["x", "w"], ["a"]), node("Add", ["a", "z"], ["y"])], values);
    const { gradients, values: made } = buildBackward(g, { outputs: [{ name: "y" }], wrt: ["x", "z", "w"] });
    for (const name of ["x", "z", "w"]) {
      expect(made.get(gradients.get(name)!)).toEqual(g.values.get(name));
    }
  });

  it("gives zeros where there is no path, and where the path crosses integers", () => {
    const g = graph([node("ArgMax", ["x"], ["i"]), node("Cast", ["i"], ["y"])], { i: { dtype: "int64" } });
    const { gradients, constants } = buildBackward(g, { outputs: [{ name: "y" }], wrt: ["x"] });
    expect(constants.get(gradients.get("x")!)?.dims).toEqual([2, 3]);
  });

  it("refuses an operator without a gradient by its name, also where an input is left out", () => {
    const whole = graph([node("Relu", ["x"], ["h"]), node("DFT", ["h", "", "axis"], ["y"], "fourier")]);
    const values = new Map([...whole.values].filter(([name]) => name !== ""));
    const request = { outputs: [{ name: "y" }], wrt: ["x"] };
    expect(() => buildBackward({ ...whole, values }, request)).toThrow(/DFT in node 'fourier'/);
  });

  it("never uses a name of the graph", () => {
    const taken = ["grad:0", "grad:1", "grad:c0", "grad1:0"];
    const g = graph([
      node("Exp", ["grad:0"], ["grad:1"], "grad:2"),
      node("Mul", ["grad:1", "grad1:0"], ["grad:c0"]),
    ]);
    const { nodes, constants } = buildBackward(g, {
      outputs: [{ name: "grad:c0" }],
      wrt: ["grad:0", "grad1:0"],
    });
    const made = [...nodes.flatMap((n) => [...n.outputs, n.name]), ...constants.keys()];
    expect(made.filter((name) => taken.includes(name))).toEqual([]);
    expect(new Set(made).size).toBe(made.length);
  });

  it("makes the same graph for the same request", () => {
    const g = graph([node("Softmax", ["x"], ["a"]), node("Mul", ["a", "w"], ["y"])]);
    const request = { outputs: [{ name: "y" }], wrt: ["x", "w"] };
    expect(buildBackward(g, request)).toEqual(buildBackward(g, request));
  });

  it("stores no transposed weight for MatMul", () => {
    const g = graph([node("MatMul", ["x", "w"], ["y"])], {
      x: { dims: [4, 5, 6] },
      w: { dims: [6, 7] },
      y: { dims: [4, 5, 7] },
    });
    const { nodes, opsets } = buildBackward(g, {
      outputs: [{ name: "y", cotangent: "dy" }],
      wrt: ["x", "w"],
    });
    expect(ops(nodes)).not.toContain("Transpose");
    expect(ops(nodes).filter((op) => op === "FusedMatMul")).toHaveLength(2);
    expect(opsets.get("com.microsoft")).toBe(1);
  });
});

describe("sums", () => {
  const sliced = (second: readonly [number, number]) => {
    const ints = (name: string, value: number) =>
      [
        name,
        {
          dtype: "int64" as const,
          dims: [1],
          data: { at: "memory" as const, bytes: new Uint8Array(BigInt64Array.of(BigInt(value)).buffer) },
        },
      ] as const;
    const constants = new Map([
      ints("a0", 0),
      ints("a1", 2),
      ints("b0", second[0]),
      ints("b1", second[1]),
      ints("axis", 1),
    ]);
    const index = { dtype: "int64" as const, dims: [1] };
    const values = {
      x: { dims: [3, 4] },
      a: { dims: [3, 2] },
      b: { dims: [3, second[1] - second[0]] },
      a0: index,
      a1: index,
      b0: index,
      b1: index,
      axis: index,
    };
    return {
      ...graph(
        [node("Slice", ["x", "a0", "a1", "axis"], ["a"]), node("Slice", ["x", "b0", "b1", "axis"], ["b"])],
        values,
      ),
      constants,
    };
  };
  const request = {
    outputs: [
      { name: "a", cotangent: "da" },
      { name: "b", cotangent: "db" },
    ],
    wrt: ["x"],
  };

  it("slices that fill a value are joined", () => {
    expect(ops(buildBackward(sliced([2, 4]), request).nodes)).toEqual(["Concat"]);
  });

  it("slices that overlap are padded and added", () => {
    expect(ops(buildBackward(sliced([1, 3]), request).nodes).toSorted()).toEqual(["Add", "Pad", "Pad"]);
  });

  it("slices that touch but do not fill a value are joined, then padded", () => {
    expect(ops(buildBackward(sliced([2, 3]), request).nodes)).toEqual(["Concat", "Pad"]);
  });

  it("a gradient that does not vary along an axis stays small until it is asked for", () => {
    const values = { x: { dims: [5, 7] }, a: { dims: [5, 7] }, y: { dims: [] } };
    const g = graph([node("Neg", ["x"], ["a"]), node("ReduceSum", ["a"], ["y"])], values);
    const { nodes, values: made } = buildBackward(g, { outputs: [{ name: "y" }], wrt: ["x"] });
    expect(ops(nodes).at(-1)).toBe("Expand");
    expect(made.get(nodes.find((n) => n.op === "Neg")!.outputs[0]!)?.dims).toEqual([1, 1]);
  });
});

describe("prepareForGradient", () => {
  it("keeps the names and shapes of a graph that is already plain", () => {
    const g = graph([node("Exp", ["x"], ["y"])]);
    expect(prepareForGradient(g)).toEqual(g);
  });

  it("says an old Softmax as rows, under the same output", () => {
    const old = {
      ...graph([node("Softmax", ["x"], ["y"])], { x: { dims: [2, 3, 4] }, y: { dims: [2, 3, 4] } }),
      opsets: new Map([["", 11]]),
    };
    const { nodes, opsets, values } = prepareForGradient(old);
    expect(ops(nodes)).toEqual(["Reshape", "Softmax", "Reshape"]);
    expect(nodes.at(-1)?.outputs).toEqual(["y"]);
    expect(values.get("y")?.dims).toEqual([2, 3, 4]);
    expect(opsets.get("")).toBe(18);
  });
});

describe("extendGraph", () => {
  it("puts nodes in an order that runs and replaces producers", () => {
    const g = graph([node("Exp", ["x"], ["a"]), node("Neg", ["a"], ["y"])]);
    const grown = extendGraph(g, {
      nodes: [node("Add", ["base", "x"], ["a"]), node("Exp", ["x"], ["base"])],
      values: new Map([["base", { dtype: "float32", dims: [2, 3] }]]),
    });
    expect(ops(grown.nodes).slice(-3)).toEqual(expect.arrayContaining(["Add", "Neg"]));
    const position = (name: string) => grown.nodes.findIndex((n) => n.outputs.includes(name));
    expect(position("base")).toBeLessThan(position("a"));
    expect(position("a")).toBeLessThan(position("y"));
    expect(grown.nodes).toHaveLength(3);
  });
});

describe("widenGraph", () => {
  it("casts narrow inputs and leaves wide graphs alone", () => {
    const wide = graph([node("Neg", ["x"], ["y"])]);
    expect(widenGraph(wide).graph).toBe(wide);
    const half = graph([node("Neg", ["x"], ["y"])], { x: { dtype: "float16" }, y: { dtype: "float16" } });
    const { graph: widened, widened: names } = widenGraph(half);
    expect(ops(widened.nodes)).toEqual(["Cast", "Neg"]);
    expect(widened.nodes[1]?.inputs).toEqual([names.get("x")]);
    expect(widened.values.get("y")?.dtype).toBe("float32");
  });
});

describe("builder", () => {
  it("emits an operator on the same inputs once", () => {
    const g = createBuilder(graph([node("Neg", ["x"], ["y"])]), "t");
    expect(g.mul("x", "y")).toBe(g.mul("x", "y"));
    expect(g.scalar(0)).not.toBe(g.scalar(-0));
    expect(g.nodes).toHaveLength(1);
  });

  it("sums a gradient to any shape that broadcasts to it", () => {
    const g = createBuilder(graph([], { x: { dims: [4, 2, 3] } }), "t");
    for (const dims of [[4, 2, 3], [2, 3], [3], [], [1, 1, 3], [4, 1, 1], [2, 1]])
      expect(g.dims(g.sumTo("x", dims))).toEqual(dims);
  });
});
