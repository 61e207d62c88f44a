import { describe, expect, it } from "vitest";
import { findParameters } from "../../../src/onnx/find-parameters.ts";
import type { Node, Tensor } from "../../../src/onnx/model.ts";
import { bytesInMemory } from "../../../src/onnx/tensors.ts";
import { tieWeights } from "../../../src/onnx/tie-weights.ts";
import { buildModel, floats, input, ints, node } from "../../support/onnx-builder.ts";

const inputs = [
  input("ids", ["b", "t"], "int64"),
  input("positions", ["b", "t"], "int64"),
  input("x", ["b", 4]),
];

function names(nodes: readonly Node[], initializers: Readonly<Record<string, Tensor>>): string[] {
  return findParameters(buildModel({ nodes, inputs, initializers })).map(({ name }) => name);
}

const rotary = floats(
  [8, 2],
  Array.from({ length: 16 }, (_, i) => Math.cos((i >> 1) * (i % 2 === 0 ? 1 : 0.1))),
);

describe("parameters are", () => {
  it.each([
    [
      "weight and bias of a Gemm",
      [node("Gemm", ["x", "w", "b"], ["y"], { transB: 1 })],
      { w: floats([1, 4]), b: floats([1]) },
    ],
    ["an embedding", [node("Gather", ["w", "ids"], ["y"])], { w: floats([9, 4]) }],
    [
      "a table of learned positions",
      [node("Gather", ["w", "positions"], ["p"]), node("Add", ["x", "p"], ["y"])],
      { w: floats([9, 4]) },
    ],
    [
      "scale and bias of LayerNormalization",
      [node("LayerNormalization", ["x", "w", "b"], ["y"])],
      { w: floats([4], [1, 1, 1, 1]), b: floats([4], [0, 0, 0, 0]) },
    ],
    [
      "scale and bias of BatchNormalization",
      [node("BatchNormalization", ["x", "w", "b", "mean", "var"], ["y"])],
      { w: floats([4]), b: floats([4]) },
    ],
    ["a bias that is added", [node("Add", ["x", "b"], ["y"])], { b: floats([4]) }],
    [
      "a class token behind Expand",
      [node("Expand", ["cls", "shape"], ["e"]), node("Concat", ["e", "x"], ["y"], { axis: 0 })],
      { cls: floats([1, 4]) },
    ],
    [
      "a weight behind Transpose",
      [node("Transpose", ["w"], ["t"]), node("MatMul", ["x", "t"], ["y"])],
      { w: floats([3, 4]) },
    ],
    [
      "gates of an LSTM",
      [node("LSTM", ["x", "w", "r", "b"], ["y"])],
      { w: floats([1, 8, 4]), r: floats([1, 8, 2]), b: floats([1, 16]) },
    ],
  ])("%s", (_name, nodes, initializers) => {
    const rest = { mean: floats([4]), var: floats([4]), shape: floats([2]) };
    expect(names(nodes, { ...initializers, ...rest })).toEqual(Object.keys(initializers));
  });
});

describe("parameters are not", () => {
  it.each([
    ["an exponent", [node("Pow", ["x", "c"], ["y"])], floats([], [2])],
    ["an epsilon", [node("Add", ["x", "c"], ["y"])], floats([], [1e-5])],
    ["a factor", [node("Mul", ["x", "c"], ["y"])], floats([1], [0.5])],
    [
      "inverse frequencies times positions",
      [node("Cast", ["positions"], ["p"], { to: 1 }), node("MatMul", ["c", "p"], ["y"])],
      floats([1, 8, 1]),
    ],
    ["a table of cosines", [node("Gather", ["c", "positions"], ["y"])], rotary],
    ["an attention mask", [node("Add", ["x", "c"], ["y"])], floats([2, 2], [0, -3.4e38, 0, 0])],
    ["an input of Clip", [node("Clip", ["x", "c"], ["y"])], floats([], [0])],
    ["scales of Resize", [node("Resize", ["x", "", "c"], ["y"])], floats([4])],
    ["quantisation scales", [node("DequantizeLinear", ["x", "c"], ["y"])], floats([4])],
    ["running statistics", [node("BatchNormalization", ["x", "x", "x", "c", "c"], ["y"])], floats([4])],
    ["what nothing uses", [node("Relu", ["x"], ["y"])], floats([4, 4])],
  ])("%s", (_name, nodes, c) => {
    expect(names(nodes, { c })).toEqual([]);
  });

  it("the bias that an exporter makes of a folded BatchNorm", () => {
    const conv = node(
      "Conv",
      ["x", "onnx::Conv_63", "onnx::Conv_64"],
      ["y"],
      {},
      { name: "/stem/conv/Conv" },
    );
    const found = findParameters(
      buildModel({
        nodes: [conv],
        inputs,
        initializers: { "onnx::Conv_63": floats([2, 4, 3, 3]), "onnx::Conv_64": floats([2]) },
      }),
    );
    expect(found).toEqual([{ name: "onnx::Conv_63", path: "stem.conv.weight", isNorm: false }]);
  });
});

