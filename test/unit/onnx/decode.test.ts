import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IngotError } from "../../../src/base/errors.ts";
import { decodeModel } from "../../../src/onnx/decode.ts";
import { encodeModel } from "../../../src/onnx/encode.ts";
import { bytesInMemory, numbersOf } from "../../../src/onnx/tensors.ts";
import { buildModel, floats, input, ints, node } from "../../support/onnx-builder.ts";
import { external, type Field, initializer, message, modelBytes } from "../../support/wire.ts";

const branch = buildModel({ nodes: [node("Identity", ["x"], ["z"])] }).graph;

const rich = buildModel({
  nodes: [
    node("Constant", [], ["c"], { value: { type: "tensor", value: floats([2, 2]) } }, { name: "/c" }),
    node("Slice", ["x", "ints"], ["s"], {
      axis: -1,
      ends: [2 ** 63, -(2 ** 63), 5],
      eps: 1.5,
      scales: [0.5, 1.25],
      mode: "linéar",
    }),
    node("Custom", ["s", "", "c"], ["y", ""], {}, { domain: "my.domain", metadata: { scope: "['a', 'b']" } }),
    node("If", ["flag"], ["z"], {
      then_branch: { type: "graph", value: branch },
      else_branch: { type: "graph", value: branch },
    }),
    node("Names", [], ["n"], { names: { type: "strings", value: ["a", "b"] } }),
  ],
  inputs: [input("x", ["batch", 3, ""]), input("flag", [], "bool")],
  outputs: [input("y", ["batch"]), "z"],
  initializers: {
    ints: ints([1, -2, 3]),
    w: {
      dtype: "float32",
      dims: [4, 4],
      data: { at: "file", path: "weights.bin", offset: 4096, length: 64 },
    },
    empty: floats([0, 3], []),
  },
  opsets: { "my.domain": 1 },
  producer: "test",
  metadata: { author: "someone" },
});

/** The error that reading these bytes ends with; undefined where they are read. */
function failure(bytes: Uint8Array): IngotError | undefined {
  try {
    decodeModel(bytes);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(IngotError);
    return error as IngotError;
  }
}

describe("encode, then decode", () => {
  it("gives the same model, and the same bytes again", () => {
    const bytes = encodeModel(rich);
    const again = decodeModel(bytes);
    expect(again).toEqual({
      ...rich,
      opsets: new Map([
        ["", 18],
        ["my.domain", 1],
      ]),
      graph: { ...again.graph },
    });
    expect(again.graph.inputs).toEqual(rich.graph.inputs);
    expect(again.graph.outputs).toEqual(rich.graph.outputs);
    expect(again.graph.initializers).toEqual(rich.graph.initializers);
    expect(again.graph.nodes[1]?.attributes.get("ends")).toEqual({
      type: "ints",
      value: [2 ** 63, -(2 ** 63), 5],
    });
    expect(again.graph.nodes.map((n) => [n.op, n.domain, n.name, n.inputs, n.outputs, n.metadata])).toEqual(
      rich.graph.nodes.map((n) => [n.op, n.domain, n.name, n.inputs, n.outputs, n.metadata]),
    );
    expect(encodeModel(again)).toEqual(bytes);
  });

  it("keeps any tensor, attribute and dimension", () => {
    const dim = fc.oneof(fc.integer({ min: 0, max: 2 ** 40 }), fc.string({ maxLength: 8 }));
    const attribute = fc.oneof(
      fc.maxSafeInteger().map((value) => ({ type: "int" as const, value })),
      fc.float({ noNaN: true }).map((value) => ({ type: "float" as const, value })),
      fc.array(fc.maxSafeInteger(), { maxLength: 5 }).map((value) => ({ type: "ints" as const, value })),
      fc
        .array(fc.float({ noNaN: true }), { maxLength: 5 })
        .map((value) => ({ type: "floats" as const, value })),
      fc.string({ unit: "grapheme" }).map((value) => ({ type: "string" as const, value })),
    );
    fc.assert(
      fc.property(
        fc.array(dim, { maxLength: 4 }),
        fc.dictionary(fc.string({ minLength: 1, maxLength: 6 }), attribute, { maxKeys: 4 }),
        fc.uint8Array({ maxLength: 300 }),
        (dims, attributes, bytes) => {
          const model = buildModel({
            nodes: [node("Op", ["x", "w"], ["y"], attributes)],
            inputs: [{ name: "x", dtype: "float32", dims }],
            initializers: { w: { dtype: "uint8", dims: [bytes.length], data: { at: "memory", bytes } } },
          });
          const again = decodeModel(encodeModel(model));
          expect(again.graph.inputs).toEqual(model.graph.inputs);
          expect(again.graph.nodes[0]?.attributes).toEqual(model.graph.nodes[0]?.attributes);
          expect(bytesInMemory(again.graph.initializers.get("w")!)).toEqual(bytes);
        },
      ),
    );
  });
});

