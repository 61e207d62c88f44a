import { type GradientCase, ints, one } from "./gradient-cases.ts";

/** Away from kinks at 0. */
const positive = (...dims: number[]) => ({ dims, low: 0.3, high: 1.5 });
const scalar = (value: number) => ({ dims: [], values: [value] });

const UNARY: readonly GradientCase[] = [
  ...[
    "Identity",
    "Neg",
    "Sigmoid",
    "Tanh",
    "Softplus",
    "Exp",
    "Sin",
    "Cos",
    "Tan",
    "Sinh",
    "Cosh",
    "Asinh",
    "Atan",
    "Erf",
    "Mish",
  ].map((op) => one(op, [[2, 3]])),
  ...["Asin", "Acos", "Atanh"].map((op) => one(op, [{ dims: [5], low: -0.7, high: 0.7 }], { h: 5e-3 })),
  one("Acosh", [{ dims: [5], low: 1.3, high: 2 }]),
  ...["Log", "Sqrt", "Reciprocal", "Abs", "Softsign", "Relu", "LeakyRelu", "Elu", "Selu", "Celu"].flatMap(
    (op) => [
      one(op, [positive(4)]),
      ...(op === "Log" || op === "Sqrt" ? [] : [one(op, [{ dims: [4], low: -1.5, high: -0.3 }])]),
    ],
  ),
  one("LeakyRelu", [{ dims: [4], low: -1.5, high: -0.3 }], { attributes: { alpha: { float: 0.2 } } }),
  one("ThresholdedRelu", [positive(6)], { attributes: { alpha: { float: 0.2 } } }),
  one("HardSigmoid", [{ dims: [6], low: -2, high: 2 }]),
  one("HardSwish", [{ dims: [6], low: -2.5, high: 2.5 }]),
  one("Shrink", [positive(4)], { attributes: { lambd: { float: 0.1 } } }),
  one("Gelu", [[7]], { opset: 20 }),
  one("Gelu", [[7]], { opset: 20, attributes: { approximate: "tanh" } }),
  one("com.microsoft:Gelu", [[7]]),
  one("com.microsoft:QuickGelu", [[7]]),
  one("com.microsoft:QuickGelu", [[7]], { attributes: { alpha: { float: 1.2 } } }),
  one("com.microsoft:FastGelu", [[2, 4]]),
  one("com.microsoft:FastGelu", [[2, 4], [4]]),
  one("com.microsoft:BiasGelu", [[2, 4], [4]]),
  one("Swish", [[5]], { opset: 24 }),
  one("Swish", [[5]], { opset: 24, attributes: { alpha: { float: 1.3 } } }),
  one("CastLike", [[3]], {
    opset: 19,
    constants: { t: { dims: [1], dtype: "float64", values: [0] } },
    h: 1e-2,
    tolerance: 2e-3,
    wrt: ["x0"],
  }),
  one("Cast", [[3]], { attributes: { to: 11 } }),
  one("Mish", [{ dims: [3], low: -3, high: 3 }]),
];

const BROADCASTS: readonly (readonly [readonly number[], readonly number[]])[] = [
  [
    [2, 3],
    [2, 3],
  ],
  [[2, 3], [3]],
  [
    [1, 1, 3],
    [4, 2, 1],
  ],
  [
    [2, 1],
    [2, 3],
  ],
  [[3], [2, 3]],
  [[], [2, 2]],
];

