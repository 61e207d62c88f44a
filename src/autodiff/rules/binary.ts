import type { GradRule, InputGradients, RuleContext } from "../rule.ts";

type Thunk = (dY: string) => string;

/** A row from one formula per input; a formula is evaluated only where its gradient is needed. */
function rule(
  op: string,
  since: number,
  formulas: (ctx: RuleContext) => readonly Thunk[],
  stops: readonly number[] = [],
): GradRule {
  return {
    state: "gradient",
    domain: "",
    op,
    since,
    elementwise: true,
    stops,
    gradient: (ctx) => formulas(ctx).map((dX, i) => (ctx.needs(i) ? dX(ctx.dY(0)!) : undefined)),
  };
}

/** A row for an operator of any number of inputs, all alike. */
function variadic(
  op: string,
  since: number,
  dX: (ctx: RuleContext, i: number, dY: string) => string,
): GradRule {
  const gradient = (ctx: RuleContext): InputGradients =>
    ctx.node.inputs.map((_, i) => (ctx.needs(i) ? dX(ctx, i, ctx.dY(0)!) : undefined));
  return { state: "gradient", domain: "", op, since, elementwise: true, gradient };
}

/** Max and Min: the inputs that reach the result share its gradient equally. */
function extremum(ctx: RuleContext, i: number, dY: string): string {
  const { g } = ctx;
  const dtype = ctx.dtype(0);
  const hits = ctx.node.inputs.map((name) => g.equal(name, ctx.y(0)));
  if (hits.length === 1) return dY;
  const count = hits.map((hit) => g.cast(hit, dtype)).reduce((a, b) => g.add(a, b));
  return g.keep(hits[i]!, g.div(dY, count));
}

/** dX = dY * E * X^(E-1), 0 where E = 0, and without a power where E is one of the usual constants. */
function powBase(ctx: RuleContext, dY: string): string {
  const { g } = ctx;
  const exponent = ctx.constant(ctx.x(1)) === undefined ? undefined : ctx.numbersOf(1);
  const e = exponent !== undefined && exponent.length === 1 ? exponent[0]! : undefined;
  if (e === 0) return ctx.num(0);
  if (e === 1) return dY;
  if (e === 2) return g.mul(g.scale(dY, 2), ctx.x(0));
  if (e === 3) return g.mul(g.scale(dY, 3), g.mul(ctx.x(0), ctx.x(0)));
  if (e === 0.5) return g.div(g.scale(dY, 0.5), ctx.y(0));
  if (e !== undefined) return g.mul(dY, g.scale(g.op("Pow", [ctx.x(0), ctx.num(e - 1)]), e));
  const power = g.cast(ctx.x(1), ctx.dtype(0));
  const slope = g.mul(power, g.op("Pow", [ctx.x(0), g.shift(power, -1)]));
  return g.keep(g.unary("Not", g.equal(power, ctx.num(0))), g.mul(dY, slope));
}

/** dE = dY * Y * ln X, 0 where X = 0 and E >= 0. */
function powExponent(ctx: RuleContext, dY: string): string {
  const { g } = ctx;
  const zero = ctx.num(0);
  const power = g.cast(ctx.x(1), ctx.dtype(0));
  const flat = g.op("And", [g.equal(ctx.x(0), zero), g.unary("Not", g.greater(zero, power))]);
  return g.cast(
    g.where(flat, zero, g.mul(dY, g.mul(ctx.y(0), g.unary("Log", ctx.x(0))))),
    g.value(ctx.x(1)).dtype,
  );
}

/** trunc(A / B), which Mod with fmod = 1 subtracts B times. */
function truncatedQuotient(ctx: RuleContext): string {
  const { g } = ctx;
  const quotient = g.div(ctx.x(0), ctx.x(1));
  return g.mul(g.unary("Sign", quotient), g.unary("Floor", g.unary("Abs", quotient)));
}

/** Clip with optional bounds as inputs: passes at its bounds; below min the gradient is min's, above max (or max < min) max's. */
function clip(ctx: RuleContext): InputGradients {
  const { g } = ctx;
  const dY = ctx.dY(0)!;
  const [low, high] = [ctx.hasInput(1) ? ctx.x(1) : undefined, ctx.hasInput(2) ? ctx.x(2) : undefined];
  const below = low === undefined ? undefined : g.greater(low, ctx.x(0));
  const above = high === undefined ? undefined : g.greater(ctx.x(0), high);
  const crossed = low === undefined || high === undefined ? undefined : g.greater(low, high);
  const or = (...conditions: (string | undefined)[]) =>
    conditions.filter((c) => c !== undefined).reduce((a, b) => g.op("Or", [a, b]));
  const outside = below ?? above;
  return [
    !ctx.needs(0) ? undefined : outside === undefined ? dY : g.where(or(below, above), ctx.num(0), dY),
    !ctx.needs(1)
      ? undefined
      : g.keep(crossed === undefined ? below! : g.op("And", [below!, g.unary("Not", crossed)]), dY),
    !ctx.needs(2) ? undefined : g.keep(or(above, crossed), dY),
  ];
}

/**
 * Elementwise operators of several inputs. Each gradient has the shape of Y; the walk sums it to the input's.
 *
 * shapes  A, B broadcast to Y, dY [...]
 */
export const binaryRules: readonly GradRule[] = [
  rule("Add", 7, () => [(dY) => dY, (dY) => dY]),
  rule("Sub", 7, ({ g }) => [(dY) => dY, (dY) => g.unary("Neg", dY)]),
  rule("Mul", 7, (ctx) => [(dY) => ctx.g.mul(dY, ctx.x(1)), (dY) => ctx.g.mul(dY, ctx.x(0))]),
  rule("Div", 7, (ctx) => [
    (dY) => ctx.g.div(dY, ctx.x(1)),
    (dY) => ctx.g.unary("Neg", ctx.g.div(ctx.g.mul(dY, ctx.y(0)), ctx.x(1))),
  ]),
  rule("Pow", 7, (ctx) => [(dY) => powBase(ctx, dY), (dY) => powExponent(ctx, dY)]),
  rule("Mod", 10, (ctx) => [(dY) => dY, (dY) => ctx.g.unary("Neg", ctx.g.mul(dY, truncatedQuotient(ctx)))]),
  rule(
    "Where",
    9,
    (ctx) => [
      (dY) => dY,
      (dY) => ctx.g.keep(ctx.x(0), dY),
      (dY) => ctx.g.where(ctx.x(0), ctx.g.scalar(0, ctx.dtype(1)), dY),
    ],
    [0],
  ),
  { state: "gradient", domain: "", op: "Clip", since: 11, gradient: clip },
  variadic("Max", 8, extremum),
  variadic("Min", 8, extremum),
  variadic("Sum", 8, (_, __, dY) => dY),
  variadic("Mean", 8, (ctx, _, dY) => ctx.g.scale(dY, 1 / ctx.node.inputs.length)),
];
