import type { GradRule, GraphBuilder, InputGradients, RuleContext, StaticValue } from "../rule.ts";
import { axisOf, range, sizeOf } from "../shapes.ts";

/** xhat and 1/std (or 1/rms) of a normalisation over the last axes, recomputed. */
interface Normalised {
  readonly xhat: string;
  readonly rstd: string;
  readonly axes: readonly number[];
}

/** xhat = (x - mean) * rstd, or x * rstd where nothing is centred. */
function normalise(
  g: GraphBuilder,
  x: string,
  axes: readonly number[],
  epsilon: number,
  centred: boolean,
): Normalised {
  const value = g.value(x);
  const fused = normaliseFused(g, x, axes, epsilon, centred, value);
  if (fused !== undefined) return fused;
  const d = centred ? g.sub(x, g.mean(x, axes)) : x;
  const rstd = g.unary("Reciprocal", g.unary("Sqrt", g.shift(g.mean(g.mul(d, d), axes), epsilon)));
  return { xhat: g.mul(d, rstd), rstd, axes };
}

/** One LayerNormalization with a scale of 1 gives xhat and 1/std in one pass; its statistics are float32. */
function normaliseFused(
  g: GraphBuilder,
  x: string,
  axes: readonly number[],
  epsilon: number,
  centred: boolean,
  { dtype, dims }: StaticValue,
): Normalised | undefined {
  const axis = dims.length - axes.length;
  if (dtype !== "float32" || !axes.every((a, i) => a === axis + i)) return undefined;
  const statistic = { dtype, dims: dims.map((d, i) => (i < axis ? d : 1)) };
  const ones = g.full(dims.slice(axis), 1, dtype);
  const attributes = { axis, epsilon: { float: epsilon }, stash_type: 1 };
  if (centred) {
    const [xhat, , rstd] = g.ops("LayerNormalization", [x, ones], attributes, {
      out: [{ dtype, dims }, statistic, statistic],
    });
    return { xhat: xhat!, rstd: rstd!, axes };
  }
  // Without the second output, which not every version computes for more than one axis.
  if (axes.length > 1) return undefined;
  const [xhat, rstd] = g.ops("SimplifiedLayerNormalization", [x, ones], attributes, {
    out: [{ dtype, dims }, statistic],
  });
  return { xhat: xhat!, rstd: rstd!, axes };
}

/** dX = rstd * (d - [mean(d)] - xhat * mean(d * xhat)) for d = gradient at xhat. */
function dNormalised(g: GraphBuilder, d: string, { xhat, rstd, axes }: Normalised, centred: boolean): string {
  const along = g.mul(xhat, g.mean(g.mul(d, xhat), axes));
  const across = centred ? g.sub(d, g.mean(d, axes)) : d;
  return g.mul(rstd, g.sub(across, along));
}

interface NormParts {
  /** What is normalised. */
  readonly x: string;
  readonly axes: readonly number[];
  readonly epsilon: number;
  readonly centred: boolean;
  readonly scale: string | undefined;
  readonly dY: string;
}

/** dX, dScale and dBias of Y = xhat * scale + bias; scale and bias broadcast to X. */
function affineNorm(g: GraphBuilder, parts: NormParts, needs: { x: boolean; scale: boolean; bias: boolean }) {
  const { x, scale, dY, centred } = parts;
  const n = needs.x || needs.scale ? normalise(g, x, parts.axes, parts.epsilon, centred) : undefined;
  return {
    dX: needs.x ? dNormalised(g, scale === undefined ? dY : g.mul(dY, scale), n!, centred) : undefined,
    dScale: needs.scale ? g.mul(dY, n!.xhat) : undefined,
    dBias: needs.bias ? dY : undefined,
  };
}

function add(g: GraphBuilder, a: string | undefined, b: string | undefined): string | undefined {
  return a === undefined ? b : b === undefined ? a : g.add(a, b);
}

/** Gradient that reaches X through the Mean and InvStdDev outputs. */
function throughStatistics(
  ctx: RuleContext,
  axes: readonly number[],
  epsilon: number,
  centred: boolean,
  mean: number,
  rstd: number,
): string | undefined {
  const { g } = ctx;
  const count = sizeOf(axes.map((axis) => ctx.dims(0)[axis]!));
  // Statistics may be narrower than X.
  const atX = (d: string | undefined) => (d === undefined ? undefined : g.cast(d, ctx.dtype(0)));
  const dMean = atX(mean < 0 ? undefined : ctx.dY(mean));
  const dRstd = atX(rstd < 0 ? undefined : ctx.dY(rstd));
  const viaMean = dMean === undefined ? undefined : g.expand(g.scale(dMean, 1 / count), ctx.dims(0));
  if (dRstd === undefined) return viaMean;
  // rstd = (var + eps)^(-1/2): d/dx = -rstd^2 * xhat / count
  const n = normalise(g, ctx.x(0), axes, epsilon, centred);
  const factor = g.scale(g.mul(dRstd, g.mul(n.rstd, n.rstd)), -1 / count);
  return add(g, viaMean, g.mul(n.xhat, factor));
}

