import { beforeAll, describe, expect, it } from "vitest";
import { IngotError } from "../../src/base/errors.ts";
import { openRuntime } from "../../src/runtime/ort.ts";
import type { Runtime } from "../../src/runtime/session.ts";
import { computeGradients } from "../../src/train/gradient.ts";
import {
  inputsFor,
  type ModelSpec,
  type NodeSpec,
  smallModel,
  type TensorSpec,
} from "../support/small-model.ts";

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

const vector = (...values: number[]): TensorSpec => ({ dims: [values.length], values });
const scalar = (value: number): TensorSpec => ({ dims: [], values: [value] });

async function gradients(
  spec: ModelSpec,
  wrt: "all" | readonly string[] = "all",
): Promise<Record<string, number[]>> {
  const found = await computeGradients({
    model: smallModel(spec),
    inputs: inputsFor(spec),
    wrt,
    runtime,
    threads: 1,
  });
  return Object.fromEntries([...found].map(([name, t]) => [name, Array.from(t.data as Float32Array)]));
}

/** Gradient of the sum of one node's output with respect to x. */
async function dX(
  op: string,
  x: TensorSpec,
  attributes: NodeSpec[3] = {},
  constants: Record<string, TensorSpec> = {},
  opset = 20,
): Promise<number[]> {
  const spec = {
    opset,
    nodes: [[op, ["x", ...Object.keys(constants)], ["y"], attributes]] as const,
    inputs: { x },
    constants,
    outputs: ["y"],
  };
  return (await gradients(spec, ["x"])).x!;
}

/** What PyTorch gives at kinks and ties, recorded from torch 2.13. */
type Kink = readonly [string, TensorSpec, readonly number[], NodeSpec[3]?, Record<string, TensorSpec>?];

const AT_KINKS: readonly Kink[] = [
  ["Relu", vector(0), [0]],
  ["Abs", vector(0), [0]],
  ["LeakyRelu", vector(0), [0.25], { alpha: { float: 0.25 } }],
  ["PRelu", vector(0), [0.25], {}, { slope: vector(0.25) }],
  ["Elu", vector(0), [2], { alpha: { float: 2 } }],
  ["Selu", vector(0), [1.7580993]],
  ["Celu", vector(0), [1]],
  ["HardSigmoid", vector(-2.5, 2.5), [0, 0]],
  ["HardSwish", vector(-3, 0, 3), [0, 0.5, 1]],
  ["Shrink", vector(-0.5, 0.5), [0, 0]],
  ["ThresholdedRelu", vector(1), [0]],
  ["Clip", vector(-1, 0, 1), [1, 1, 1], {}, { low: scalar(-1), high: scalar(1) }],
  ["Clip", vector(0, 1.5, 3), [0, 0, 0], {}, { low: scalar(2), high: scalar(1) }],
  ["Round", vector(0.5, 1.5), [0, 0]],
  ["ReduceMax", vector(1, 1, 0), [0.5, 0.5, 0]],
  ["ReduceL1", vector(0, 1), [0, 1]],
  ["ReduceL2", vector(0, 0), [0, 0]],
  ["ReduceProd", vector(0, 0, 2), [0, 0, 0]],
  ["ReduceProd", vector(0, 3, 2), [6, 0, 0]],
  ["ReduceLogSumExp", vector(-1e4, 1e4), [0, 1]],
  ["Pow", vector(0), [0], {}, { e: scalar(0) }],
  ["Pow", vector(0), [1], {}, { e: scalar(1) }],
  ["Pow", vector(0, 0, -2), [0, 1, -4], {}, { e: vector(0, 1, 2) }],
  ["MaxPool", { dims: [1, 1, 3], values: [2, 2, 2] }, [1, 0, 0], { kernel_shape: [3] }],
  ...["Softplus", "Sigmoid", "Mish", "Gelu", "com.microsoft:QuickGelu"].map(
    (op) => [op, vector(-1e4, 1e4), op === "Sigmoid" ? [0, 0] : [0, 1]] as Kink,
  ),
  ["Gelu", vector(-1e4, 1e4), [0, 1], { approximate: "tanh" }],
  ["Softmax", vector(Number.NEGATIVE_INFINITY, 0, 0), [0, 0, 0]],
];