const BINARY: readonly GradientCase[] = [
  ...["Add", "Sub", "Mul"].flatMap((op) => BROADCASTS.map(([a, b]) => one(op, [a, b]))),
  ...["Div", "Pow"].flatMap((op) => BROADCASTS.map(([a, b]) => one(op, [positive(...a), positive(...b)]))),
  ...[0, 1, 2, 3, 0.5, -1, 1.7].map((e) =>
    one("Pow", [positive(4)], { constants: { e: scalar(e) }, wrt: ["x0"] }),
  ),
  one("Pow", [[4]], { constants: { e: { dims: [], dtype: "int64", values: [3] } } }),
  one(
    "Mod",
    [
      { dims: [4], values: [0.9, -0.7, 1.3, -1.45] },
      { dims: [4], values: [0.4, 0.5, -0.5, 0.6] },
    ],
    { attributes: { fmod: 1 }, h: 1e-3, tolerance: 2e-2 },
  ),
  ...["Max", "Min"].flatMap((op) => [
    one(op, [
      { dims: [2, 3], values: [1, 5, 2, 7, 0, 3] },
      { dims: [3], values: [1.5, 4, 6] },
      { dims: [2, 1], values: [3, 0.5] },
    ]),
    one(op, [[3]]),
  ]),
  one("Sum", [[2, 3], [3], [2, 1]]),
  one("Mean", [[2, 3], [3], [2, 1]]),
  one("PRelu", [{ dims: [2, 3, 2], low: 0.2, high: 1 }, [3, 1]]),
  one("PRelu", [{ dims: [2, 3, 2], low: -1, high: -0.2 }, [3, 1]]),
  {
    name: "Where with broadcasts",
    nodes: [["Where", ["c", "a", "b"], ["y"]]],
    inputs: {
      c: { dims: [2, 1, 1], dtype: "bool", values: [1, 0] },
      a: { dims: [3, 1] },
      b: { dims: [1, 4] },
    },
    outputs: ["y"],
  },
  one("Clip", [{ dims: [5], values: [-2, -0.5, 0.1, 0.6, 3] }], {
    constants: { low: scalar(-1), high: scalar(1) },
  }),
  one("Clip", [{ dims: [5], values: [-2, -0.5, 0.1, 0.6, 3] }], { constants: { low: scalar(-1) } }),
  one("Clip", [{ dims: [5], values: [-2, -0.5, 0.1, 0.6, 3] }], {
    opset: 10,
    attributes: { min: { float: -1 }, max: { float: 1 } },
  }),
  {
    name: "Clip without min",
    nodes: [["Clip", ["x", "", "high"], ["y"]]],
    inputs: { x: { dims: [3], values: [-2, 0.2, 3] } },
    constants: { high: scalar(1) },
    outputs: ["y"],
  },
  {
    name: "Mul of a value by itself",
    nodes: [["Mul", ["x", "x"], ["y"]]],
    inputs: { x: { dims: [3] } },
    outputs: ["y"],
  },
];

const REDUCTIONS = [
  "ReduceSum",
  "ReduceMean",
  "ReduceMax",
  "ReduceMin",
  "ReduceProd",
  "ReduceL1",
  "ReduceL2",
  "ReduceSumSquare",
  "ReduceLogSum",
  "ReduceLogSumExp",
];
const REDUCE: readonly GradientCase[] = REDUCTIONS.flatMap((op) => [
  one(op, [positive(2, 3, 4)], { constants: { axes: ints(1) } }),
  one(op, [positive(2, 3)], { constants: { axes: ints(-1) }, attributes: { keepdims: 0 } }),
  one(op, [positive(2, 3)]),
  one(op, [positive(2, 3, 2)], { opset: 11, attributes: { axes: [0, -1], keepdims: 0 } }),
  one(op, [positive(2, 3)], { opset: 13, attributes: op === "ReduceSum" ? {} : { axes: [0] } }),
]);

const SOFTMAX: readonly GradientCase[] = ["Softmax", "LogSoftmax"].flatMap((op) => [
  one(op, [[2, 3, 4]]),
  one(op, [[2, 3, 4]], { attributes: { axis: 1 } }),
  one(op, [[2, 3, 4]], { opset: 11 }),
  one(op, [[2, 3, 4]], { opset: 11, attributes: { axis: -1 } }),
  one(op, [[2, 3, 4]], { opset: 12, attributes: { axis: 0 } }),
]);

