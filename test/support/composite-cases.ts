import { type GradientCase, ints, one } from "./gradient-cases.ts";

const positive = (...dims: number[]) => ({ dims, low: 0.3, high: 1.5 });
const scalar = (value: number) => ({ dims: [], values: [value] });
const int32 = (dims: readonly number[], ...values: number[]) => ({ dims, dtype: "int32" as const, values });
const int64 = (dims: readonly number[], ...values: number[]) => ({ dims, dtype: "int64" as const, values });
const bools = (dims: readonly number[], ...values: number[]) => ({ dims, dtype: "bool" as const, values });

const ROTARY: readonly GradientCase[] = [
  {
    name: "RotaryEmbedding 4-D, ids",
    opset: 23,
    nodes: [["RotaryEmbedding", ["x", "c", "s", "i"], ["y"]]],
    inputs: {
      x: { dims: [2, 3, 2, 4] },
      c: { dims: [5, 2] },
      s: { dims: [5, 2] },
      i: int64([2, 2], 0, 3, 4, 4),
    },
    outputs: ["y"],
  },
  {
    name: "RotaryEmbedding 3-D, interleaved, partial",
    opset: 23,
    nodes: [
      ["RotaryEmbedding", ["x", "c", "s"], ["y"], { interleaved: 1, rotary_embedding_dim: 4, num_heads: 2 }],
    ],
    inputs: { x: { dims: [2, 2, 12] }, c: { dims: [2, 2, 2] }, s: { dims: [2, 2, 2] } },
    outputs: ["y"],
  },
  ...[0, 1].flatMap((interleaved): GradientCase[] => [
    {
      name: `com.microsoft RotaryEmbedding ids, interleaved ${interleaved}`,
      nodes: [["com.microsoft:RotaryEmbedding", ["x", "i", "c", "s"], ["y"], { interleaved }]],
      inputs: {
        x: { dims: [2, 2, 8] },
        i: int64([2, 2], 0, 1, 3, 4),
        c: { dims: [5, 2] },
        s: { dims: [5, 2] },
      },
      outputs: ["y"],
    },
    {
      name: `com.microsoft RotaryEmbedding offset, interleaved ${interleaved}`,
      nodes: [["com.microsoft:RotaryEmbedding", ["x", "i", "c", "s"], ["y"], { interleaved }]],
      inputs: { x: { dims: [2, 2, 3, 4] }, i: int64([1], 1), c: { dims: [5, 2] }, s: { dims: [5, 2] } },
      outputs: ["y"],
    },
  ]),
];

const ATTENTION: readonly GradientCase[] = [
  one(
    "Attention",
    [
      [2, 2, 3, 4],
      [2, 2, 3, 4],
      [2, 2, 3, 4],
    ],
    { opset: 23 },
  ),
  one(
    "Attention",
    [
      [2, 4, 3, 4],
      [2, 2, 3, 4],
      [2, 2, 3, 5],
    ],
    { opset: 23, attributes: { is_causal: 1, softcap: { float: 0.8 }, scale: { float: 0.7 } } },
  ),
  one(
    "Attention",
    [
      [2, 3, 8],
      [2, 4, 4],
      [2, 4, 4],
    ],
    { opset: 23, attributes: { q_num_heads: 4, kv_num_heads: 2 } },
  ),
  one(
    "Attention",
    [
      [2, 2, 3, 4],
      [2, 2, 3, 4],
      [2, 2, 3, 4],
      [3, 3],
    ],
    { opset: 23, label: "Attention with a float mask" },
  ),
  one(
    "Attention",
    [
      [2, 2, 3, 4],
      [2, 2, 3, 4],
      [2, 2, 3, 4],
      [2, 1, 3, 3],
    ],
    { opset: 23, attributes: { softcap: { float: 1 } }, label: "Attention with a padding bias and a cap" },
  ),
  {
    name: "Attention, a row masked entirely",
    opset: 23,
    nodes: [["Attention", ["q", "k", "v", "m"], ["y"]]],
    inputs: {
      q: { dims: [1, 1, 2, 2] },
      k: { dims: [1, 1, 3, 2] },
      v: { dims: [1, 1, 3, 2] },
      m: bools([2, 3], 1, 0, 1, 0, 0, 0),
    },
    outputs: ["y"],
  },
  {
    name: "Attention with a past and presents",
    opset: 23,
    nodes: [["Attention", ["q", "k", "v", "", "pk", "pv"], ["y", "nk", "nv"]]],
    inputs: {
      q: { dims: [1, 2, 2, 4] },
      k: { dims: [1, 2, 2, 4] },
      v: { dims: [1, 2, 2, 4] },
      pk: { dims: [1, 2, 3, 4] },
      pv: { dims: [1, 2, 3, 4] },
    },
    outputs: ["y", "nk", "nv"],
  },
  {
    name: "Attention, scores as an output",
    opset: 23,
    nodes: [["Attention", ["q", "k", "v"], ["y", "", "", "s"]]],
    inputs: { q: { dims: [1, 2, 2, 4] }, k: { dims: [1, 2, 3, 4] }, v: { dims: [1, 2, 3, 4] } },
    outputs: ["y", "s"],
  },
];

