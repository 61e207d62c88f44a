import { random01 } from "../src/base/prng.ts";
import { makeNode } from "../src/onnx/edit.ts";
import { encodeModel } from "../src/onnx/encode.ts";
import type { Attribute, Model, Node, Tensor } from "../src/onnx/model.ts";
import { floatTensor, intTensor } from "../src/onnx/tensors.ts";

export interface LlamaShape {
  readonly vocabulary: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly feedForward: number;
}

/** Parameters in matrix products (what the floating point operations of a step are counted by), and all. */
export function countParameters({ vocabulary, width, layers, feedForward }: LlamaShape): {
  readonly products: number;
  readonly all: number;
} {
  const layer = 4 * width * width + 3 * width * feedForward;
  const products = layers * layer + vocabulary * width;
  return { products, all: products + vocabulary * width + (2 * layers + 1) * width };
}

/** A Llama-like decoder with random weights, in the operators and names that optimum's exporter writes. */
export function llamaModel(shape: LlamaShape): Uint8Array {
  const { vocabulary, width, layers, heads, feedForward } = shape;
  const headWidth = width / heads;
  const nodes: Node[] = [];
  const initializers = new Map<string, Tensor>();
  let streams = 0;
  const weight = (name: string, dims: readonly number[], scale: number): string => {
    const stream = streams++;
    const size = dims.reduce((p, d) => p * d, 1);
    initializers.set(
      name,
      floatTensor(
        dims,
        Float32Array.from({ length: size }, (_, i) => (random01(1, stream, i) * 2 - 1) * scale),
      ),
    );
    return name;
  };
  const ones = (name: string): string => {
    initializers.set(name, floatTensor([width], new Float32Array(width).fill(1)));
    return name;
  };
  const scalar = (name: string, value: number): string => {
    if (!initializers.has(name)) initializers.set(name, floatTensor([], Float32Array.of(value)));
    return name;
  };
  const ints = (name: string, values: readonly number[]): string => {
    if (!initializers.has(name)) initializers.set(name, intTensor([values.length], values));
    return name;
  };
  const op = (
    type: string,
    inputs: readonly string[],
    name: string,
    attributes: Readonly<Record<string, number | readonly number[]>> = {},
  ): string => {
    const entries = Object.entries(attributes).map(([key, value]): [string, Attribute] => [
      key,
      typeof value === "number" ? { type: "int", value } : { type: "ints", value },
    ]);
    nodes.push(makeNode(type, inputs, [`${name}_output_0`], { name, attributes: new Map(entries) }));
    return `${name}_output_0`;
  };
  const norm = (x: string, scope: string): string => {
    const square = op("Pow", [x, scalar("two", 2)], `${scope}/Pow`);
    const mean = op("ReduceMean", [square, ints("last", [-1])], `${scope}/ReduceMean`, { keepdims: 1 });
    const root = op("Sqrt", [op("Add", [mean, scalar("epsilon", 1e-5)], `${scope}/Add`)], `${scope}/Sqrt`);
    return op(
      "Mul",
      [op("Div", [x, root], `${scope}/Div`), ones(`${scope.slice(1).replaceAll("/", ".")}.weight`)],
      `${scope}/Mul`,
    );
  };
  const linear = (x: string, scope: string, from: number, to: number): string =>
    op("MatMul", [x, weight(`onnx::MatMul_${streams}`, [from, to], 1 / Math.sqrt(from))], `${scope}/MatMul`);
  const rotate = (x: string, scope: string): string => {
    const half = headWidth / 2;
    const low = op(
      "Slice",
      [x, ints("zero", [0]), ints("half", [half]), ints("axis3", [3])],
      `${scope}/Slice`,
    );
    const high = op(
      "Slice",
      [x, ints("half", [half]), ints("end", [2 ** 31]), ints("axis3", [3])],
      `${scope}/Slice_1`,
    );
    const turned = op("Concat", [op("Neg", [high], `${scope}/Neg`), low], `${scope}/Concat`, { axis: -1 });
    return op(
      "Add",
      [op("Mul", [x, "cos"], `${scope}/Mul`), op("Mul", [turned, "sin"], `${scope}/Mul_1`)],
      `${scope}/Add`,
    );
  };

  const positions = op(
    "Cast",
    [op("Unsqueeze", ["position_ids", ints("axis2", [2])], "/model/rotary_emb/Unsqueeze")],
    "/model/rotary_emb/Cast",
    { to: 1 },
  );
  initializers.set(
    "inverse",
    floatTensor(
      [1, 1, headWidth / 2],
      Float32Array.from({ length: headWidth / 2 }, (_, i) => 10_000 ** ((-2 * i) / headWidth)),
    ),
  );
  const angles = op("Mul", [positions, "inverse"], "/model/rotary_emb/Mul");
  const both = op(
    "Unsqueeze",
    [op("Concat", [angles, angles], "/model/rotary_emb/Concat", { axis: -1 }), ints("axis1", [1])],
    "/model/rotary_emb/Unsqueeze_1",
  );
  nodes.push(makeNode("Cos", [both], ["cos"]), makeNode("Sin", [both], ["sin"]));
  const length = op(
    "Gather",
    [op("Shape", ["input_ids"], "/model/Shape"), ints("one_index", [1])],
    "/model/Gather",
    { axis: 0 },
  );
  const square = op("Concat", [length, length], "/model/Concat", { axis: 0 });
  initializers.set("low", floatTensor([1], Float32Array.of(-1e9)));
  const full = op("Expand", ["low", square], "/model/Expand");
  const mask = op("Trilu", [full, ints("diagonal", [1])], "/model/Trilu", { upper: 1 });

  let x = op(
    "Gather",
    [weight("model.embed_tokens.weight", [vocabulary, width], 0.02), "input_ids"],
    "/model/embed_tokens/Gather",
  );
  for (let layer = 0; layer < layers; layer++) {
    const scope = `/model/layers.${layer}`;
    const h = norm(x, `${scope}/input_layernorm`);
    const split = (name: string): string => {
      const y = linear(h, `${scope}/self_attn/${name}`, width, width);
      const parts = op(
        "Reshape",
        [y, ints("heads", [0, 0, heads, headWidth])],
        `${scope}/self_attn/${name}_Reshape`,
      );
      return op("Transpose", [parts], `${scope}/self_attn/${name}_Transpose`, { perm: [0, 2, 1, 3] });
    };
    const q = rotate(split("q_proj"), `${scope}/self_attn/q_rotary`);
    const k = rotate(split("k_proj"), `${scope}/self_attn/k_rotary`);
    const v = split("v_proj");
    const kt = op("Transpose", [k], `${scope}/self_attn/Transpose_k`, { perm: [0, 1, 3, 2] });
    const scores = op(
      "Add",
      [
        op(
          "Mul",
          [op("MatMul", [q, kt], `${scope}/self_attn/MatMul`), scalar("scale", 1 / Math.sqrt(headWidth))],
          `${scope}/self_attn/Mul`,
        ),
        mask,
      ],
      `${scope}/self_attn/Add`,
    );
    const mixed = op(
      "MatMul",
      [op("Softmax", [scores], `${scope}/self_attn/Softmax`, { axis: -1 }), v],
      `${scope}/self_attn/MatMul_1`,
    );
    const joined = op(
      "Reshape",
      [
        op("Transpose", [mixed], `${scope}/self_attn/Transpose_o`, { perm: [0, 2, 1, 3] }),
        ints("joined", [0, 0, width]),
      ],
      `${scope}/self_attn/Reshape_o`,
    );
    x = op("Add", [x, linear(joined, `${scope}/self_attn/o_proj`, width, width)], `${scope}/Add`);
    const m = norm(x, `${scope}/post_attention_layernorm`);
    const gate = linear(m, `${scope}/mlp/gate_proj`, width, feedForward);
    const act = op(
      "Mul",
      [gate, op("Sigmoid", [gate], `${scope}/mlp/act_fn/Sigmoid`)],
      `${scope}/mlp/act_fn/Mul`,
    );
    const wide = op("Mul", [act, linear(m, `${scope}/mlp/up_proj`, width, feedForward)], `${scope}/mlp/Mul`);
    x = op("Add", [x, linear(wide, `${scope}/mlp/down_proj`, feedForward, width)], `${scope}/Add_1`);
  }
  const last = norm(x, "/model/norm");
  nodes.push(
    makeNode(
      "MatMul",
      [last, weight("onnx::MatMul_head", [width, vocabulary], 1 / Math.sqrt(width))],
      ["logits"],
      { name: "/lm_head/MatMul" },
    ),
  );
  const model: Model = {
    irVersion: 8,
    opsets: new Map([["", 18]]),
    graph: {
      name: "main_graph",
      nodes,
      inputs: ["input_ids", "position_ids"].map((name) => ({
        name,
        dtype: "int64",
        dims: ["batch_size", "sequence_length"],
      })),
      outputs: [{ name: "logits", dtype: "float32", dims: ["batch_size", "sequence_length", vocabulary] }],
      initializers,
    },
    functions: new Map(),
    metadata: new Map(),
    producer: "ingot bench",
  };
  return encodeModel(model);
}
