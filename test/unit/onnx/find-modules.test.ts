import { describe, expect, it } from "vitest";
import { findModules } from "../../../src/onnx/find-modules.ts";
import { normalise } from "../../../src/onnx/normalise.ts";
import { buildModel, floats, input, ints, node } from "../../support/onnx-builder.ts";

const x = [input("x", ["batch", "time", 4])];

describe("paths", () => {
  it.each([
    [
      "TorchScript scopes",
      node("MatMul", ["x", "onnx::MatMul_7"], ["y"], {}, { name: "/model/layers.0/self_attn/q_proj/MatMul" }),
      "model.layers.0.self_attn.q_proj",
    ],
    [
      "a Sequential, which stands twice",
      node("MatMul", ["x", "onnx::MatMul_7"], ["y"], {}, { name: "/net/layer/layer.0/dense/MatMul_1" }),
      "net.layer.0.dense",
    ],
    [
      "dynamo's scopes",
      node(
        "MatMul",
        ["x", "onnx::MatMul_7"],
        ["y"],
        {},
        {
          name: "node_linear_3",
          metadata: { "pkg.torch.onnx.name_scopes": "['', 'model', 'model.fc', 'linear_3']" },
        },
      ),
      "model.fc",
    ],
    [
      "a graph of Keras",
      node(
        "MatMul",
        ["x", "onnx::MatMul_7"],
        ["y"],
        {},
        { name: "StatefulPartitionedCall/model/dense/MatMul" },
      ),
      "StatefulPartitionedCall.model.dense",
    ],
    [
      "nothing but the node's name",
      node("MatMul", ["x", "onnx::MatMul_7"], ["y"], {}, { name: "MatMul_3" }),
      "MatMul_3",
    ],
  ])("come from %s", (_name, linear, path) => {
    const modules = findModules(
      buildModel({ nodes: [linear], inputs: x, initializers: { "onnx::MatMul_7": floats([4, 6]) } }),
    );
    expect(modules).toMatchObject([
      {
        path,
        kind: "linear",
        weight: "onnx::MatMul_7",
        transposed: true,
        inFeatures: 4,
        outFeatures: 6,
        outputs: ["y"],
        isOutput: true,
      },
    ]);
  });

  it("come from the weight's name where it has one", () => {
    const modules = findModules(
      buildModel({
        nodes: [node("Gemm", ["x", "fc1.weight", "fc1.bias"], ["y"], { transB: 1 }, { name: "node_linear" })],
        inputs: x,
        initializers: { "fc1.weight": floats([6, 4]), "fc1.bias": floats([6]) },
      }),
    );
    expect(modules).toMatchObject([
      {
        path: "fc1",
        weight: "fc1.weight",
        bias: "fc1.bias",
        transposed: false,
        inFeatures: 4,
        outFeatures: 6,
      },
    ]);
  });

  it("of the genai builder become transformers' own", () => {
    const nodes = [
      node(
        "MatMul",
        ["x", "model.layers.0.attn.o_proj.MatMul.weight"],
        ["y"],
        {},
        { name: "/model/layers.0/attn/o_proj/MatMul" },
      ),
    ];
    const model = buildModel({
      nodes,
      inputs: x,
      initializers: { "model.layers.0.attn.o_proj.MatMul.weight": floats([4, 4]) },
      producer: "onnxruntime-genai",
    });
    expect(findModules(model).map(({ path }) => path)).toEqual(["model.layers.0.self_attn.o_proj"]);
  });

  it("are never given twice to different weights", () => {
    const nodes = [
      node("MatMul", ["x", "onnx::a"], ["h"], {}, { name: "/block/MatMul" }),
      node("MatMul", ["h", "onnx::b"], ["y"], {}, { name: "/block/MatMul_1" }),
    ];
    const modules = findModules(
      buildModel({
        nodes,
        inputs: x,
        initializers: { "onnx::a": floats([4, 4]), "onnx::b": floats([4, 4]) },
      }),
    );
    expect(modules.map(({ path }) => path)).toEqual(["block", "block_1"]);
  });
});