const ATTENTION_24: readonly GradientCase[] = [0, 1].map((is_causal) => ({
  name: `Attention 24 with lengths, causal ${is_causal}`,
  opset: 24,
  nodes: [["Attention", ["q", "k", "v", "", "", "", "n"], ["y"], { is_causal }]],
  inputs: {
    q: { dims: [2, 2, 2, 4] },
    k: { dims: [2, 2, 4, 4] },
    v: { dims: [2, 2, 4, 4] },
    n: int64([2], 3, 4),
  },
  outputs: ["y"],
}));

const HEADS = { num_heads: 2 };
const MHA: readonly GradientCase[] = [
  one(
    "com.microsoft:MultiHeadAttention",
    [
      [2, 3, 8],
      [2, 4, 8],
      [2, 4, 8],
    ],
    { attributes: HEADS },
  ),
  one("com.microsoft:MultiHeadAttention", [[2, 3, 8], [2, 3, 8], [2, 3, 8], [24]], {
    attributes: { ...HEADS, scale: { float: 0.3 } },
  }),
  one("com.microsoft:MultiHeadAttention", [[2, 3, 8], [2, 3, 8], [2, 3, 6], [22]], { attributes: HEADS }),
  one(
    "com.microsoft:MultiHeadAttention",
    [
      [2, 3, 8],
      [2, 3, 8],
      [2, 3, 8],
    ],
    { attributes: { ...HEADS, unidirectional: 1 } },
  ),
  {
    name: "MultiHeadAttention, padding",
    nodes: [["com.microsoft:MultiHeadAttention", ["q", "k", "v", "", "m"], ["y"], HEADS]],
    inputs: {
      q: { dims: [2, 3, 8] },
      k: { dims: [2, 3, 8] },
      v: { dims: [2, 3, 8] },
      m: int32([2, 3], 1, 1, 0, 1, 1, 1),
    },
    outputs: ["y"],
  },
  {
    name: "MultiHeadAttention, lengths",
    nodes: [["com.microsoft:MultiHeadAttention", ["q", "k", "v", "", "m"], ["y"], HEADS]],
    inputs: { q: { dims: [2, 3, 8] }, k: { dims: [2, 3, 8] }, v: { dims: [2, 3, 8] }, m: int32([2], 2, 3) },
    outputs: ["y"],
  },
  ...(
    [
      [2, 2, 3, 3],
      [1, 2, 3, 3],
      [2, 1, 3, 3],
      [1, 1, 3, 3],
    ] as const
  ).map(
    (dims): GradientCase => ({
      name: `MultiHeadAttention, bias [${dims}]`,
      nodes: [["com.microsoft:MultiHeadAttention", ["q", "k", "v", "", "", "b"], ["y"], HEADS]],
      inputs: { q: { dims: [2, 3, 8] }, k: { dims: [2, 3, 8] }, v: { dims: [2, 3, 8] }, b: { dims } },
      outputs: ["y"],
    }),
  ),
  {
    name: "MultiHeadAttention, past and presents",
    nodes: [
      ["com.microsoft:MultiHeadAttention", ["q", "k", "v", "", "", "", "pk", "pv"], ["y", "nk", "nv"], HEADS],
    ],
    inputs: {
      q: { dims: [2, 3, 8] },
      k: { dims: [2, 3, 8] },
      v: { dims: [2, 3, 8] },
      pk: { dims: [2, 2, 2, 4] },
      pv: { dims: [2, 2, 2, 4] },
    },
    outputs: ["y", "nk", "nv"],
  },
];