const LAYOUT: readonly GradientCase[] = [
  one("Reshape", [[2, 6]], { constants: { s: ints(3, -1) } }),
  one("Flatten", [[2, 3, 2]], { attributes: { axis: 2 } }),
  one("Transpose", [[2, 3, 4]], { attributes: { perm: [2, 0, 1] } }),
  one("Transpose", [[2, 3]]),
  one("Squeeze", [[1, 3, 1]], { constants: { a: ints(0) } }),
  one("Squeeze", [[1, 3, 1]], { opset: 11, attributes: { axes: [-1] } }),
  one("Unsqueeze", [[3]], { constants: { a: ints(0, 2) } }),
  one("Unsqueeze", [[3]], { opset: 11, attributes: { axes: [1] } }),
  one("Expand", [[3, 1]], { constants: { s: ints(2, 1, 4) } }),
  one("Tile", [[2, 3]], { constants: { r: ints(2, 2) } }),
  one(
    "Concat",
    [
      [2, 3],
      [2, 1],
      [2, 2],
    ],
    { attributes: { axis: -1 } },
  ),
  one("Split", [[5, 2]], { constants: { s: ints(2, 3) }, outputs: ["a", "b"] }),
  one("Split", [[7]], { attributes: { num_outputs: 3 }, outputs: ["a", "b", "c"] }),
  one("Split", [[4, 6]], { opset: 11, attributes: { axis: 1, split: [1, 5] }, outputs: ["a", "b"] }),
  one("Split", [[4, 6]], { opset: 13, attributes: { axis: 1 }, outputs: ["a", "b"] }),
  one("Slice", [[4, 5]], { constants: { s: ints(1, -3), e: ints(3, 2 ** 63), a: ints(0, 1) } }),
  one("Slice", [[7]], { constants: { s: ints(-1), e: ints(-(2 ** 63)), a: ints(0), t: ints(-2) } }),
  one("Slice", [[6, 2]], { constants: { s: ints(0), e: ints(5), a: ints(-2), t: ints(2) } }),
  one("Slice", [[4, 5]], { opset: 9, attributes: { starts: [1], ends: [-1], axes: [1] } }),
  one("Pad", [[2, 3]], { constants: { p: ints(1, 0, 0, 2), v: scalar(0.5) } }),
  one("Pad", [[4, 3]], { constants: { p: ints(-1, 1, 0, -1), v: scalar(0.5) } }),
  one("Pad", [[4, 3]], { constants: { p: ints(1, 2), v: scalar(0.5), a: ints(-1) }, label: "Pad with axes" }),
  ...["reflect", "edge", "wrap"].map((mode) =>
    one("Pad", [[4, 3]], { opset: 19, attributes: { mode }, constants: { p: ints(2, 1, 3, 2) } }),
  ),
  one("Pad", [[2, 3]], { opset: 10, attributes: { pads: [1, 0, 0, 1], value: { float: 2 } } }),
  one("DepthToSpace", [[1, 8, 2, 3]], { attributes: { blocksize: 2 } }),
  one("DepthToSpace", [[1, 8, 2, 3]], { attributes: { blocksize: 2, mode: "CRD" } }),
  one("SpaceToDepth", [[1, 2, 4, 6]], { attributes: { blocksize: 2 } }),
  ...[
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1],
  ].map(([exclusive, reverse]) =>
    one("CumSum", [[3, 4]], {
      constants: { a: { dims: [], dtype: "int64", values: [1] } },
      attributes: { exclusive: exclusive!, reverse: reverse! },
    }),
  ),
  one("Trilu", [[3, 4]]),
  one("Trilu", [[3, 4]], {
    attributes: { upper: 0 },
    constants: { k: { dims: [], dtype: "int64", values: [-1] } },
  }),
  one("ReverseSequence", [[4, 2, 2]], { constants: { l: ints(3, 2) } }),
  one("Dropout", [[4]]),
  one("Dropout", [[4]], { opset: 10, attributes: { ratio: { float: 0.3 } } }),
];

