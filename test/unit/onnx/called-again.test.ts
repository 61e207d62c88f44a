import { describe, expect, it } from "vitest";
import { findModules } from "../../../src/onnx/find-modules.ts";
import type { Tensor } from "../../../src/onnx/model.ts";
import { bytesInMemory } from "../../../src/onnx/tensors.ts";
import { tieWeights } from "../../../src/onnx/tie-weights.ts";
import { buildModel, floats, input, node } from "../../support/onnx-builder.ts";

const inputs = [input("x", ["batch", 4])];

describe("a module that is called again", () => {
  it("is one module, whatever number TorchScript gives the call", () => {
    const nodes = [
      node("MatMul", ["x", "onnx::MatMul_7"], ["a"], {}, { name: "/layers.0/attention/query/MatMul" }),
      node("MatMul", ["a", "onnx::MatMul_7"], ["b"], {}, { name: "/layers.0/attention/query_1/MatMul" }),
      node("MatMul", ["b", "onnx::MatMul_8"], ["y"], {}, { name: "/layers.0/attention/query_2/MatMul" }),
    ];
    const initializers = { "onnx::MatMul_7": floats([4, 4]), "onnx::MatMul_8": floats([4, 4]) };
    const modules = findModules(buildModel({ nodes, inputs, initializers }));
    expect(modules.map(({ path, outputs }) => [path, outputs])).toEqual([
      ["layers.0.attention.query", ["a", "b"]],
      ["layers.0.attention.query_2", ["y"]],
    ]);
  });

  const call = (x: string, weight: string, y: string, type: string) =>
    node(
      "MatMul",
      [x, weight],
      [y],
      {},
      {
        metadata: {
          "pkg.torch.onnx.name_scopes": "['', 'attention', 'attention.query', 'linear']",
          "pkg.torch.onnx.class_hierarchy": `['M', 'A', '${type}', 'aten.linear.default']`,
        },
      },
    );
  const twice = (type: string, second: Tensor) =>
    buildModel({
      nodes: [call("x", "val_1", "a", type), call("a", "val_2", "y", type)],
      inputs,
      initializers: { val_1: floats([4, 4]), val_2: second },
    });
  const read = async (tensor: Tensor) => bytesInMemory(tensor);

  it("is one module where dynamo stored its weight once a call, and one parameter", async () => {
    const model = twice("torch.nn.modules.linear.Linear", floats([4, 4]));
    expect(findModules(model)).toMatchObject([
      { path: "attention.query", weight: "val_1", copies: ["val_2"], outputs: ["a", "y"] },
    ]);
    const tied = await tieWeights(model, read);
    expect(tied.ties).toEqual([{ copy: "val_2", original: "val_1", isTransposed: false }]);
    expect(findModules(tied.model)).toMatchObject([{ weight: "val_1", outputs: ["a", "y"] }]);
  });

  it("keeps weights apart that differ, and those of a class with several", async () => {
    const different = twice("torch.nn.modules.linear.Linear", floats([4, 4], Array(16).fill(2)));
    expect((await tieWeights(different, read)).ties).toEqual([]);
    const several = findModules(twice("my.Experts", floats([4, 4])));
    expect(several.map(({ path }) => path)).toEqual(["attention.query", "attention.query_1"]);
  });
});

describe("scopes without the child that forward steps over", () => {
  const bias = "model.decoder.layers.0.fc.bias";
  const nodes = [
    node("MatMul", ["x", "onnx::MatMul_7"], ["a"], {}, { name: "/decoder/layers.0/q_proj/MatMul" }),
    node("MatMul", ["a", "onnx::MatMul_8"], ["b"], {}, { name: "/decoder/layers.0/fc/MatMul" }),
    node("Add", [bias, "b"], ["c"], {}, { name: "/decoder/layers.0/fc/Add" }),
    node("MatMul", ["c", "onnx::MatMul_9"], ["y"], {}, { name: "/lm_head/MatMul" }),
  ];
  const initializers = {
    "onnx::MatMul_7": floats([4, 4]),
    "onnx::MatMul_8": floats([4, 4]),
    "onnx::MatMul_9": floats([4, 4]),
    [bias]: floats([4]),
  };

  it("get it back from the names of weights", () => {
    expect(findModules(buildModel({ nodes, inputs, initializers })).map(({ path }) => path)).toEqual([
      "model.decoder.layers.0.q_proj",
      "model.decoder.layers.0.fc",
      "lm_head",
    ]);
  });

  it("stay as they are where names disagree", () => {
    const other = node("Add", ["c", "decoder.norm.bias"], ["d"], {}, { name: "/decoder/norm/Add" });
    const model = buildModel({
      nodes: [...nodes, other],
      inputs,
      initializers: { ...initializers, "decoder.norm.bias": floats([4]) },
    });
    expect(findModules(model)[0]?.path).toBe("decoder.layers.0.q_proj");
  });
});