function gqa(
  label: string,
  attributes: Record<string, number | { float: number }>,
  extra: Partial<Record<"past" | "bias" | "packed" | "rotary" | "lengths", boolean>> = {},
): GradientCase {
  const past = extra.past === true ? 2 : 0;
  const batch = past > 0 ? 1 : 2;
  const total = 3 + past;
  const names = [
    "q",
    extra.packed ? "" : "k",
    extra.packed ? "" : "v",
    past > 0 ? "pk" : "",
    past > 0 ? "pv" : "",
    "n",
    "t",
    extra.rotary ? "c" : "",
    extra.rotary ? "s" : "",
    "",
    extra.bias ? "b" : "",
  ];
  while (names.at(-1) === "") names.pop();
  const lengths = extra.lengths ? [total - 2, total - 1] : [total - 1, total - 1];
  return {
    name: `GroupQueryAttention ${label}`,
    nodes: [
      [
        "com.microsoft:GroupQueryAttention",
        names,
        ["y", "nk", "nv"],
        { num_heads: 4, kv_num_heads: 2, ...attributes },
      ],
    ],
    inputs: {
      q: { dims: [batch, 3, extra.packed ? 128 : 64] },
      ...(extra.packed ? {} : { k: { dims: [batch, 3, 32] }, v: { dims: [batch, 3, 32] } }),
      ...(past > 0 ? { pk: { dims: [batch, 2, past, 16] }, pv: { dims: [batch, 2, past, 16] } } : {}),
      n: int32([batch], ...lengths.slice(0, batch)),
      t: int32([1], total),
      ...(extra.rotary ? { c: { dims: [6, 8] }, s: { dims: [6, 8] } } : {}),
      ...(extra.bias ? { b: { dims: [1, 4, 3, total] } } : {}),
    },
    outputs: past > 0 ? ["y"] : ["y", "nk", "nv"],
  };
}

const GQA: readonly GradientCase[] = [
  gqa("plain", {}),
  gqa("scale and softcap", { scale: { float: 0.4 }, softcap: { float: 1.5 } }),
  gqa("window of 2", { local_window_size: 2 }),
  gqa("packed with rotary", { do_rotary: 1 }, { packed: true, rotary: true }),
  gqa("rotary interleaved", { do_rotary: 1, rotary_interleaved: 1 }, { rotary: true }),
  gqa("attention bias", {}, { bias: true }),
  gqa("right padding", {}, { lengths: true }),
  gqa("past", { do_rotary: 1 }, { past: true, rotary: true }),
  gqa("smooth softmax", { smooth_softmax: 1 }),
];

const label = (...values: number[]) => int64([values.length], ...values);
const LOSSES: readonly GradientCase[] = [
  ...["none", "sum", "mean"].flatMap((reduction): GradientCase[] => [
    {
      name: `SoftmaxCrossEntropyLoss ${reduction}`,
      opset: 13,
      nodes: [["SoftmaxCrossEntropyLoss", ["x", "l", "w"], ["y", "p"], { reduction, ignore_index: -100 }]],
      inputs: { x: { dims: [3, 4] }, l: label(1, -100, 3), w: positive(4) },
      outputs: ["y", "p"],
    },
    {
      name: `NegativeLogLikelihoodLoss ${reduction}`,
      opset: 13,
      nodes: [["NegativeLogLikelihoodLoss", ["x", "l"], ["y"], { reduction }]],
      inputs: { x: { dims: [2, 4, 2] }, l: int64([2, 2], 1, 0, 3, 3) },
      outputs: ["y"],
    },
  ]),
  {
    name: "SoftmaxCrossEntropyLoss over a sequence",
    opset: 13,
    nodes: [["SoftmaxCrossEntropyLoss", ["x", "l"], ["y"], { ignore_index: 0 }]],
    inputs: { x: { dims: [2, 3, 4] }, l: int64([2, 4], 1, 0, 2, 2, 0, 0, 1, 1) },
    outputs: ["y"],
  },
];

const NORMS: readonly GradientCase[] = [
  one("MeanVarianceNormalization", [[2, 3, 2, 2]]),
  one("MeanVarianceNormalization", [[2, 3, 4]], { attributes: { axes: [-1] } }),
  one("LRN", [[2, 5, 2, 2]], {
    attributes: { size: 3, alpha: { float: 0.5 }, beta: { float: 0.6 }, bias: { float: 1.2 } },
  }),
  one("LRN", [[1, 5, 3, 1]], { attributes: { size: 5, alpha: { float: 0.5 } } }),
];