const INDEX: readonly GradientCase[] = [
  one("Gather", [[4, 3]], { constants: { i: { dims: [2, 2], dtype: "int64", values: [0, -1, 0, 2] } } }),
  one("Gather", [[2, 4, 3]], { attributes: { axis: 1 }, constants: { i: ints(3, 3, -4) } }),
  one("Gather", [[2, 4]], {
    attributes: { axis: -1 },
    constants: { i: { dims: [], dtype: "int64", values: [2] } },
  }),
  one("Gather", [[5, 2]], { opset: 11, constants: { i: { dims: [3], dtype: "int32", values: [1, 1, 4] } } }),
  one("GatherElements", [[3, 3]], {
    attributes: { axis: 1 },
    constants: { i: { dims: [3, 2], dtype: "int64", values: [0, 0, -1, 2, 1, 1] } },
  }),
  one("GatherND", [[3, 4, 2]], {
    constants: { i: { dims: [3, 2], dtype: "int64", values: [0, 1, -1, 2, 0, 1] } },
  }),
  one("GatherND", [[2, 3, 2]], {
    attributes: { batch_dims: 1 },
    constants: { i: { dims: [2, 2, 1], dtype: "int64", values: [0, 0, -1, 1] } },
  }),
  ...["none", "add", "mul", "max", "min"].flatMap((reduction): GradientCase[] => [
    {
      name: `ScatterElements ${reduction}`,
      nodes: [["ScatterElements", ["x", "i", "u"], ["y"], { axis: 1, reduction }]],
      inputs: {
        x: { dims: [2, 4] },
        i: { dims: [2, 2], dtype: "int64", values: [0, -1, 2, 1] },
        u: { dims: [2, 2] },
      },
      outputs: ["y"],
    },
    {
      name: `ScatterND ${reduction}`,
      nodes: [["ScatterND", ["x", "i", "u"], ["y"], { reduction }]],
      inputs: {
        x: { dims: [4, 3] },
        i: { dims: [2, 1], dtype: "int64", values: [2, -4] },
        u: { dims: [2, 3] },
      },
      outputs: ["y"],
    },
  ]),
  ...["add", "mul"].map(
    (reduction): GradientCase => ({
      name: `ScatterElements ${reduction} repeated`,
      nodes: [["ScatterElements", ["x", "i", "u"], ["y"], { reduction }]],
      inputs: { x: { dims: [3] }, i: ints(1, 1, 0), u: { dims: [3] } },
      outputs: ["y"],
    }),
  ),
  {
    name: "ScatterElements none, the last of equal indices decides",
    nodes: [["ScatterElements", ["x", "i", "u"], ["y"]]],
    inputs: { x: { dims: [3] }, i: ints(1, -2, 0), u: { dims: [3] } },
    outputs: ["y"],
  },
  {
    name: "Scatter",
    opset: 10,
    nodes: [["Scatter", ["x", "i", "u"], ["y"]]],
    inputs: { x: { dims: [3] }, i: ints(1, 0), u: { dims: [2] } },
    outputs: ["y"],
  },
  {
    name: "TopK",
    nodes: [["TopK", ["x", "k"], ["v", "i"], { axis: 0 }]],
    inputs: { x: { dims: [5, 2] } },
    constants: { k: ints(2) },
    outputs: ["v"],
  },
  {
    name: "OneHot",
    nodes: [["OneHot", ["i", "d", "v"], ["y"]]],
    inputs: { i: ints(1, 0, 2), v: { dims: [2] } },
    constants: { d: { dims: [], dtype: "int64", values: [3] } },
    outputs: ["y"],
  },
];

const MATMUL: readonly GradientCase[] = [
  ...(
    [
      [
        [2, 3],
        [3, 4],
      ],
      [
        [2, 2, 3],
        [3, 4],
      ],
      [
        [2, 2, 3],
        [2, 3, 2],
      ],
      [
        [2, 1, 2, 3],
        [3, 3, 2],
      ],
      [[3], [3, 2]],
      [[2, 3], [3]],
      [[3], [3]],
      [[2, 2, 3], [3]],
      [[3], [2, 3, 2]],
    ] as const
  ).map(([a, b]) => one("MatMul", [a, b])),
  ...(
    [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ] as const
  ).flatMap(([transA, transB]) => {
    const [a, b] = [transA === 1 ? [3, 2] : [2, 3], transB === 1 ? [4, 3] : [3, 4]];
    return [
      one("Gemm", [a, b, [4]], { attributes: { transA, transB, alpha: { float: 0.5 }, beta: { float: 2 } } }),
      one("com.microsoft:FusedMatMul", [a, b], { attributes: { transA, transB, alpha: { float: 0.5 } } }),
      one(
        "com.microsoft:FusedMatMul",
        [
          [2, ...a],
          [2, ...b],
        ],
        { attributes: { transA, transB } },
      ),
    ];
  }),
  one(
    "com.microsoft:FusedMatMul",
    [
      [3, 2, 4],
      [2, 4, 5],
    ],
    { attributes: { transBatchA: 1 }, label: "FusedMatMul transBatchA" },
  ),
  one("Gemm", [
    [2, 3],
    [3, 4],
    [2, 1],
  ]),
  one("Gemm", [
    [2, 3],
    [3, 4],
  ]),
  one("Gemm", [[2, 3], [3, 4], []]),
  one(
    "com.microsoft:TransposeMatMul",
    [
      [3, 2],
      [3, 4],
    ],
    { attributes: { transA: 1 } },
  ),
];

