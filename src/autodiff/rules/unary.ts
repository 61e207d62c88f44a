import type { GradRule, RuleContext } from "../rule.ts";

/** dX of an elementwise function from its context and dY. */
type UnaryGradient = (ctx: RuleContext, dY: string) => string;

/** A row for an elementwise operator of one input. */
export function unaryRule(op: string, since: number, dX: UnaryGradient, domain = ""): GradRule {
  return {
    state: "gradient",
    domain,
    op,
    since,
    elementwise: true,
    gradient: (ctx) => [dX(ctx, ctx.dY(0)!)],
  };
}

/** dY / sqrt(s x^2 + c), the derivative shared by the inverse functions. */
function overRoot(sign: number, c: number): UnaryGradient {
  return (ctx, dY) => {
    const { g } = ctx;
    const square = g.scale(g.mul(ctx.x(0), ctx.x(0)), sign);
    return g.div(dY, g.unary("Sqrt", g.shift(square, c)));
  };
}

/** dY / (c + s x^2). */
function overSquare(sign: number, c: number): UnaryGradient {
  return (ctx, dY) => {
    const { g } = ctx;
    return g.div(dY, g.shift(g.scale(g.mul(ctx.x(0), ctx.x(0)), sign), c));
  };
}

/**
 * Elementwise functions of one input: dX = dY f'(X), written with Y where that is cheaper.
 *
 * shapes  X, Y, dY, dX [...]
 */
export const unaryRules: readonly GradRule[] = [
  unaryRule("Identity", 1, (_, dY) => dY),
  unaryRule("Neg", 6, ({ g }, dY) => g.unary("Neg", dY)),
  unaryRule("Abs", 6, (ctx, dY) => ctx.g.mul(dY, ctx.g.unary("Sign", ctx.x(0)))),
  unaryRule("Reciprocal", 6, (ctx, dY) => ctx.g.unary("Neg", ctx.g.mul(dY, ctx.g.mul(ctx.y(0), ctx.y(0))))),
  unaryRule("Exp", 6, (ctx, dY) => ctx.g.mul(dY, ctx.y(0))),
  unaryRule("Log", 6, (ctx, dY) => ctx.g.div(dY, ctx.x(0))),
  unaryRule("Sqrt", 6, (ctx, dY) => ctx.g.div(ctx.g.scale(dY, 0.5), ctx.y(0))),
  unaryRule("Sin", 7, (ctx, dY) => ctx.g.mul(dY, ctx.g.unary("Cos", ctx.x(0)))),
  unaryRule("Cos", 7, (ctx, dY) => ctx.g.unary("Neg", ctx.g.mul(dY, ctx.g.unary("Sin", ctx.x(0))))),
  unaryRule("Tan", 7, (ctx, dY) => ctx.g.mul(dY, ctx.g.shift(ctx.g.mul(ctx.y(0), ctx.y(0)), 1))),
  unaryRule("Sinh", 9, (ctx, dY) => ctx.g.mul(dY, ctx.g.unary("Cosh", ctx.x(0)))),
  unaryRule("Cosh", 9, (ctx, dY) => ctx.g.mul(dY, ctx.g.unary("Sinh", ctx.x(0)))),
  unaryRule("Asin", 7, overRoot(-1, 1)),
  unaryRule("Acos", 7, (ctx, dY) => ctx.g.unary("Neg", overRoot(-1, 1)(ctx, dY))),
  unaryRule("Atan", 7, overSquare(1, 1)),
  unaryRule("Asinh", 9, overRoot(1, 1)),
  unaryRule("Acosh", 9, overRoot(1, -1)),
  unaryRule("Atanh", 9, overSquare(-1, 1)),
  unaryRule("Erf", 9, (ctx, dY) => {
    const { g } = ctx;
    const bell = g.unary("Exp", g.unary("Neg", g.mul(ctx.x(0), ctx.x(0))));
    return g.mul(dY, g.scale(bell, 2 / Math.sqrt(Math.PI)));
  }),
  unaryRule("Cast", 6, (ctx, dY) => ctx.g.cast(dY, ctx.dtype(0))),
  {
    state: "gradient",
    domain: "",
    op: "CastLike",
    since: 15,
    stops: [1],
    gradient: (ctx) => [ctx.g.cast(ctx.dY(0)!, ctx.dtype(0))],
  },
];