describe("what exporters add", () => {
  it("ones and zeros of a GroupNorm said as InstanceNormalization are none, its own weight is", () => {
    const groups = (scale: string, bias: string) => [
      node("Reshape", ["x", "to"], ["g"]),
      node("InstanceNormalization", ["g", scale, bias], ["n"]),
      node("Mul", ["n", "norm.weight"], ["y"]),
    ];
    const initializers = { to: ints([0, 2, -1]), "norm.weight": floats([4, 1, 1]) };
    const found = (scale: string, bias: string, first: number) =>
      findParameters(
        buildModel({
          nodes: groups(scale, bias),
          inputs,
          initializers: { ...initializers, [scale]: floats([2], [first, 1]), [bias]: floats([2], [0, 0]) },
        }),
      ).map(({ name }) => name);
    expect(found("val_8", "/norm/Constant_2_output_0", 1)).toEqual(["norm.weight"]);
    expect(found("val_8", "val_9", 2)).toEqual(["norm.weight", "val_8"]);
    expect(found("inner.weight", "inner.bias", 1)).toEqual(["norm.weight", "inner.weight", "inner.bias"]);
  });

  it("a buffer of two dimensions that is added to the logits is none, a bias is", () => {
    const nodes = [node("MatMul", ["x", "w"], ["p"]), node("Add", ["p", "onnx::Add_9"], ["logits"])];
    const found = (dims: number[]) =>
      findParameters(
        buildModel({ nodes, inputs, initializers: { w: floats([4, 6]), "onnx::Add_9": floats(dims) } }),
      ).map(({ name }) => name);
    expect(found([1, 6])).toEqual(["w"]);
    expect(found([6])).toEqual(["w", "onnx::Add_9"]);
  });

  it("a table that is normalised before its use is a parameter that decays", () => {
    const nodes = [
      node("LayerNormalization", ["rel_embeddings.weight", "norm.weight", "norm.bias"], ["r"]),
      node("MatMul", ["x", "r"], ["y"]),
    ];
    const initializers = {
      "rel_embeddings.weight": floats([4, 4]),
      "norm.weight": floats([4]),
      "norm.bias": floats([4]),
    };
    expect(findParameters(buildModel({ nodes, inputs, initializers }))).toMatchObject([
      { name: "rel_embeddings.weight", isNorm: false },
      { name: "norm.weight", isNorm: true },
      { name: "norm.bias", isNorm: true },
    ]);
  });
});

describe("paths and norms", () => {
  it("are those of PyTorch", () => {
    const nodes = [
      node("Gather", ["embed.weight", "ids"], ["h"], {}, { name: "/embed/Gather" }),
      node("Pow", ["h", "two"], ["sq"]),
      node("ReduceMean", ["sq"], ["mean"]),
      node("Sqrt", ["mean"], ["root"]),
      node("Div", ["h", "root"], ["n"]),
      node("Mul", ["model.final.weight", "n"], ["s"], {}, { name: "/model/final/Mul_1" }),
      node("MatMul", ["s", "onnx::MatMul_3"], ["p"], {}, { name: "/fc/MatMul" }),
      node("Add", ["p", "fc.bias"], ["y"], {}, { name: "/fc/Add" }),
    ];
    const initializers = {
      "embed.weight": floats([9, 4]),
      two: floats([], [2]),
      "model.final.weight": floats([4]),
      "onnx::MatMul_3": floats([4, 4]),
      "fc.bias": floats([4]),
    };
    expect(findParameters(buildModel({ nodes, inputs, initializers }))).toEqual([
      { name: "embed.weight", path: "embed.weight", isNorm: false },
      { name: "model.final.weight", path: "model.final.weight", isNorm: true },
      { name: "onnx::MatMul_3", path: "fc.weight", isNorm: false },
      { name: "fc.bias", path: "fc.bias", isNorm: false },
    ]);
  });
});

describe("recurrent layers", () => {
  it.each(["LSTM", "GRU", "RNN"])("of %s have two weights, which decay, and a bias", (op) => {
    const layer = node(op, ["x", "onnx::W", "onnx::R", "onnx::B"], ["y"], {}, { name: `/rnn/${op}` });
    const initializers = {
      "onnx::W": floats([1, 2, 4]),
      "onnx::R": floats([1, 2, 2]),
      "onnx::B": floats([1, 4]),
    };
    const found = findParameters(buildModel({ nodes: [layer], inputs, initializers }));
    expect(found.map(({ path }) => path)).toEqual(["rnn.weight", "rnn.weight", "rnn.bias"]);
  });
});

describe("tied weights", () => {
  const embedding = floats([5, 3]);
  const flipped = floats(
    [3, 5],
    Array.from(
      { length: 15 },
      (_, i) => new Float32Array(bytesInMemory(embedding).slice().buffer)[(i % 5) * 3 + Math.floor(i / 5)]!,
    ),
  );
  const nodes = [
    node("Gather", ["embed.weight", "ids"], ["h"]),
    node("MatMul", ["h", "onnx::MatMul_3"], ["logits"], {}, { name: "/lm_head/MatMul" }),
  ];
  const read = async (tensor: Tensor) => bytesInMemory(tensor);

  it("that an exporter stored twice become one again", async () => {
    const { model, ties } = await tieWeights(
      buildModel({ nodes, inputs, initializers: { "embed.weight": embedding, "onnx::MatMul_3": flipped } }),
      read,
    );
    expect(ties).toEqual([{ copy: "onnx::MatMul_3", original: "embed.weight", isTransposed: true }]);
    expect([...model.graph.initializers.keys()]).toEqual(["embed.weight"]);
    expect(findParameters(model).map(({ name }) => name)).toEqual(["embed.weight"]);
  });

  it("are left alone where they differ", async () => {
    const { ties } = await tieWeights(
      buildModel({
        nodes,
        inputs,
        initializers: { "embed.weight": embedding, "onnx::MatMul_3": floats([3, 5]) },
      }),
      read,
    );
    expect(ties).toEqual([]);
  });
});