const NORM: readonly GradientCase[] = [
  one("LayerNormalization", [[2, 3, 4], [4], [4]], { opset: 17 }),
  one(
    "LayerNormalization",
    [
      [2, 3, 4],
      [3, 4],
    ],
    { opset: 17, attributes: { axis: 1 } },
  ),
  one("LayerNormalization", [[2, 3, 4], [4], [4]], {
    opset: 17,
    outputs: ["y", "mean", "rstd"],
    label: "LayerNormalization with statistics",
  }),
  one("LayerNormalization", [[2, 4], [4], [4]], { opset: 13 }),
  one("SimplifiedLayerNormalization", [[2, 3, 4], [4]]),
  one("RMSNormalization", [[2, 3, 4], [4]], { opset: 23 }),
  one(
    "RMSNormalization",
    [
      [2, 3, 4],
      [3, 4],
    ],
    { opset: 23, attributes: { axis: 1 } },
  ),
  one("com.microsoft:SkipLayerNormalization", [[2, 3, 4], [2, 3, 4], [4], [4], [4]], {
    outputs: ["y", "", "", "sum"],
  }),
  one("com.microsoft:SkipLayerNormalization", [[2, 3, 4], [3, 4], [4], [4]]),
  one("com.microsoft:SkipSimplifiedLayerNormalization", [[2, 3, 4], [2, 3, 4], [4], [4]], {
    outputs: ["y", "", "", "sum"],
  }),
  one("com.microsoft:SkipSimplifiedLayerNormalization", [[2, 3, 4], [2, 3, 4], [4]]),
  one("BatchNormalization", [[2, 3, 2, 2], [3], [3], [3], positive(3)], { opset: 15 }),
  one("BatchNormalization", [[2, 3, 4], [3], [3], [3], positive(3)], { opset: 9 }),
  one("InstanceNormalization", [[2, 3, 5], [3], [3]]),
  one("GroupNormalization", [[2, 4, 3], [4], [4]], { opset: 21, attributes: { num_groups: 2 } }),
  one("GroupNormalization", [[2, 4, 3], [2], [2]], { opset: 18, attributes: { num_groups: 2 } }),
  one("LpNormalization", [positive(2, 3)]),
  one("LpNormalization", [positive(2, 3)], { attributes: { axis: 0, p: 1 } }),
];

const CONV: readonly GradientCase[] = [
  one("Conv", [[2, 3, 5, 4], [4, 3, 3, 2], [4]], { attributes: { pads: [1, 0, 1, 1] } }),
  one(
    "Conv",
    [
      [1, 4, 7, 6],
      [6, 2, 3, 3],
    ],
    { attributes: { group: 2, strides: [2, 3], pads: [1, 2, 0, 1] } },
  ),
  one("Conv", [[2, 4, 8], [4, 1, 3], [4]], { attributes: { group: 4, dilations: [2], strides: [2] } }),
  one(
    "Conv",
    [
      [1, 2, 6, 7],
      [2, 2, 3, 2],
    ],
    { attributes: { auto_pad: "SAME_UPPER", strides: [2, 2] } },
  ),
  one(
    "Conv",
    [
      [1, 2, 6, 7],
      [2, 2, 3, 2],
    ],
    { attributes: { auto_pad: "SAME_LOWER" } },
  ),
  one(
    "Conv",
    [
      [1, 2, 9],
      [2, 2, 3],
    ],
    { attributes: { auto_pad: "VALID", strides: [4] } },
  ),
  one("Conv", [
    [1, 2, 3, 3, 3],
    [2, 2, 2, 2, 2],
  ]),
  one("ConvTranspose", [[2, 3, 4], [3, 2, 3], [2]], {
    attributes: { strides: [2], pads: [1, 0], output_padding: [1] },
  }),
  one(
    "ConvTranspose",
    [
      [1, 4, 3, 3],
      [4, 2, 3, 2],
    ],
    { attributes: { group: 2, dilations: [1, 2] } },
  ),
  one(
    "ConvTranspose",
    [
      [1, 2, 4],
      [2, 2, 3],
    ],
    { attributes: { strides: [2], output_shape: [8] } },
  ),
  one(
    "ConvTranspose",
    [
      [1, 2, 4],
      [2, 2, 3],
    ],
    { attributes: { strides: [2], output_shape: [8], auto_pad: "SAME_UPPER" } },
  ),
  one(
    "ConvTranspose",
    [
      [1, 2, 4],
      [2, 2, 3],
    ],
    { attributes: { strides: [2], auto_pad: "SAME_LOWER" } },
  ),
];