function recurrent(
  op: "LSTM" | "GRU" | "RNN",
  gates: number,
  options: {
    direction?: string;
    layout?: number;
    lengths?: boolean;
    start?: boolean;
    peepholes?: boolean;
    linear?: number;
  } = {},
): GradientCase {
  const d = options.direction === "bidirectional" ? 2 : 1;
  const [t, b, i, h] = [3, 2, 3, 2];
  const batchFirst = options.layout === 1;
  const state = batchFirst ? [b, d, h] : [d, b, h];
  const isLstm = op === "LSTM";
  const names = [
    "x",
    "w",
    "r",
    "b",
    options.lengths ? "n" : "",
    options.start ? "h" : "",
    options.start && isLstm ? "c" : "",
    options.peepholes ? "p" : "",
  ];
  while (names.at(-1) === "") names.pop();
  const outputs = isLstm ? ["y", "yh", "yc"] : ["y", "yh"];
  return {
    name: `${op} ${JSON.stringify(options)}`,
    nodes: [
      [
        op,
        names,
        outputs,
        {
          hidden_size: h,
          ...(options.direction ? { direction: options.direction } : {}),
          ...(batchFirst ? { layout: 1 } : {}),
          ...(options.linear ? { linear_before_reset: 1 } : {}),
        },
      ],
    ],
    inputs: {
      x: { dims: batchFirst ? [b, t, i] : [t, b, i] },
      w: { dims: [d, gates * h, i] },
      r: { dims: [d, gates * h, h] },
      b: { dims: [d, 2 * gates * h] },
      ...(options.lengths ? { n: int32([2], 3, 2) } : {}),
      ...(options.start ? { h: { dims: state } } : {}),
      ...(options.start && isLstm ? { c: { dims: state } } : {}),
      ...(options.peepholes ? { p: { dims: [d, 3 * h] } } : {}),
    },
    outputs,
  };
}

const RECURRENT: readonly GradientCase[] = [
  recurrent("LSTM", 4),
  recurrent("LSTM", 4, { direction: "bidirectional", start: true }),
  recurrent("LSTM", 4, { direction: "reverse", lengths: true, start: true }),
  recurrent("LSTM", 4, { peepholes: true, start: true }),
  recurrent("GRU", 3),
  recurrent("GRU", 3, { linear: 1, direction: "bidirectional", start: true, lengths: true }),
  recurrent("RNN", 1, { direction: "reverse" }),
  recurrent("RNN", 1, { start: true, lengths: true }),
];

const EINSUM: readonly GradientCase[] = [
  one(
    "Einsum",
    [
      [2, 3],
      [3, 4],
    ],
    { attributes: { equation: "ij,jk->ik" } },
  ),
  one(
    "Einsum",
    [
      [2, 3],
      [2, 3],
    ],
    { attributes: { equation: "ij,ij->" } },
  ),
  one(
    "Einsum",
    [
      [2, 3, 4],
      [2, 4, 5],
    ],
    { attributes: { equation: "b i j, b j k -> b k i" } },
  ),
  one("Einsum", [[2, 3, 4]], { attributes: { equation: "abc->ca" } }),
  one(
    "Einsum",
    [
      [2, 2, 3],
      [2, 3, 2],
    ],
    { attributes: { equation: "...ij,...jk->...ik" } },
  ),
  one("Einsum", [[2, 3], [3]], { attributes: { equation: "ij,j" } }),
  one("Einsum", [[2], [3], [2, 3]], { attributes: { equation: "i,j,ij->ij" } }),
];

