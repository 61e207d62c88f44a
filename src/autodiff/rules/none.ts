import type { GradRule } from "../rule.ts";

/** Operators whose result is constant between jumps, or no number at all: gradients end here. */
const STEPS = [
  "BlackmanWindow",
  "HammingWindow",
  "HannWindow",
  "MelWeightMatrix",
  "OptionalHasElement",
  "SequenceLength",
  "And",
  "ArgMax",
  "ArgMin",
  "BitShift",
  "BitwiseAnd",
  "BitwiseNot",
  "BitwiseOr",
  "BitwiseXor",
  "Bernoulli",
  "Ceil",
  "Constant",
  "ConstantOfShape",
  "Equal",
  "EyeLike",
  "Floor",
  "Greater",
  "GreaterOrEqual",
  "Hardmax",
  "IsInf",
  "IsNaN",
  "Less",
  "LessOrEqual",
  "Multinomial",
  "NonZero",
  "Not",
  "Or",
  "RandomNormal",
  "RandomNormalLike",
  "RandomUniform",
  "RandomUniformLike",
  "Range",
  "Round",
  "Shape",
  "Sign",
  "Size",
  "Xor",
];

const SEQUENCE = "sequences and optional values have no shape before the run; export the model without them";
const INTEGERS = "it computes in integers; use the model before quantisation of its activations";
const MISSING = "there is no gradient for this operator yet";

const BODY = "how often its body runs only the run knows; export the model without control flow";

/** Operators that a path of gradients cannot cross, with what to do. */
const REFUSED: Readonly<Record<string, string>> = {
  If: BODY,
  Loop: BODY,
  Scan: BODY,
  Unique: "the shape of its result depends on the data",
  Compress: "the shape of its result depends on the data",
  ...reasons(
    SEQUENCE,
    "ConcatFromSequence",
    "Optional",
    "OptionalGetElement",
    "SequenceAt",
    "SequenceConstruct",
    "SequenceInsert",
    "SequenceMap",
    "SplitToSequence",
  ),
  ...reasons(INTEGERS, "ConvInteger", "MatMulInteger", "QLinearConv", "QLinearMatMul"),
  ...reasons(MISSING, "Col2Im", "DFT", "DeformConv", "MaxRoiPool", "RoiAlign", "STFT", "TensorScatter"),
  NonMaxSuppression: "the shape of its result depends on the data",
};

function reasons(why: string, ...ops: readonly string[]): Record<string, string> {
  return Object.fromEntries(ops.map((op) => [op, why]));
}

export const noneRules: readonly GradRule[] = [
  ...STEPS.map((op) => ({ state: "none" as const, domain: "", op, since: 1 })),
  ...Object.entries(REFUSED).map(([op, why]) => ({
    state: "refused" as const,
    domain: "",
    op,
    since: 1,
    why,
  })),
];