/** Rows for normalisations over the axes from `axis` on: LayerNormalization and the kinds without centring. */
function overTail(
  op: string,
  since: number,
  centred: boolean,
  outputs: { mean: number; rstd: number },
): GradRule {
  const gradient = (ctx: RuleContext): InputGradients => {
    const { g } = ctx;
    const rank = ctx.dims(0).length;
    const axes = range(rank).slice(axisOf(ctx.int("axis", -1), rank));
    const epsilon = ctx.float("epsilon", 1e-5);
    const dY = ctx.dY(0);
    const parts = { x: ctx.x(0), axes, epsilon, centred, scale: ctx.hasInput(1) ? ctx.x(1) : undefined };
    const needs = { x: ctx.needs(0), scale: ctx.needs(1), bias: ctx.needs(2) };
    const own = dY === undefined ? undefined : affineNorm(g, { ...parts, dY }, needs);
    const side = ctx.needs(0)
      ? throughStatistics(ctx, axes, epsilon, centred, outputs.mean, outputs.rstd)
      : undefined;
    return [add(g, own?.dX, side), own?.dScale, own?.dBias];
  };
  return { state: "gradient", domain: "", op, since, gradient };
}

/** com.microsoft SkipLayerNormalization and SkipSimplifiedLayerNormalization: normalises input + skip + bias. */
function skipNorm(op: string, centred: boolean): GradRule {
  const SUM = 3;
  const gradient = (ctx: RuleContext): InputGradients => {
    const { g } = ctx;
    const bias = centred ? 4 : 3;
    const dY = ctx.dY(0);
    const summed = () => {
      if (ctx.hasOutput(SUM)) return ctx.y(SUM);
      const sum = g.add(ctx.x(0), ctx.x(1));
      return ctx.hasInput(bias) ? g.add(sum, ctx.x(bias)) : sum;
    };
    const needsSum = ctx.needs(0) || ctx.needs(1) || ctx.needs(bias);
    const needs = { x: needsSum, scale: ctx.needs(2), bias: centred && ctx.needs(3) };
    const axes = [ctx.dims(0).length - 1];
    const epsilon = ctx.float("epsilon", centred ? 1e-12 : 1e-5);
    const own =
      dY === undefined
        ? undefined
        : affineNorm(g, { x: summed(), axes, epsilon, centred, scale: ctx.x(2), dY }, needs);
    const dSum = add(g, own?.dX, ctx.dY(SUM));
    const head = [dSum, dSum, own?.dScale];
    return centred ? [...head, own?.dBias, dSum] : [...head, dSum];
  };
  return { state: "gradient", domain: "com.microsoft", op, since: 1, gradient };
}

/** Shape that lets a vector over channels [C] meet X [N, C, ...]. */
function perChannel(ctx: RuleContext, x: string): string {
  const dims = ctx.dims(0);
  return ctx.g.reshape(x, [dims[1]!, ...dims.slice(2).map(() => 1)]);
}

/** BatchNormalization with running statistics: an affine map per channel. */
function batchNormalization(ctx: RuleContext): InputGradients {
  const { g } = ctx;
  if (ctx.int("training_mode", 0) === 1)
    return ctx.refuse("batch statistics change while it runs; export the model in evaluation mode");
  const dY = ctx.dY(0)!;
  const c = ctx.dims(0)[1]!;
  const others = range(ctx.dims(0).length).filter((i) => i !== 1);
  const rstd = g.unary("Reciprocal", g.unary("Sqrt", g.shift(ctx.x(4), ctx.float("epsilon", 1e-5))));
  const factor = g.mul(ctx.x(1), rstd);
  const sumDy = () => g.sum(dY, others, false);
  const sumCentred = () => g.sum(g.mul(dY, g.sub(ctx.x(0), perChannel(ctx, ctx.x(3)))), others, false);
  const wanted = (i: number, make: () => string) => (ctx.needs(i) ? g.reshape(make(), [c]) : undefined);
  return [
    ctx.needs(0) ? g.mul(dY, perChannel(ctx, factor)) : undefined,
    wanted(1, () => g.mul(sumCentred(), rstd)),
    wanted(2, sumDy),
    wanted(3, () => g.unary("Neg", g.mul(sumDy(), factor))),
    wanted(4, () => g.scale(g.mul(sumCentred(), g.mul(factor, g.mul(rstd, rstd))), -0.5)),
  ];
}

