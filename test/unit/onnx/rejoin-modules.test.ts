import { describe, expect, it } from "vitest";
import { findModules } from "../../../src/onnx/find-modules.ts";
import { buildModel, floats, input, node } from "../../support/onnx-builder.ts";

const linear = (x: string, name: string, y: string) =>
  node(
    "MatMul",
    [x, `model.layers.0.${name}.MatMul.weight`],
    [y],
    {},
    { name: `/model/layers.0/${name}/MatMul` },
  );

const model = buildModel({
  nodes: [
    linear("x", "attn/qkv_proj", "p"),
    node(
      "GroupQueryAttention",
      ["p", "", "", "", "", "l", "t"],
      ["h"],
      { num_heads: 2, kv_num_heads: 1 },
      { domain: "com.microsoft" },
    ),
    linear("h", "mlp/gate_proj", "g"),
    linear("h", "mlp/up_proj", "u"),
    node("Mul", ["g", "u"], ["m"]),
    linear("m", "mlp/down_proj", "y"),
  ],
  inputs: [input("x", ["batch", "time", 4])],
  initializers: {
    "model.layers.0.attn/qkv_proj.MatMul.weight": floats([4, 8]),
    "model.layers.0.mlp/gate_proj.MatMul.weight": floats([4, 6]),
    "model.layers.0.mlp/up_proj.MatMul.weight": floats([4, 6]),
    "model.layers.0.mlp/down_proj.MatMul.weight": floats([6, 4]),
  },
  producer: "onnxruntime-genai",
});

describe("modules that the genai builder split", () => {
  it("are one again where transformers has one", () => {
    const modules = findModules(model, { architecture: "Phi3ForCausalLM" });
    expect(
      modules.map(({ path, outFeatures, slice, blocks, outputs }) => [
        path,
        outFeatures,
        slice,
        blocks,
        outputs,
      ]),
    ).toEqual([
      ["model.layers.0.self_attn.qkv_proj", 8, undefined, undefined, ["p"]],
      [
        "model.layers.0.mlp.gate_up_proj",
        12,
        undefined,
        [
          [0, 6],
          [6, 12],
        ],
        ["g", "u"],
      ],
      ["model.layers.0.mlp.down_proj", 4, undefined, undefined, ["y"]],
    ]);
  });

  it("stay apart for other architectures", () => {
    expect(
      findModules(model, { architecture: "LlamaForCausalLM" }).map(({ path }) => path.split(".").at(-1)),
    ).toEqual(["q_proj", "k_proj", "v_proj", "gate_proj", "up_proj", "down_proj"]);
  });
});
