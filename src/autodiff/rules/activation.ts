import type { GradRule, GraphBuilder, RuleContext } from "../rule.ts";
import { unaryRule } from "./unary.ts";

const SELU_ALPHA = 1.6732632423543772;
const SELU_GAMMA = 1.0507009873554805;
const GELU_TANH_SCALE = Math.sqrt(2 / Math.PI);
const GELU_TANH_CUBIC = 0.044715;

/** dY where the condition holds, else dY * slope. */
function kinked(ctx: RuleContext, dY: string, condition: string, slope: string): string {
  return ctx.g.where(condition, dY, ctx.g.mul(dY, slope));
}

/** exp(min(x / scale, 0)): the exponential branch without overflow on the other one. */
function expOfNegative(ctx: RuleContext, divisor = 1): string {
  const { g } = ctx;
  return g.unary("Exp", g.op("Min", [g.scale(ctx.x(0), 1 / divisor), ctx.num(0)]));
}

/** dY * (Phi(x) + x phi(x)), Phi and phi the normal distribution's function and density. */
function geluErf(g: GraphBuilder, x: string, dY: string): string {
  const phi = g.scale(g.unary("Exp", g.scale(g.mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  const cdf = g.shift(g.scale(g.unary("Erf", g.scale(x, Math.SQRT1_2)), 0.5), 0.5);
  return g.mul(dY, g.add(cdf, g.mul(x, phi)));
}

/** dY * d/dx of 0.5 x (1 + tanh(u)), u = sqrt(2 / pi) (x + 0.044715 x^3). */
function geluTanh(g: GraphBuilder, x: string, dY: string): string {
  const square = g.mul(x, x);
  const u = g.mul(x, g.shift(g.scale(square, GELU_TANH_SCALE * GELU_TANH_CUBIC), GELU_TANH_SCALE));
  const t = g.unary("Tanh", u);
  const du = g.shift(g.scale(square, 3 * GELU_TANH_SCALE * GELU_TANH_CUBIC), GELU_TANH_SCALE);
  const bend = g.mul(g.mul(x, du), g.oneMinus(g.mul(t, t)));
  return g.mul(dY, g.scale(g.add(g.shift(t, 1), bend), 0.5));
}

/** dY * d/dx of x sigmoid(alpha x) = s (1 + alpha x (1 - s)). */
function swish(g: GraphBuilder, x: string, dY: string, alpha: number): string {
  const s = g.unary("Sigmoid", g.scale(x, alpha));
  const rest = g.oneMinus(s);
  return g.mul(dY, g.mul(s, g.shift(g.mul(g.scale(x, alpha), rest), 1)));
}

/** dY * Y (1 - Y). */
function sigmoidFromOutput(g: GraphBuilder, y: string, dY: string): string {
  return g.mul(dY, g.mul(y, g.oneMinus(y)));
}

/** dY * (1 - Y^2). */
function tanhFromOutput(g: GraphBuilder, y: string, dY: string): string {
  return g.mul(dY, g.oneMinus(g.mul(y, y)));
}

/** A row for `Gelu(X [+ bias])` with the bias as second input. */
function biasedGelu(op: string, formula: typeof geluErf): GradRule {
  return {
    state: "gradient",
    domain: "com.microsoft",
    op,
    since: 1,
    gradient: (ctx) => {
      const sum = ctx.hasInput(1) ? ctx.g.add(ctx.x(0), ctx.x(1)) : ctx.x(0);
      const dX = formula(ctx.g, sum, ctx.dY(0)!);
      return ctx.hasInput(1) ? [dX, dX] : [dX];
    },
  };
}

/**
 * Activation functions. At kinks: Relu and HardSigmoid 0, LeakyRelu and PRelu the slope, Elu and Selu the left limit.
 *
 * shapes  X, Y, dY, dX [...]
 */
export const activationRules: readonly GradRule[] = [
  unaryRule("Relu", 6, (ctx, dY) => ctx.g.keep(ctx.g.greater(ctx.y(0), ctx.num(0)), dY)),
  unaryRule("LeakyRelu", 6, (ctx, dY) =>
    kinked(ctx, dY, ctx.g.greater(ctx.x(0), ctx.num(0)), ctx.num(ctx.float("alpha", 0.01))),
  ),
  unaryRule("ThresholdedRelu", 10, (ctx, dY) =>
    ctx.g.keep(ctx.g.greater(ctx.x(0), ctx.num(ctx.float("alpha", 1))), dY),
  ),
  {
    state: "gradient",
    domain: "",
    op: "PRelu",
    since: 7,
    gradient: (ctx) => {
      const { g } = ctx;
      const dY = ctx.dY(0)!;
      const positive = g.greater(ctx.x(0), ctx.num(0));
      return [
        ctx.needs(0) ? kinked(ctx, dY, positive, ctx.x(1)) : undefined,
        ctx.needs(1) ? g.where(positive, ctx.num(0), g.mul(dY, ctx.x(0))) : undefined,
      ];
    },
  },
  unaryRule("Elu", 6, (ctx, dY) =>
    kinked(
      ctx,
      dY,
      ctx.g.greater(ctx.x(0), ctx.num(0)),
      ctx.g.scale(expOfNegative(ctx), ctx.float("alpha", 1)),
    ),
  ),
  unaryRule("Celu", 12, (ctx, dY) =>
    kinked(ctx, dY, ctx.g.greater(ctx.x(0), ctx.num(0)), expOfNegative(ctx, ctx.float("alpha", 1))),
  ),
  unaryRule("Selu", 6, (ctx, dY) => {
    const gamma = ctx.float("gamma", SELU_GAMMA);
    const slope = ctx.g.scale(expOfNegative(ctx), ctx.float("alpha", SELU_ALPHA));
    return ctx.g.scale(kinked(ctx, dY, ctx.g.greater(ctx.x(0), ctx.num(0)), slope), gamma);
  }),
  unaryRule("HardSigmoid", 6, (ctx, dY) => {
    const { g } = ctx;
    const inside = g.op("And", [g.greater(ctx.y(0), ctx.num(0)), g.greater(ctx.num(1), ctx.y(0))]);
    return g.keep(inside, g.scale(dY, ctx.float("alpha", 0.2)));
  }),
  unaryRule("HardSwish", 14, (ctx, dY) => {
    const { g } = ctx;
    const middle = g.mul(dY, g.shift(g.scale(ctx.x(0), 1 / 3), 0.5));
    return g.keep(g.greater(ctx.x(0), ctx.num(-3)), g.where(g.greater(ctx.num(3), ctx.x(0)), middle, dY));
  }),
  unaryRule("Shrink", 9, (ctx, dY) =>
    ctx.g.keep(ctx.g.greater(ctx.g.unary("Abs", ctx.x(0)), ctx.num(ctx.float("lambd", 0.5))), dY),
  ),
  unaryRule("Sigmoid", 6, (ctx, dY) => sigmoidFromOutput(ctx.g, ctx.y(0), dY)),
  unaryRule("Tanh", 6, (ctx, dY) => tanhFromOutput(ctx.g, ctx.y(0), dY)),
  unaryRule("Softplus", 1, (ctx, dY) => ctx.g.mul(dY, ctx.g.unary("Sigmoid", ctx.x(0)))),
  unaryRule("Softsign", 1, (ctx, dY) => {
    const base = ctx.g.shift(ctx.g.unary("Abs", ctx.x(0)), 1);
    return ctx.g.div(dY, ctx.g.mul(base, base));
  }),
  unaryRule("Mish", 18, (ctx, dY) => {
    const { g } = ctx;
    const t = g.unary("Tanh", g.unary("Softplus", ctx.x(0)));
    const bend = g.mul(g.mul(ctx.x(0), g.unary("Sigmoid", ctx.x(0))), g.oneMinus(g.mul(t, t)));
    return g.mul(dY, g.add(t, bend));
  }),
  unaryRule("Gelu", 20, (ctx, dY) =>
    (ctx.string("approximate", "none") === "tanh" ? geluTanh : geluErf)(ctx.g, ctx.x(0), dY),
  ),
  unaryRule("Swish", 24, (ctx, dY) => swish(ctx.g, ctx.x(0), dY, ctx.float("alpha", 1))),
  unaryRule("Gelu", 1, (ctx, dY) => geluErf(ctx.g, ctx.x(0), dY), "com.microsoft"),
  unaryRule(
    "QuickGelu",
    1,
    (ctx, dY) => swish(ctx.g, ctx.x(0), dY, ctx.float("alpha", 1.702)),
    "com.microsoft",
  ),
  biasedGelu("FastGelu", geluTanh),
  biasedGelu("BiasGelu", geluErf),
];
