import type { GradRule } from "../rule.ts";

/** Operators whose result is constant between jumps, or no number at all: gradients end here. */
const STEPS = [
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

const BODY = "how often its body runs only the run knows; export the model without control flow";

/** Operators that a path of gradients cannot cross, with what to do. */
const REFUSED: Readonly<Record<string, string>> = {
  If: BODY,
  Loop: BODY,
  Scan: BODY,
  Unique: "the shape of its result depends on the data",
  Compress: "the shape of its result depends on the data",
  NonMaxSuppression: "the shape of its result depends on the data",
};

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