describe("kinks, ties and extreme values", () => {
  for (const [op, x, expected, attributes, constants] of AT_KINKS) {
    it(`${op} at ${x.values} ${Object.entries(constants ?? {}).map(([k, c]) => `${k} ${c.values}`)}`, async () => {
      const actual = await dX(op, x, attributes, constants);
      expect(actual.map((v) => Number(v.toFixed(6)) + 0)).toEqual(expected.map((v) => Number(v.toFixed(6))));
    });
  }

  it("Max of a value with itself passes its gradient once", async () => {
    expect(
      await gradients({ nodes: [["Max", ["x", "x"], ["y"]]], inputs: { x: vector(1, 2) }, outputs: ["y"] }),
    ).toEqual({ x: [1, 1] });
  });

  it("d/de of x^e is 0 at x = 0 and NaN for a negative base, where dX stays right", async () => {
    const spec = {
      nodes: [["Pow", ["x", "e"], ["y"]]] as const,
      inputs: { x: vector(0, -2) },
      constants: { e: vector(2, 2) },
      outputs: ["y"],
    };
    expect(await gradients(spec)).toEqual({ x: [0, -4], e: [0, Number.NaN] });
  });

  it("a softmax row that is masked entirely and replaced gives zeros, not NaN", async () => {
    const hidden = {
      dims: [2, 2],
      values: [0, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
    };
    const found = await gradients(
      {
        nodes: [
          ["Add", ["x", "mask"], ["s"]],
          ["Softmax", ["s"], ["p"]],
          ["IsNaN", ["p"], ["n"]],
          ["Where", ["n", "zero", "p"], ["y"]],
          ["Mul", ["y", "w"], ["z"]],
        ],
        inputs: { x: { dims: [2, 2], values: [1, 2, 3, 4] } },
        constants: { mask: hidden, zero: scalar(0), w: { dims: [2, 2], values: [1, 2, 3, 4] } },
        outputs: ["z"],
      },
      ["x"],
    );
    expect(found.x).toEqual([0, 0, 0, 0]);
  });
});

describe("paths", () => {
  it("a graph input that is an output has its cotangent as gradient", async () => {
    expect(
      await gradients({ nodes: [["Neg", ["x"], ["y"]]], inputs: { x: vector(1) }, outputs: ["x", "y"] }),
    ).toEqual({ x: [0] });
  });

  it("values without a path have zeros, dead branches are no obstacle", async () => {
    const found = await gradients({
      nodes: [
        ["Mul", ["x", "w"], ["y"]],
        ["QuantizeLinear", ["x", "s"], ["dead"]],
        ["Size", ["u"], ["size"]],
      ],
      inputs: { x: vector(2), u: vector(1, 1) },
      constants: { w: vector(3), s: scalar(0.1), unused: vector(5, 5) },
      outputs: ["y"],
    });
    expect(found).toEqual({ x: [3], u: [0, 0], w: [2], s: [0], unused: [0, 0] });
  });

  it("tensors used twice have the sum of both gradients", async () => {
    const found = await gradients({
      nodes: [
        ["Identity", ["w"], ["w2"]],
        ["Mul", ["x", "w"], ["a"]],
        ["Mul", ["a", "w2"], ["y"]],
      ],
      inputs: { x: vector(3) },
      constants: { w: vector(2) },
      outputs: ["y"],
    });
    expect(found).toEqual({ x: [4], w: [12] });
  });

  it("names of all kinds stay apart from generated ones", async () => {
    const found = await gradients({
      nodes: [
        ["Mul", ["x grad/:", "grad:0"], ["grad:1"]],
        ["Mul", ["grad:1", "dY"], ["y"]],
      ],
      inputs: { "x grad/:": vector(3) },
      constants: { "grad:0": vector(2), dY: vector(5) },
      outputs: ["y"],
    });
    expect(found).toEqual({ "x grad/:": [10], "grad:0": [15], dY: [6] });
  });

  it("an omitted output of Split", async () => {
    const found = await gradients({
      opset: 13,
      nodes: [["Split", ["x"], ["", "b"]]],
      inputs: { x: vector(1, 2, 3, 4) },
      outputs: ["b"],
    });
    expect(found).toEqual({ x: [0, 0, 1, 1] });
  });

  it("refusals are listed all at once, with operator, node and reason", async () => {
    const refused = gradients({
      opset: 17,
      nodes: [
        ["QuantizeLinear", ["x", "s"], ["q"]],
        ["DequantizeLinear", ["q", "s"], ["a"]],
        ["DFT", ["a"], ["b"], { axis: 1 }],
      ],
      inputs: { x: { dims: [1, 4, 2] } },
      constants: { s: scalar(0.1) },
      outputs: ["b"],
    });
    await expect(refused).rejects.toThrow(IngotError);
    await expect(refused).rejects.toMatchObject({
      code: "input.operator",
      data: {
        nodes: [
          { op: "QuantizeLinear", node: "node 0" },
          { op: "DFT", node: "node 2" },
        ],
      },
    });
  });

  it("quantised activations are refused rather than given zeros", async () => {
    const refused = gradients(
      {
        nodes: [
          ["QuantizeLinear", ["x", "s"], ["q"]],
          ["DequantizeLinear", ["q", "s"], ["y"]],
        ],
        inputs: { x: vector(1) },
        constants: { s: scalar(0.1) },
        outputs: ["y"],
      },
      ["x"],
    );
    await expect(refused).rejects.toMatchObject({
      code: "input.operator",
      data: { nodes: [{ op: "QuantizeLinear" }] },
    });
  });

  it("float16 models compute in float32", async () => {
    const half = (...values: number[]): TensorSpec => ({ dims: [values.length], dtype: "float16", values });
    const found = await gradients({
      nodes: [
        ["Mul", ["x", "w"], ["a"]],
        ["Cast", ["a"], ["y"], { to: 10 }],
      ],
      inputs: { x: half(1, 2) },
      constants: { w: half(0.5, 3) },
      outputs: ["y"],
    });
    expect(found).toEqual({ x: [0.5, 3], w: [1, 2] });
  });

  it("an initialiser named among the inputs is overridden", async () => {
    const spec: ModelSpec = {
      nodes: [["Mul", ["x", "w"], ["y"]]],
      inputs: { x: vector(2) },
      constants: { w: vector(3) },
      outputs: ["y"],
    };
    const inputs = new Map([
      ...inputsFor(spec),
      ["w", { dtype: "float32" as const, dims: [1], data: Float32Array.of(7) }],
    ]);
    const found = await computeGradients({ model: smallModel(spec), inputs, wrt: ["x"], runtime });
    expect(Array.from(found.get("x")!.data as Float32Array)).toEqual([7]);
  });

  it("unknown names are an error that says so", async () => {
    const spec: ModelSpec = { nodes: [["Neg", ["x"], ["y"]]], inputs: { x: vector(2) }, outputs: ["y"] };
    await expect(gradients(spec, ["z"])).rejects.toMatchObject({ code: "input.tensor" });
  });
});
