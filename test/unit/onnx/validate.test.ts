import { describe, expect, it } from "vitest";
import { IngotError } from "../../../src/base/errors.ts";
import type { Model } from "../../../src/onnx/model.ts";
import { validateModel } from "../../../src/onnx/validate.ts";
import { buildModel, floats, input, node } from "../../support/onnx-builder.ts";
import { type Field, message } from "../../support/wire.ts";

const x = [input("x", [2])];
const relu = node("Relu", ["x"], ["y"], {}, { name: "act" });

function functions(bodies: Readonly<Record<string, readonly string[]>>): Map<string, Uint8Array> {
  return new Map(
    Object.entries(bodies).map(([name, calls]) => [
      `d:${name}`,
      message(
        [1, name],
        [10, "d"],
        ...calls.map(
          (call, i): Field => [
            7,
            [
              [4, call],
              [7, "d"],
              [2, `o${i}`],
            ],
          ],
        ),
      ),
    ]),
  );
}

const wrong: readonly (readonly [string, Model, RegExp])[] = [
  ["an opset of the far future", buildModel({ nodes: [relu], inputs: x, opset: 9999 }), /version 9999/],
  ["opset 0", buildModel({ nodes: [relu], inputs: x, opset: 0 }), /version 0/],
  [
    "a domain without an opset",
    buildModel({ nodes: [node("Foo", ["x"], ["y"], {}, { domain: "my" })], inputs: x }),
    /domain/,
  ],
  ["a value made twice", buildModel({ nodes: [relu, relu], inputs: x }), /'y' is made twice/],
  [
    "a node that makes an input",
    buildModel({ nodes: [node("Relu", ["x"], ["x"])], inputs: x }),
    /'x' is made twice/,
  ],
  [
    "a node that makes an initialiser",
    buildModel({ nodes: [node("Relu", ["x"], ["w"])], inputs: x, initializers: { w: floats([1]) } }),
    /'w' is made twice/,
  ],
  [
    "a missing input",
    buildModel({ nodes: [node("Add", ["x", "q"], ["y"], {}, { name: "sum" })], inputs: x }),
    /Add node 'sum' reads 'q'/,
  ],
  ["a missing output", buildModel({ nodes: [relu], inputs: x, outputs: ["z"] }), /output 'z'/],
  ["a node without an operator", buildModel({ nodes: [node("", ["x"], ["y"])], inputs: x }), /no operator/],
  [
    "a circle",
    buildModel({
      nodes: [node("Add", ["x", "b"], ["a"], {}, { name: "first" }), node("Relu", ["a"], ["b"])],
      inputs: x,
    }),
    /circle at .* node/,
  ],
  [
    "a missing input in a subgraph",
    buildModel({
      nodes: [
        node("If", ["x"], ["y"], {
          then_branch: { type: "graph", value: buildModel({ nodes: [node("Relu", ["q"], ["r"])] }).graph },
        }),
      ],
      inputs: x,
    }),
    /reads 'q'/,
  ],
  [
    "a function that calls itself",
    buildModel({ nodes: [relu], inputs: x, opsets: { d: 1 }, functions: functions({ f: ["g"], g: ["f"] }) }),
    /calls itself/,
  ],
  [
    "functions that double forty times",
    buildModel({
      nodes: [node("f0", ["x"], ["y"], {}, { domain: "d" })],
      inputs: x,
      opsets: { d: 1 },
      functions: functions(
        Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`f${i}`, [`f${i + 1}`, `f${i + 1}`]])),
      ),
    }),
    /more than 1000000 nodes/,
  ],
  [
    "functions nested a hundred deep",
    buildModel({
      nodes: [node("f0", ["x"], ["y"], {}, { domain: "d" })],
      inputs: x,
      opsets: { d: 1 },
      functions: functions(
        Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`f${i}`, [`f${i + 1}`]])),
      ),
    }),
    /more than 64 deep/,
  ],
];

describe("a model is refused with the place for", () => {
  it.each(wrong)("%s", (_name, model, message) => {
    let error: unknown;
    try {
      validateModel(model);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(IngotError);
    expect((error as IngotError).code).toBe("input.model");
    expect((error as IngotError).message).toMatch(message);
    expect((error as IngotError).data.where).toBeTypeOf("string");
  });
});

describe("a model passes with", () => {
  it.each([
    [
      "nodes in any order",
      buildModel({
        nodes: [node("Relu", ["a"], ["b"]), node("Relu", ["x"], ["a"])],
        inputs: x,
        outputs: ["b"],
      }),
    ],
    [
      "omitted inputs and outputs",
      buildModel({ nodes: [node("Clip", ["x", "", "x"], ["y", ""])], inputs: x, outputs: ["y"] }),
    ],
    ["an input that is an output", buildModel({ nodes: [relu], inputs: x, outputs: ["x", "y"] })],
    [
      "a subgraph that reads outer values",
      buildModel({
        nodes: [
          node("If", ["x"], ["y"], {
            then_branch: { type: "graph", value: buildModel({ nodes: [node("Relu", ["x"], ["r"])] }).graph },
          }),
        ],
        inputs: x,
      }),
    ],
  ])("%s", (_name, model) => {
    expect(() => validateModel(model)).not.toThrow();
  });

  it("a chain of 50000 nodes, backwards", () => {
    const nodes = Array.from({ length: 50_000 }, (_, i) =>
      node("Relu", [i === 0 ? "x" : `v${i - 1}`], [`v${i}`]),
    ).reverse();
    expect(() => validateModel(buildModel({ nodes, inputs: x, outputs: ["v49999"] }))).not.toThrow();
  });
});