describe("weights", () => {
  it.each([
    [
      "behind a Transpose",
      [node("Transpose", ["w"], ["t"], { perm: [1, 0] }), node("MatMul", ["x", "t"], ["y"])],
      [6, 4],
      false,
    ],
    [
      "behind Identity and Cast",
      [
        node("Identity", ["w"], ["i"]),
        node("Cast", ["i"], ["t"], { to: 1 }),
        node("MatMul", ["x", "t"], ["y"]),
      ],
      [4, 6],
      true,
    ],
    ["of a Gemm without transB", [node("Gemm", ["x", "w"], ["y"])], [4, 6], true],
    [
      "of a transposed FusedMatMul",
      [node("FusedMatMul", ["x", "w"], ["y"], { transB: 1 }, { domain: "com.microsoft" })],
      [6, 4],
      false,
    ],
    [
      "in a Constant node",
      [
        node("Constant", [], ["w"], { value: { type: "tensor", value: floats([4, 6]) } }),
        node("MatMul", ["x", "w"], ["y"]),
      ],
      undefined,
      true,
    ],
  ] as const)("are found %s", (_name, nodes, dims, transposed) => {
    const modules = findModules(
      buildModel({ nodes, inputs: x, initializers: dims === undefined ? {} : { w: floats(dims) } }),
    );
    expect(modules).toMatchObject([
      { weight: "w", transposed, inFeatures: 4, outFeatures: 6, outputs: ["y"] },
    ]);
  });

  it.each([
    ["a product of activations", [node("MatMul", ["x", "x"], ["y"])]],
    ["a product of three dimensions", [node("MatMul", ["x", "w3"], ["y"])]],
    ["a scaled Gemm", [node("Gemm", ["x", "w"], ["y"], { alpha: 0.5 })]],
    ["an integer product", [node("MatMul", ["x", "wi"], ["y"])]],
  ])("of %s are no module", (_name, nodes) => {
    const initializers = { w: floats([4, 6]), w3: floats([2, 4, 6]), wi: ints([1, 2, 3, 4], [2, 2]) };
    expect(findModules(buildModel({ nodes, inputs: x, initializers }))).toEqual([]);
  });

  it("used twice under one path are one module with two outputs", () => {
    const nodes = [
      node("MatMul", ["x", "w"], ["a"], {}, { name: "/fc/MatMul" }),
      node("Relu", ["a"], ["b"]),
      node("MatMul", ["b", "w"], ["y"], {}, { name: "/fc/MatMul_1" }),
    ];
    expect(findModules(buildModel({ nodes, inputs: x, initializers: { w: floats([4, 4]) } }))).toMatchObject([
      { path: "fc", outputs: ["a", "y"] },
    ]);
  });

  it("with 4-bit integers tell their features by attributes", () => {
    const packed = node(
      "MatMulNBits",
      ["x", "q", "s"],
      ["y"],
      { K: 32, N: 8, bits: 4, block_size: 32, accuracy_level: 4 },
      { domain: "com.microsoft", name: "/fc/MatMul_Q4" },
    );
    const q = {
      dtype: "uint8" as const,
      dims: [8, 1, 16],
      data: { at: "memory" as const, bytes: new Uint8Array(128) },
    };
    expect(
      findModules(buildModel({ nodes: [packed], inputs: x, initializers: { q, s: floats([8]) } })),
    ).toMatchObject([{ path: "fc", weight: "q", inFeatures: 32, outFeatures: 8 }]);
  });

  it("of a convolution tell its geometry", () => {
    const nodes = [node("Conv", ["x", "patch.weight", "patch.bias"], ["y"], { strides: [4, 4], group: 2 })];
    const modules = findModules(
      buildModel({
        nodes,
        initializers: { "patch.weight": floats([8, 3, 4, 4]), "patch.bias": floats([8]) },
      }),
    );
    expect(modules).toMatchObject([
      {
        path: "patch",
        kind: "conv",
        bias: "patch.bias",
        inFeatures: 6,
        outFeatures: 8,
        conv: {
          kernel: [4, 4],
          strides: [4, 4],
          pads: [0, 0, 0, 0],
          dilations: [1, 1],
          group: 2,
          autoPad: "NOTSET",
        },
      },
    ]);
  });
});

