import type { DType } from "../onnx/model.ts";
import type { StaticValue } from "./rule.ts";
import { broadcastDims } from "./shapes.ts";

const COMPARISONS = new Set([
  "Equal",
  "Greater",
  "GreaterOrEqual",
  "Less",
  "LessOrEqual",
  "And",
  "Or",
  "Xor",
]);
const ARITHMETIC = new Set(["Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Sum", "Mean", "Mod", "PRelu"]);
const TESTS = new Set(["IsNaN", "IsInf", "Not"]);
const LIKE_FIRST = new Set([
  "Abs",
  "Acos",
  "Acosh",
  "Asin",
  "Asinh",
  "Atan",
  "Atanh",
  "Ceil",
  "Clip",
  "Cos",
  "Cosh",
  "CumSum",
  "Elu",
  "Erf",
  "Exp",
  "FastGelu",
  "Floor",
  "Gelu",
  "Identity",
  "LeakyRelu",
  "Log",
  "LogSoftmax",
  "Neg",
  "QuickGelu",
  "Reciprocal",
  "Relu",
  "ReverseSequence",
  "Round",
  "ScatterElements",
  "ScatterND",
  "Sigmoid",
  "Sign",
  "Sin",
  "Sinh",
  "Softmax",
  "Softplus",
  "Softsign",
  "Sqrt",
  "Tan",
  "Tanh",
  "Trilu",
]);

/** Type and shape of the result of a primitive operator; undefined for those whose shape the caller must state. */
export function infer(op: string, inputs: readonly StaticValue[], to?: DType): StaticValue | undefined {
  const first = inputs[0];
  if (first === undefined) return undefined;
  if (op === "Cast") return to === undefined ? undefined : { dtype: to, dims: first.dims };
  if (op === "Where") {
    return { dtype: inputs[1]!.dtype, dims: broadcastDims(...inputs.map((v) => v.dims)) };
  }
  if (ARITHMETIC.has(op)) return { dtype: first.dtype, dims: broadcastDims(...inputs.map((v) => v.dims)) };
  if (COMPARISONS.has(op)) return { dtype: "bool", dims: broadcastDims(...inputs.map((v) => v.dims)) };
  if (TESTS.has(op)) return { dtype: "bool", dims: first.dims };
  if (LIKE_FIRST.has(op)) return { dtype: first.dtype, dims: first.dims };
  return undefined;
}
