import { numbersIn } from "../literals.ts";
import type { GradRule, RuleContext } from "../rule.ts";
import { axisOf } from "../shapes.ts";

function softmaxAxis(ctx: RuleContext): number {
  return axisOf(ctx.int("axis", -1), ctx.dims(0).length);
}

/** Operators that only pass elements on. */
const CARRIERS = new Set(["Cast", "Dropout", "Identity", "Reshape", "Transpose"]);

function isGuarded(ctx: RuleContext, name: string): boolean {
  return ctx
    .readers(name)
    .some(
      (node) =>
        node.op === "IsNaN" ||
        node.op === "Where" ||
        (CARRIERS.has(node.op) && node.outputs.some((output) => isGuarded(ctx, output))),
    );
}

/** Y with 0 for NaN where the graph replaces NaN behind it; the graph's own replacement where there is one. */
function withoutNaN(ctx: RuleContext): string {
  const { g } = ctx;
  const y = ctx.y(0);
  if (!isGuarded(ctx, y)) return y;
  const tests = ctx
    .readers(y)
    .filter((node) => node.op === "IsNaN")
    .flatMap((node) => node.outputs);
  const own = ctx
    .readers(y)
    .find(
      ({ op, inputs }) =>
        op === "Where" && tests.includes(inputs[0]!) && inputs[2] === y && isZero(ctx, inputs[1]!),
    );
  return own?.outputs[0] ?? g.where(g.unary("IsNaN", y), ctx.num(0), y);
}

function isZero(ctx: RuleContext, name: string): boolean {
  const tensor = ctx.constant(name);
  return tensor !== undefined && numbersIn(tensor)?.every((v) => v === 0) === true;
}

/**
 * Gradients of `Softmax` and `LogSoftmax` (since opset 13) over one axis.
 *
 *   Softmax     dX = Y * (dY - sum(dY * Y))        LogSoftmax  dX = dY - exp(Y) * sum(dY)
 *
 * A row of -inf makes a row of NaN. Exporters replace it behind an IsNaN or Where, so that nothing arrives from there, but
 * 0 * NaN would be NaN: where such a reader follows, NaN in Y counts as 0.
 *
 * shapes  X, Y, dY, dX [...]
 */
export const softmaxRules: readonly GradRule[] = [
  {
    state: "gradient",
    domain: "",
    op: "Softmax",
    since: 13,
    gradient: (ctx) => {
      const { g } = ctx;
      const y = withoutNaN(ctx);
      const weighted = g.mul(ctx.dY(0)!, y);
      // (dY * Y) - Y * sum keeps one product less than Y * (dY - sum).
      return [g.sub(weighted, g.mul(y, g.sum(weighted, [softmaxAxis(ctx)])))];
    },
  },
  {
    state: "gradient",
    domain: "",
    op: "LogSoftmax",
    since: 13,
    gradient: (ctx) => {
      const { g } = ctx;
      const dY = ctx.dY(0)!;
      return [g.sub(dY, g.mul(g.unary("Exp", ctx.y(0)), g.sum(dY, [softmaxAxis(ctx)])))];
    },
  },
];
