import { describe, expect, it } from "vitest";
import { REWRITES } from "../../../src/autodiff/rewrites/table.ts";
import { findRule, GRAD_RULES } from "../../../src/autodiff/table.ts";
import { CASES } from "../../support/autodiff-cases.ts";
import { COMPOSITE_CASES } from "../../support/composite-cases.ts";

const key = ({ domain, op }: { domain: string; op: string }) => `${domain}:${op}`;

/** Operators of the models that every release must train. */
const NEEDED = [
  "Add",
  "Cast",
  "CastLike",
  "Concat",
  "Conv",
  "Cos",
  "Div",
  "Erf",
  "Expand",
  "Flatten",
  "Gather",
  "GatherND",
  "Gelu",
  "Gemm",
  "GlobalAveragePool",
  "BatchNormalization",
  "Identity",
  "LayerNormalization",
  "MatMul",
  "Max",
  "MaxPool",
  "Mul",
  "Neg",
  "Pow",
  "RMSNormalization",
  "Reciprocal",
  "ReduceMean",
  "ReduceSum",
  "Relu",
  "Reshape",
  "RotaryEmbedding",
  "Sigmoid",
  "SimplifiedLayerNormalization",
  "Sin",
  "Slice",
  "Softmax",
  "Split",
  "Sqrt",
  "Squeeze",
  "Sub",
  "Tanh",
  "Tile",
  "Transpose",
  "Unsqueeze",
  "Where",
];

describe("gradient table", () => {
  it("has one row for an operator and version, in one state", () => {
    const keys = GRAD_RULES.map((rule) => `${key(rule)}:${rule.since}`);
    expect(keys.filter((k, i) => keys.indexOf(k) !== i)).toEqual([]);
  });

  it("has the operators of the models that must train", () => {
    const opsets = new Map([["", 23]]);
    expect(NEEDED.filter((op) => findRule({ domain: "", op }, opsets)?.state !== "gradient")).toEqual([]);
  });

  it("tests every row with a gradient numerically", () => {
    const covered = new Set(
      [...CASES, ...COMPOSITE_CASES].flatMap(({ nodes }) =>
        nodes.map(([name]) => (name.includes(":") ? name : `:${name}`)),
      ),
    );
    const rows = GRAD_RULES.filter((rule) => rule.state === "gradient");
    expect(rows.map(key).filter((k) => !covered.has(k))).toEqual([]);
    const taken = REWRITES.filter((rewrite) => rewrite.before === undefined);
    const rewrites = taken.map(key).filter((k) => !covered.has(k));
    expect(rewrites).toEqual([]);
  });
});
