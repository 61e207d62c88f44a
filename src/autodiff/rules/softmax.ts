import type { GradRule, RuleContext } from "../rule.ts";
import { axisOf } from "../shapes.ts";

function softmaxAxis(ctx: RuleContext): number {
  return axisOf(ctx.int("axis", -1), ctx.dims(0).length);
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
      const guarded = ctx.isReadBy(ctx.y(0), ["IsNaN", "Where"]);
      const y = guarded ? g.where(g.unary("IsNaN", ctx.y(0)), ctx.num(0), ctx.y(0)) : ctx.y(0);
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
