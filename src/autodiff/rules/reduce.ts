import type { GradRule, RuleContext } from "../rule.ts";
import { axisOf, range } from "../shapes.ts";

/** The reduced axes, counted from the front, from the input (or, before the axes became one, the attribute). */
function reducedAxes(ctx: RuleContext): readonly number[] {
  const rank = ctx.dims(0).length;
  const given = ctx.hasInput(1) ? ctx.numbersOf(1) : ctx.ints("axes", []);
  if (given.length === 0) return ctx.int("noop_with_empty_axes", 0) === 1 ? [] : range(rank);
  return given.map((axis) => axisOf(axis, rank));
}

interface Reduction {
  readonly axes: readonly number[];
  /** dY and Y with the reduced axes kept as 1, so that they broadcast to X. */
  readonly dY: string;
  readonly y: string;
  /** Number of elements that make one of Y. */
  readonly count: number;
}

/** A row from the formula for dX; the operator is the identity where no axis is reduced, but for `alone`. */
function reduction(op: string, since: number, dX: (ctx: RuleContext, r: Reduction) => string): GradRule {
  return {
    state: "gradient",
    domain: "",
    op,
    since,
    stops: [1],
    gradient: (ctx) => {
      const axes = reducedAxes(ctx);
      const kept = ctx.dims(0).map((d, i) => (axes.includes(i) ? 1 : d));
      const { g } = ctx;
      const count = axes.reduce((n, axis) => n * ctx.dims(0)[axis]!, 1);
      return [dX(ctx, { axes, count, dY: g.reshape(ctx.dY(0)!, kept), y: g.reshape(ctx.y(0), kept) })];
    },
  };
}

/** ReduceMax and ReduceMin: equal elements share. */
function extremum(ctx: RuleContext, { axes, dY, y }: Reduction): string {
  const { g } = ctx;
  const hits = g.equal(ctx.x(0), y);
  return g.keep(hits, g.div(dY, g.sum(g.cast(hits, ctx.dtype(0)), axes)));
}

/** ReduceProd: dX_i = dY * product of the others, also where one or more factors are zero. */
function product(ctx: RuleContext, { axes, dY }: Reduction): string {
  const { g } = ctx;
  if (axes.length === 0) return dY;
  const isZero = g.equal(ctx.x(0), ctx.num(0));
  const nonZero = g.where(isZero, ctx.num(1), ctx.x(0));
  const zeros = g.sum(g.cast(isZero, ctx.dtype(0)), axes);
  const others = g.mul(dY, g.reduce("ReduceProd", nonZero, axes));
  const atZero = g.keep(g.equal(zeros, ctx.num(1)), others);
  const elsewhere = g.keep(g.equal(zeros, ctx.num(0)), g.div(others, nonZero));
  return g.where(isZero, atZero, elsewhere);
}

/** ReduceL2: dX = dY * X / Y, 0 for a row of zeros. */
function euclidean(ctx: RuleContext, { dY, y }: Reduction): string {
  const { g } = ctx;
  const divisor = g.where(g.equal(y, ctx.num(0)), ctx.num(1), y);
  return g.mul(ctx.x(0), g.div(dY, divisor));
}

/** ReduceLogSumExp: dX = dY * exp(X - Y); 0 where all of a row is -inf. */
function logSumExp(ctx: RuleContext, { dY, y }: Reduction): string {
  const { g } = ctx;
  const isEmpty = g.op("IsInf", [y], { detect_positive: 0 });
  const finite = g.where(isEmpty, ctx.num(0), y);
  return g.mul(dY, g.unary("Exp", g.sub(ctx.x(0), finite)));
}

/**
 * Reductions over axes, which the prepared graph gives as an input.
 *
 * shapes  X, dX [...]   Y, dY [...] without the reduced axes or with 1 in their place
 * stops   axes
 */
export const reduceRules: readonly GradRule[] = [
  reduction("ReduceSum", 13, (_, { dY }) => dY),
  reduction("ReduceMean", 18, (ctx, { dY, count }) => ctx.g.scale(dY, 1 / count)),
  reduction("ReduceMax", 18, extremum),
  reduction("ReduceMin", 18, extremum),
  reduction("ReduceProd", 18, product),
  reduction("ReduceL1", 18, (ctx, { dY }) => ctx.g.mul(dY, ctx.g.unary("Sign", ctx.x(0)))),
  reduction("ReduceL2", 18, euclidean),
  reduction("ReduceSumSquare", 18, (ctx, { dY }) => ctx.g.mul(ctx.g.scale(dY, 2), ctx.x(0))),
  reduction("ReduceLogSum", 18, (ctx, { dY, axes }) => ctx.g.div(dY, ctx.g.sum(ctx.x(0), axes))),
  reduction("ReduceLogSumExp", 18, logSumExp),
];