describe("tensors", () => {
  it("are views of the file, not copies", () => {
    const bytes = encodeModel(
      buildModel({ nodes: [node("Identity", ["w"], ["y"])], initializers: { w: floats([64]) } }),
    );
    const tensor = decodeModel(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
    ).graph.initializers.get("w")!;
    expect(bytesInMemory(tensor).buffer).toBe(bytes.buffer);
    expect(bytesInMemory(tensor).constructor).toBe(Uint8Array);
  });

  it.each([
    [
      "float_data",
      [
        [2, 1],
        [1, 2],
        [4, new Uint8Array([0, 0, 128, 63, 0, 0, 0, 64])],
      ],
      [1, 2],
    ],
    [
      "int64_data, packed",
      [
        [2, 7],
        [1, 3],
        [7, new Uint8Array([1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 5])],
      ],
      [1, -1, 5],
    ],
    [
      "int64_data, one by one",
      [
        [2, 7],
        [1, 2],
        [7, -3],
        [7, 4],
      ],
      [-3, 4],
    ],
    [
      "int32_data of uint8",
      [
        [2, 2],
        [1, 2],
        [5, new Uint8Array([200, 1, 3])],
      ],
      [200, 3],
    ],
    [
      "int32_data of float16",
      [
        [2, 10],
        [1, 1],
        [5, new Uint8Array([0x80, 0x78])],
      ],
      [1],
    ],
    [
      "uint64_data of uint32",
      [
        [2, 12],
        [1, 1],
        [11, new Uint8Array([0xff, 0xff, 0xff, 0xff, 0x0f])],
      ],
      [2 ** 32 - 1],
    ],
    [
      "int32_data of bool",
      [
        [2, 9],
        [1, 2],
        [5, 1],
        [5, 0],
      ],
      [1, 0],
    ],
    [
      "int32_data of int4",
      [
        [2, 22],
        [1, 3],
        [5, new Uint8Array([0x9f, 1, 2])],
      ],
      [-1, -7, 2],
    ],
  ] as const)("reads %s", (_name, fields, expected) => {
    const model = decodeModel(modelBytes(initializer(...(fields as unknown as Field[]))));
    expect(numbersOf(model.graph.initializers.get("w")!)).toEqual(expected);
  });

  it("writes sparse ones out", () => {
    const values: Field = [
      1,
      [
        [1, 2],
        [2, 1],
        [8, "w"],
        [9, new Uint8Array(new Float32Array([5, 7]).buffer)],
      ],
    ];
    const indices: Field = [
      2,
      [
        [1, 2],
        [2, 7],
        [9, new Uint8Array(new BigInt64Array([1n, 5n]).buffer)],
      ],
    ];
    const model = decodeModel(modelBytes([15, [values, indices, [3, 2], [3, 3]]]));
    expect(numbersOf(model.graph.initializers.get("w")!)).toEqual([0, 5, 0, 0, 0, 7]);
  });

  it("listed among the inputs are constants all the same", () => {
    const bytes = modelBytes(
      initializer([2, 1], [1, 1], [9, new Uint8Array(4)]),
      [11, [[1, "w"]]],
      [11, [[1, "x"]]],
    );
    expect(decodeModel(bytes).graph.inputs.map(({ name }) => name)).toEqual(["x"]);
  });

  it("of external data ignore keys they do not know, which are no properties of anything", () => {
    const model = decodeModel(
      modelBytes(
        initializer(
          [2, 1],
          [1, 1],
          external("location", "w.bin"),
          external("__class__", "x"),
          external("__proto__", "y"),
          [14, 1],
        ),
      ),
    );
    expect(model.graph.initializers.get("w")?.data).toEqual({
      at: "file",
      path: "w.bin",
      offset: 0,
      length: 4,
    });
    expect(({} as Record<string, unknown>).y).toBeUndefined();
  });
});