const sizes = (...v: number[]) => ints(...v);
const RESIZE: readonly GradientCase[] = [
  ...["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"].flatMap((mode): GradientCase[] => [
    {
      name: `Resize linear ${mode}`,
      nodes: [
        ["Resize", ["x", "", "", "z"], ["y"], { mode: "linear", coordinate_transformation_mode: mode }],
      ],
      inputs: { x: { dims: [1, 2, 3, 4] } },
      constants: { z: sizes(1, 2, 5, 3) },
      outputs: ["y"],
    },
    {
      name: `Resize nearest ${mode}`,
      nodes: [
        [
          "Resize",
          ["x", "", "z"],
          ["y"],
          { mode: "nearest", nearest_mode: "floor", coordinate_transformation_mode: mode },
        ],
      ],
      inputs: { x: { dims: [1, 2, 3, 4] } },
      constants: { z: { dims: [4], values: [1, 1, 2, 1.5] } },
      wrt: ["x"],
      outputs: ["y"],
    },
    {
      name: `Resize cubic ${mode}`,
      nodes: [["Resize", ["x", "", "", "z"], ["y"], { mode: "cubic", coordinate_transformation_mode: mode }]],
      inputs: { x: { dims: [1, 1, 4, 4] } },
      constants: { z: sizes(1, 1, 7, 3) },
      outputs: ["y"],
    },
  ]),
  ...["round_prefer_floor", "round_prefer_ceil", "ceil"].map(
    (nearest_mode): GradientCase => ({
      name: `Resize ${nearest_mode}`,
      nodes: [["Resize", ["x", "", "z"], ["y"], { mode: "nearest", nearest_mode }]],
      inputs: { x: { dims: [1, 1, 4, 4] } },
      constants: { z: { dims: [4], values: [1, 1, 0.6, 2.5] } },
      wrt: ["x"],
      outputs: ["y"],
    }),
  ),
  {
    name: "Upsample 9",
    opset: 9,
    nodes: [["Upsample", ["x", "z"], ["y"], { mode: "nearest" }]],
    inputs: { x: { dims: [1, 2, 2, 3] } },
    constants: { z: { dims: [4], values: [1, 1, 2, 2] } },
    wrt: ["x"],
    outputs: ["y"],
  },
  {
    name: "Upsample 9 linear",
    opset: 9,
    nodes: [["Upsample", ["x", "z"], ["y"], { mode: "linear" }]],
    inputs: { x: { dims: [1, 2, 2, 3] } },
    constants: { z: { dims: [4], values: [1, 1, 2, 2] } },
    wrt: ["x"],
    outputs: ["y"],
  },
  {
    name: "Resize 10",
    opset: 10,
    nodes: [["Resize", ["x", "z"], ["y"], { mode: "nearest" }]],
    inputs: { x: { dims: [1, 2, 2, 3] } },
    constants: { z: { dims: [4], values: [1, 1, 2, 2] } },
    wrt: ["x"],
    outputs: ["y"],
  },
];

const QUANTISED: readonly GradientCase[] = [
  {
    name: "MatMulNBits 4 bits",
    nodes: [
      [
        "com.microsoft:MatMulNBits",
        ["a", "q", "s"],
        ["y"],
        { K: 32, N: 3, bits: 4, block_size: 16, accuracy_level: 1 },
      ],
    ],
    inputs: { a: { dims: [2, 2, 32] } },
    constants: { q: { dims: [3, 2, 8], dtype: "uint8", low: 0, high: 256 }, s: positive(6) },
    outputs: ["y"],
  },
  {
    name: "MatMulNBits with zero points of odd rows",
    nodes: [
      [
        "com.microsoft:MatMulNBits",
        ["a", "q", "s", "z"],
        ["y"],
        { K: 40, N: 3, bits: 4, block_size: 16, accuracy_level: 1 },
      ],
    ],
    inputs: { a: { dims: [2, 40] } },
    constants: {
      q: { dims: [3, 3, 8], dtype: "uint8", low: 0, high: 256 },
      s: positive(9),
      z: { dims: [6], dtype: "uint8", low: 0, high: 256 },
    },
    outputs: ["y"],
  },
  {
    name: "DequantizeLinear per axis",
    nodes: [["DequantizeLinear", ["q", "s", "z"], ["y"], { axis: 1 }]],
    inputs: { s: { dims: [3], low: 0.2, high: 1 } },
    constants: {
      q: { dims: [2, 3], dtype: "int8", values: [1, 2, 3, -4, 5, 6] },
      z: { dims: [3], dtype: "int8", values: [0, 1, 2] },
    },
    outputs: ["y"],
  },
];

