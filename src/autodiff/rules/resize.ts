import type { GradRule, InputGradients, RuleContext } from "../rule.ts";
import { axisOf, range } from "../shapes.ts";

interface Axis {
  readonly inSize: number;
  readonly outSize: number;
  readonly scale: number;
  /** Part of the input that is read, as fractions. */
  readonly roi: readonly [number, number];
}

/** Where output position x lies on the input axis. */
const COORDINATE: Readonly<Record<string, (x: number, axis: Axis) => number>> = {
  half_pixel: (x, { scale }) => (x + 0.5) / scale - 0.5,
  half_pixel_symmetric: (x, { scale, inSize, outSize }) => {
    const adjustment = outSize / (scale * inSize);
    return (inSize / 2) * (1 - adjustment) + (x + 0.5) / scale - 0.5;
  },
  pytorch_half_pixel: (x, { scale, outSize }) => (outSize > 1 ? (x + 0.5) / scale - 0.5 : 0),
  align_corners: (x, { inSize, outSize }) => (outSize === 1 ? 0 : (x * (inSize - 1)) / (outSize - 1)),
  asymmetric: (x, { scale }) => x / scale,
  tf_half_pixel_for_nn: (x, { scale }) => (x + 0.5) / scale,
  tf_crop_and_resize: (x, { inSize, outSize, roi: [start, end] }) =>
    outSize > 1
      ? start * (inSize - 1) + (x * (end - start) * (inSize - 1)) / (outSize - 1)
      : 0.5 * (start + end) * (inSize - 1),
};

const NEAREST: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** Weights of the input positions that make one output position. */
function weightsAt(
  ctx: RuleContext,
  mode: string,
  at: number,
  size: number,
): [position: number, weight: number][] {
  const inside = (position: number) => Math.min(Math.max(position, 0), size - 1);
  if (mode === "nearest") {
    const round =
      NEAREST[ctx.string("nearest_mode", "round_prefer_floor")] ?? ctx.refuse("this nearest_mode");
    return [[inside(round(at)), 1]];
  }
  if (mode === "linear") {
    const low = Math.floor(at);
    return [
      [inside(low), 1 - (at - low)],
      [inside(low + 1), at - low],
    ];
  }
  const low = Math.floor(at);
  const a = ctx.float("cubic_coeff_a", -0.75);
  const weights = [-1, 0, 1, 2].map((k) => [low + k, cubic(Math.abs(at - low - k), a)] as [number, number]);
  if (ctx.int("exclude_outside", 0) === 0)
    return weights.map(([position, weight]) => [inside(position), weight]);
  const present = weights.filter(([position]) => position >= 0 && position < size);
  const total = present.reduce((sum, [, weight]) => sum + weight, 0);
  return present.map(([position, weight]) => [position, weight / total]);
}

/** Keys' kernel at distance d. */
function cubic(d: number, a: number): number {
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

/** Y = M X along one axis: M [out, in] as rows. */
function matrix(ctx: RuleContext, mode: string, axis: Axis): number[] {
  const coordinates = ctx.string("coordinate_transformation_mode", "half_pixel");
  const coordinate = COORDINATE[coordinates] ?? ctx.refuse(`coordinate_transformation_mode '${coordinates}'`);
  const values = new Array<number>(axis.outSize * axis.inSize).fill(0);
  for (let x = 0; x < axis.outSize; x++) {
    const at = coordinate(x, axis);
    const isOutside = coordinates === "tf_crop_and_resize" && (at < 0 || at > axis.inSize - 1);
    if (isOutside) continue;
    for (const [position, weight] of weightsAt(ctx, mode, at, axis.inSize))
      values[x * axis.inSize + position]! += weight;
  }
  return values;
}

/** Resize: each axis is a linear map, so dX is the transposed map of each axis in turn. */
function resize(ctx: RuleContext): InputGradients {
  const { g } = ctx;
  if (ctx.int("antialias", 0) === 1) ctx.refuse("antialias");
  const dims = ctx.dims(0);
  const outs = g.dims(ctx.y(0));
  const axes = ctx.ints("axes", range(dims.length)).map((axis) => axisOf(axis, dims.length));
  const scales = ctx.hasInput(2) && ctx.dims(2)[0] !== 0 ? ctx.numbersOf(2) : undefined;
  const roi = ctx.hasInput(1) && ctx.dims(1)[0] !== 0 ? ctx.numbersOf(1) : undefined;
  let dX = ctx.dY(0)!;
  axes.forEach((axis, i) => {
    const [inSize, outSize] = [dims[axis]!, outs[axis]!];
    const scale = scales?.[i] ?? scaleOf(ctx, axes, i);
    const part: Axis = { inSize, outSize, scale, roi: [roi?.[i] ?? 0, roi?.[axes.length + i] ?? 1] };
    if (inSize === outSize && scale === 1 && roi === undefined) return;
    const m = g.floats(matrix(ctx, ctx.string("mode", "nearest"), part), [outSize, inSize], ctx.dtype(0));
    dX = contract(ctx, dX, m, axis);
  });
  return [dX];
}

/** Factor of an axis where sizes are given; the aspect policies use one factor for all axes. */
function scaleOf(ctx: RuleContext, axes: readonly number[], i: number): number {
  const sizes = ctx.numbersOf(3);
  const factors = axes.map((axis, k) => sizes[k]! / ctx.dims(0)[axis]!);
  const policy = ctx.string("keep_aspect_ratio_policy", "stretch");
  if (policy === "not_larger") return Math.min(...factors);
  return policy === "not_smaller" ? Math.max(...factors) : factors[i]!;
}

/** Sum over x's `axis` with m [size of the axis, new size]. */
function contract(ctx: RuleContext, x: string, m: string, axis: number): string {
  const { g } = ctx;
  const rank = g.dims(x).length;
  const others = range(rank).filter((i) => i !== axis);
  const last = g.transpose(x, [...others, axis]);
  const product = g.matMul(last, m);
  const back = range(rank).map((i) => (i === axis ? rank - 1 : others.indexOf(i)));
  return g.transpose(product, back);
}

/** Resize of floats by constant scales or sizes; the region of interest is constant, too. */
export const resizeRules: readonly GradRule[] = [
  { state: "gradient", domain: "", op: "Resize", since: 11, stops: [1, 2, 3], gradient: resize },
];