describe("biases and the output layer", () => {
  const initializers = {
    "onnx::a": floats([4, 4]),
    b: floats([4]),
    "onnx::c": floats([4, 5]),
    d: floats([5]),
  };
  const nodes = [
    node("MatMul", ["x", "onnx::a"], ["p"], {}, { name: "/fc/MatMul" }),
    node("Add", ["b", "p"], ["q"], {}, { name: "/fc/Add" }),
    node("Relu", ["q"], ["r"]),
    node("MatMul", ["r", "onnx::c"], ["s"], {}, { name: "/head/MatMul" }),
    node("Add", ["s", "d"], ["logits"], {}, { name: "/head/Add" }),
  ];

  it("are found beside the product", () => {
    const modules = findModules(buildModel({ nodes, inputs: x, initializers, outputs: ["logits"] }));
    expect(modules.map(({ path, bias, isOutput }) => [path, bias, isOutput])).toEqual([
      ["fc", "b", false],
      ["head", "d", true],
    ]);
  });

  it("a residual sum ends the search for the output layer", () => {
    const sum = [...nodes.slice(0, 3), node("Add", ["r", "x"], ["last_hidden_state"])];
    expect(
      findModules(buildModel({ nodes: sum, inputs: x, initializers })).some(({ isOutput }) => isOutput),
    ).toBe(false);
  });
});

describe("packed query, key and value", () => {
  it("of GroupQueryAttention are three modules", () => {
    const nodes = [
      node("MatMul", ["x", "w"], ["p"], {}, { name: "/model/layers.0/attn/qkv_proj/MatMul" }),
      node("Add", ["p", "b"], ["q"], {}, { name: "/model/layers.0/attn/qkv_proj/Add" }),
      node(
        "GroupQueryAttention",
        ["q", "", "", "", "", "l", "t"],
        ["y"],
        { num_heads: 4, kv_num_heads: 2 },
        { domain: "com.microsoft" },
      ),
    ];
    const modules = findModules(
      buildModel({
        nodes,
        inputs: x,
        initializers: { w: floats([4, 16]), b: floats([16]) },
        producer: "onnxruntime-genai",
      }),
    );
    expect(modules.map(({ path, slice, outFeatures, bias }) => [path, slice, outFeatures, bias])).toEqual([
      ["model.layers.0.self_attn.q_proj", [0, 8, 16], 8, "b"],
      ["model.layers.0.self_attn.k_proj", [8, 12, 16], 4, "b"],
      ["model.layers.0.self_attn.v_proj", [12, 16, 16], 4, "b"],
    ]);
  });

  it.each([
    ["BertForSequenceClassification", "self"],
    ["ViTForImageClassification", "attention"],
  ])("of a fused Attention take their names from the projection behind it (%s)", (architecture, scope) => {
    const nodes = [
      node(
        "Attention",
        ["x", "Attention_0_qkv_weight", "Attention_0_qkv_bias", "mask"],
        ["a"],
        { num_heads: 2 },
        { domain: "com.microsoft", name: "Attention_0" },
      ),
      node(
        "MatMul",
        ["a", "onnx::MatMul_9"],
        ["y"],
        {},
        { name: "/encoder/layer.0/attention/output/dense/MatMul" },
      ),
    ];
    const initializers = {
      Attention_0_qkv_weight: floats([4, 12]),
      Attention_0_qkv_bias: floats([12]),
      "onnx::MatMul_9": floats([4, 4]),
    };
    const model = buildModel({
      nodes,
      inputs: [...x, input("mask", ["batch", "time"], "int32")],
      initializers,
      opsets: { "com.microsoft": 1 },
    });
    const base = `encoder.layer.0.attention.${scope}`;
    expect(findModules(model, { architecture }).map(({ path, slice }) => [path, slice])).toEqual([
      [`${base}.query`, [0, 4, 12]],
      [`${base}.key`, [4, 8, 12]],
      [`${base}.value`, [8, 12, 12]],
      ["encoder.layer.0.attention.output.dense", undefined],
    ]);
    const normal = normalise(model);
    expect(normal.graph.nodes.map(({ op }) => op)).toEqual([
      "MatMul",
      "Add",
      "Split",
      "MultiHeadAttention",
      "MatMul",
    ]);
    expect(normalise(normal)).toEqual(normal);
  });
});