const SAMPLING: readonly GradientCase[] = [
  ...["zeros", "border", "reflection"].flatMap((padding_mode) =>
    [0, 1].map((align_corners) =>
      one(
        "GridSample",
        [
          [1, 2, 3, 4],
          {
            dims: [1, 2, 3, 2],
            values: [-0.9, 0.35, 0.15, -0.42, 0.93, 0.87, -1.3, 0.2, 0.31, 1.4, -0.2, -1.27],
          },
        ],
        {
          opset: 16,
          attributes: { mode: "bilinear", padding_mode, align_corners },
          h: 1e-3,
          tolerance: 1e-2,
        },
      ),
    ),
  ),
  one("GridSample", [[1, 2, 3, 4], { dims: [1, 1, 2, 2], values: [-0.9, 0.35, 0.15, -0.42] }], {
    opset: 20,
    attributes: { mode: "nearest" },
    h: 1e-3,
    tolerance: 1e-2,
  }),
  ...[0, 1].map((align_corners) =>
    one("AffineGrid", [[2, 2, 3]], {
      opset: 20,
      constants: { s: ints(2, 1, 3, 2) },
      attributes: { align_corners },
    }),
  ),
  one("CenterCropPad", [[5, 4]], { constants: { s: ints(2, 7) } }),
  one("CenterCropPad", [[2, 5]], { constants: { s: ints(2) }, attributes: { axes: [1] } }),
  one("Det", [[2, 3, 3]], { tolerance: 5e-3 }),
  one("com.microsoft:Inverse", [{ dims: [1, 2, 2], values: [2, 0.5, -0.3, 1.5] }]),
];

const FUSED: readonly GradientCase[] = [
  one("com.microsoft:FusedConv", [[1, 2, 4, 4], [3, 2, 3, 3], [3]], {
    attributes: { activation: "Tanh", pads: [1, 1, 1, 1] },
  }),
  one("com.microsoft:FusedConv", [[1, 2, 4, 4], [3, 2, 3, 3], [3], [1, 3, 2, 2]], {
    attributes: { activation: "LeakyRelu", activation_params: { floats: [0.3] } },
    h: 1e-3,
    tolerance: 1e-2,
  }),
  one("com.microsoft:FusedConv", [[1, 2, 4, 4], [3, 2, 3, 3], [3]], {
    attributes: { activation: "Clip", activation_params: { floats: [-0.5, 0.5] } },
    h: 1e-3,
    tolerance: 1e-2,
  }),
  one("com.microsoft:FusedGemm", [[2, 3], [4, 3], [4]], { attributes: { activation: "Sigmoid", transB: 1 } }),
  one("com.microsoft:FusedGemm", [positive(2, 3), positive(3, 4), positive(4)], {
    attributes: { activation: "Relu" },
  }),
  {
    name: "GatherBlockQuantized",
    nodes: [
      [
        "com.microsoft:GatherBlockQuantized",
        ["q", "i", "s"],
        ["y"],
        { gather_axis: 0, quantize_axis: 1, block_size: 16, bits: 4 },
      ],
    ],
    inputs: { i: int64([2, 2], 0, 3, 3, 1) },
    constants: { q: { dims: [4, 16], dtype: "uint8", low: 0, high: 256 }, s: positive(4, 2) },
    outputs: ["y"],
  },
];

const EMBED: readonly GradientCase[] = [
  {
    name: "EmbedLayerNormalization",
    nodes: [["com.microsoft:EmbedLayerNormalization", ["i", "t", "w", "p", "s", "g", "b"], ["y", "m", "e"]]],
    inputs: {
      i: int32([2, 3], 1, 0, 2, 2, 2, 1),
      t: int32([2, 3], 0, 0, 1, 1, 0, 1),
      w: { dims: [4, 4] },
      p: { dims: [5, 4] },
      s: { dims: [2, 4] },
      g: { dims: [4] },
      b: { dims: [4] },
    },
    outputs: ["y"],
  },
  {
    name: "com.microsoft Attention",
    nodes: [["com.microsoft:Attention", ["x", "w", "b"], ["y"], { num_heads: 2 }]],
    inputs: { x: { dims: [2, 3, 4] } },
    constants: { w: { dims: [4, 12] }, b: { dims: [12] } },
    outputs: ["y"],
  },
  {
    name: "Squeeze of a constant scale",
    nodes: [
      ["Mul", ["x", "k"], ["a"]],
      ["Add", ["a", "x"], ["y"]],
    ],
    inputs: { x: { dims: [3] } },
    constants: { k: scalar(2) },
    outputs: ["y", "a"],
  },
];

export const COMPOSITE_CASES: readonly GradientCase[] = [
  ...ROTARY,
  ...ATTENTION,
  ...ATTENTION_24,
  ...MHA,
  ...GQA,
  ...LOSSES,
  ...NORMS,
  ...RECURRENT,
  ...EINSUM,
  ...RESIZE,
  ...QUANTISED,
  ...SAMPLING,
  ...FUSED,
  ...EMBED,
];