const zero = new Uint8Array();

describe("refuses", () => {
  it.each([
    ["raw data that is too short", initializer([2, 1], [1, 4], [9, new Uint8Array(15)]), "input.tensor"],
    ["raw data that is too long", initializer([2, 1], [1, 4], [9, new Uint8Array(17)]), "input.tensor"],
    [
      "dimensions whose product overflows",
      initializer([2, 1], [1, 4194305], [1, 4194305], [1, 211106198978564], [9, zero]),
      "input.tensor",
    ],
    ["a terabyte without data", initializer([2, 1], [1, 2 ** 38]), "input.tensor"],
    ["negative dimensions", initializer([2, 1], [1, -4], [9, zero]), "input.tensor"],
    ["an unknown element type", initializer([2, 17], [1, 1], [9, new Uint8Array(1)]), "input.tensor"],
    ["typed data in the wrong field", initializer([2, 1], [1, 1], [7, 3]), "input.tensor"],
    ["more typed data than elements", initializer([2, 7], [1, 1], [7, 3], [7, 4]), "input.tensor"],
    [
      "a sparse tensor of a terabyte",
      [
        15,
        [
          [
            1,
            [
              [2, 1],
              [1, 0],
              [9, zero],
            ],
          ],
          [
            2,
            [
              [2, 7],
              [1, 0],
              [9, zero],
            ],
          ],
          [3, 2 ** 38],
        ],
      ] as Field,
      "input.tensor",
    ],
    [
      "a sparse index out of range",
      [
        15,
        [
          [
            1,
            [
              [2, 2],
              [1, 1],
              [9, new Uint8Array(1)],
            ],
          ],
          [
            2,
            [
              [2, 7],
              [1, 1],
              [9, new Uint8Array([9, 0, 0, 0, 0, 0, 0, 0])],
            ],
          ],
          [3, 4],
        ],
      ] as Field,
      "input.tensor",
    ],
  ])("%s", (_name, field, code) => {
    expect(failure(modelBytes(field))?.code).toBe(code);
  });

  it("two initialisers of one name", () => {
    const scalar = initializer([2, 1], [9, new Uint8Array(4)]);
    expect(failure(modelBytes(scalar, scalar))?.code).toBe("input.onnx");
  });

  const places: readonly (readonly [string, (tensor: readonly Field[]) => Uint8Array])[] = [
    ["an initialiser", (tensor) => modelBytes([5, tensor])],
    [
      "an attribute",
      (tensor) =>
        modelBytes([
          1,
          [
            [4, "Constant"],
            [2, "y"],
            [
              5,
              [
                [1, "value"],
                [5, tensor],
                [20, 4],
              ],
            ],
          ],
        ]),
    ],
    [
      "a list of tensors",
      (tensor) =>
        modelBytes([
          1,
          [
            [4, "Op"],
            [2, "y"],
            [
              5,
              [
                [1, "value"],
                [10, tensor],
                [20, 9],
              ],
            ],
          ],
        ]),
    ],
    ["a sparse initialiser", (tensor) => modelBytes([15, [[1, tensor]]])],
    [
      "a sparse attribute",
      (tensor) =>
        modelBytes([
          1,
          [
            [4, "Op"],
            [2, "y"],
            [
              5,
              [
                [1, "value"],
                [22, [[1, tensor]]],
                [20, 11],
              ],
            ],
          ],
        ]),
    ],
    [
      "a subgraph",
      (tensor) =>
        modelBytes([
          1,
          [
            [4, "If"],
            [2, "y"],
            [
              5,
              [
                [1, "then_branch"],
                [6, [[5, tensor]]],
                [20, 5],
              ],
            ],
          ],
        ]),
    ],
    [
      "a function",
      (tensor) =>
        message(
          [1, 8],
          [7, [[2, "g"]]],
          [8, [[2, 18]]],
          [
            25,
            [
              [1, "f"],
              [10, "d"],
              [
                7,
                [
                  [4, "Constant"],
                  [2, "y"],
                  [
                    5,
                    [
                      [1, "value"],
                      [5, tensor],
                    ],
                  ],
                ],
              ],
            ],
          ],
        ),
    ],
    [
      "training info",
      (tensor) => message([1, 8], [7, [[2, "g"]]], [8, [[2, 18]]], [20, [[1, [[5, tensor]]]]]),
    ],
  ];
  const locations = [
    "../x",
    "/etc/passwd",
    "C:\\x",
    "\\\\srv\\x",
    "file:x",
    "",
    ".",
    "a/../../b",
    "a//b",
    "a/./b",
    "*/_ORT_MEM_ADDR_/*",
    "a\u0000b",
    `${"x".repeat(2000)}`,
  ];
  for (const [place, build] of places) {
    it.each(locations)(`external data at %j in ${place}`, (location) => {
      const error = failure(build([[8, "w"], [2, 1], [1, 1], external("location", location), [14, 1]]));
      expect(error?.code).toBe("input.model");
      expect(error?.message).toContain("location");
    });
  }

  it.each([
    ["offset", "-1"],
    ["offset", "9223372036854775808"],
    ["offset", "1e3"],
    ["length", "5"],
    ["length", "-4"],
  ])("external data with %s %s", (key, value) => {
    const error = failure(
      modelBytes(initializer([2, 1], [1, 1], external("location", "w.bin"), external(key, value), [14, 1])),
    );
    expect(["input.model", "input.tensor"]).toContain(error?.code);
  });

  it("subgraphs nested deeper than the cap, without using the stack up", () => {
    let graph: Uint8Array = message([2, "g"]);
    for (let depth = 0; depth < 3000; depth++)
      graph = message([
        1,
        [
          [4, "If"],
          [
            5,
            [
              [1, "b"],
              [6, graph],
              [20, 5],
            ],
          ],
        ],
      ]);
    expect(failure(message([7, graph], [8, [[2, 18]]]))?.message).toMatch(/nested/);
  });

  it("numbers of 11 bytes, groups, field 0 and fields longer than the file, with the byte", () => {
    for (const bytes of [
      new Uint8Array([8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]),
      new Uint8Array([0x0b, 0x0c]),
      new Uint8Array([0x02, 0]),
      new Uint8Array([0x3a, 0x7f, 0]),
      new Uint8Array(),
    ]) {
      const error = failure(bytes);
      expect(error?.code).toBe("input.onnx");
      if (bytes.length > 0) expect(error?.data.where).toMatch(/^byte \d+$/);
    }
  });

  it("a file that holds other things", () => {
    for (const magic of [
      "PK\u0003\u0004xxxx",
      "\u0080\u0002}q\u0000(X",
      "GGUF\u0003\u0000\u0000\u0000",
      '{"a": 1}',
      "# read me\n",
    ]) {
      expect(failure(Buffer.from(magic, "latin1"))?.exit).toBe(3);
    }
  });
});

describe("hostile bytes", () => {
  const bytes = encodeModel(rich);

  it("truncated anywhere are refused, or are a shorter model", () => {
    for (let length = 0; length < bytes.length; length++) failure(bytes.slice(0, length));
  });

  it("changed anywhere never end in anything but an error of ours", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 8,
        }),
        (edits) => {
          const changed = bytes.slice();
          for (const [at, value] of edits) changed[at] = value;
          failure(changed);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it("at random never end in anything but an error of ours", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (random) => void failure(random)),
      { numRuns: 3000 },
    );
  });
});