const POOL: readonly GradientCase[] = [
  one("MaxPool", [[2, 2, 5, 5]], {
    attributes: { kernel_shape: [2, 3], strides: [2, 2], pads: [0, 1, 1, 1] },
    h: 1e-3,
    tolerance: 1e-2,
  }),
  one("MaxPool", [[1, 2, 6]], {
    attributes: { kernel_shape: [3], dilations: [2], ceil_mode: 1 },
    h: 1e-3,
    tolerance: 1e-2,
  }),
  one("MaxPool", [[1, 1, 6, 6]], {
    attributes: { kernel_shape: [2, 2], auto_pad: "SAME_UPPER", strides: [2, 2] },
    h: 1e-3,
    tolerance: 1e-2,
  }),
  one("AveragePool", [[2, 2, 5, 5]], {
    attributes: { kernel_shape: [2, 3], strides: [2, 2], pads: [0, 1, 1, 1] },
  }),
  one("AveragePool", [[2, 2, 5, 5]], {
    attributes: { kernel_shape: [2, 3], strides: [2, 2], pads: [0, 1, 1, 1], count_include_pad: 1 },
  }),
  one("AveragePool", [[1, 2, 6]], {
    opset: 19,
    attributes: { kernel_shape: [3], strides: [2], ceil_mode: 1, dilations: [1] },
  }),
  one("AveragePool", [[1, 2, 8]], {
    opset: 19,
    attributes: { kernel_shape: [3], strides: [3], ceil_mode: 1, pads: [1, 0], count_include_pad: 1 },
  }),
  one("GlobalAveragePool", [[2, 3, 4, 2]]),
  one("GlobalMaxPool", [[2, 3, 4]], { h: 1e-3, tolerance: 1e-2 }),
  one("LpPool", [positive(1, 2, 6)], { attributes: { kernel_shape: [2], strides: [2] } }),
  one("LpPool", [positive(1, 2, 6)], { attributes: { kernel_shape: [3], p: 3 } }),
  {
    name: "MaxUnpool",
    nodes: [["MaxUnpool", ["x", "i"], ["y"], { kernel_shape: [2], strides: [2] }]],
    inputs: { x: { dims: [1, 2, 2] }, i: { dims: [1, 2, 2], dtype: "int64", values: [1, 2, 4, 7] } },
    outputs: ["y"],
  },
  one("GlobalLpPool", [positive(1, 2, 6)]),
];

const DOUBLE = (...dims: number[]) => ({ dims, dtype: "float64" as const });
const FLOAT64: readonly GradientCase[] = [
  one("MatMul", [DOUBLE(2, 2, 3), DOUBLE(3, 4)], { label: "MatMul float64" }),
  one("Softmax", [DOUBLE(2, 3)], { label: "Softmax float64" }),
  one("LayerNormalization", [DOUBLE(2, 4), DOUBLE(4), DOUBLE(4)], { label: "LayerNormalization float64" }),
  one("ReduceMean", [DOUBLE(2, 4)], { label: "ReduceMean float64" }),
];

export const CASES: readonly GradientCase[] = [
  ...UNARY,
  ...BINARY,
  ...REDUCE,
  ...SOFTMAX,
  ...LAYOUT,
  ...INDEX,
  ...MATMUL,
  ...NORM,
  ...CONV,
  ...POOL,
  ...FLOAT64,
];