function instanceNormalization(ctx: RuleContext): InputGradients {
  const { g } = ctx;
  const axes = range(ctx.dims(0).length).slice(2);
  const parts = {
    x: ctx.x(0),
    axes,
    epsilon: ctx.float("epsilon", 1e-5),
    centred: true,
    scale: perChannel(ctx, ctx.x(1)),
    dY: ctx.dY(0)!,
  };
  const { dX, dScale, dBias } = affineNorm(g, parts, {
    x: ctx.needs(0),
    scale: ctx.needs(1),
    bias: ctx.needs(2),
  });
  const others = [0, ...axes];
  const vector = (x: string | undefined) => (x === undefined ? undefined : g.sum(x, others, false));
  return [dX, vector(dScale), vector(dBias)];
}

/** GroupNormalization with scale and bias per group (since 18) or per channel (since 21). */
function groupNormalization(ctx: RuleContext): InputGradients {
  const { g } = ctx;
  const [n = 1, c = 1, ...spatial] = ctx.dims(0);
  const groups = ctx.int("num_groups", 1);
  const split = [n, groups, c / groups, ...spatial];
  const vectorDims =
    ctx.opset >= 21 ? [groups, c / groups, ...spatial.map(() => 1)] : [groups, 1, ...spatial.map(() => 1)];
  const parts = {
    x: g.reshape(ctx.x(0), split),
    axes: range(split.length).slice(2),
    epsilon: ctx.float("epsilon", 1e-5),
    centred: true,
    scale: g.reshape(ctx.x(1), vectorDims),
    dY: g.reshape(ctx.dY(0)!, split),
  };
  const { dX, dScale, dBias } = affineNorm(g, parts, {
    x: ctx.needs(0),
    scale: ctx.needs(1),
    bias: ctx.needs(2),
  });
  const vector = (x: string | undefined, i: number) =>
    x === undefined ? undefined : g.reshape(g.sumTo(x, vectorDims), ctx.dims(i));
  return [dX === undefined ? undefined : g.reshape(dX, ctx.dims(0)), vector(dScale, 1), vector(dBias, 2)];
}

/** LpNormalization along one axis: Y = X / ||X||_p; a row of zeros stays zero and has no gradient. */
function lpNormalization(ctx: RuleContext): InputGradients {
  const { g } = ctx;
  const axes = [axisOf(ctx.int("axis", -1), ctx.dims(0).length)];
  const p = ctx.int("p", 2);
  const dY = ctx.dY(0)!;
  const norm = g.reduce(p === 1 ? "ReduceL1" : "ReduceL2", ctx.x(0), axes);
  const isZero = g.equal(norm, ctx.num(0));
  const divisor = g.where(isZero, ctx.num(1), norm);
  const direction = p === 1 ? g.unary("Sign", ctx.x(0)) : ctx.y(0);
  const dX = g.div(g.sub(dY, g.mul(direction, g.sum(g.mul(dY, ctx.y(0)), axes))), divisor);
  return [g.where(isZero, ctx.num(0), dX)];
}

/**
 * Normalisations.
 *
 *   xhat = (X - mean) * rstd        Y = xhat * scale + bias        d = dY * scale
 *   dX = rstd * (d - mean(d) - xhat * mean(d * xhat))      dScale = sum(dY * xhat)      dBias = sum(dY)
 *
 * RMS kinds have no mean. xhat and rstd are recomputed by one fused kernel instead of being kept from the forward pass.
 *
 * shapes  X, Y, dY, dX [..., C] (tail kinds) or [N, C, ...]   scale, bias broadcast to X
 * source  Ba et al. 2016, arXiv:1607.06450; Zhang & Sennrich 2019, arXiv:1910.07467
 */
export const normRules: readonly GradRule[] = [
  overTail("LayerNormalization", 1, true, { mean: 1, rstd: 2 }),
  overTail("SimplifiedLayerNormalization", 1, false, { mean: -1, rstd: 1 }),
  overTail("RMSNormalization", 23, false, { mean: -1, rstd: -1 }),
  skipNorm("SkipLayerNormalization", true),
  skipNorm("SkipSimplifiedLayerNormalization", false),
  { state: "gradient", domain: "", op: "BatchNormalization", since: 9, gradient: batchNormalization },
  { state: "gradient", domain: "", op: "InstanceNormalization", since: 6, gradient: instanceNormalization },
  { state: "gradient", domain: "", op: "GroupNormalization", since: 18, gradient: groupNormalization },
  { state: "gradient", domain: "", op: "LpNormalization", since: 1, gradient: lpNormalization },
];
