import type { GraphBuilder, RuleContext } from "../rule.ts";
import { range } from "../shapes.ts";
import type { Rewrite } from "./rewrite.ts";

/** One axis of the sampled image. */
interface Axis {
  readonly size: number;
  readonly alignCorners: boolean;
  readonly padding: string;
}

/** Pixel position of a normalised coordinate in [-1, 1]. */
function toPixels(g: GraphBuilder, at: string, { size, alignCorners }: Axis): string {
  return alignCorners
    ? g.scale(g.shift(at, 1), (size - 1) / 2)
    : g.shift(g.scale(at, size / 2), (size - 1) / 2);
}

/** Where a position outside the image is read from: the border, or the image mirrored at its edges. */
function inside(ctx: RuleContext, at: string, axis: Axis): string {
  const { g } = ctx;
  if (axis.padding === "zeros") return at;
  const [low, high] = axis.alignCorners ? [0, axis.size - 1] : [-0.5, axis.size - 0.5];
  const mirrored = axis.padding === "reflection" && high > low ? reflect(ctx, at, low, high) : at;
  return g.op("Clip", [mirrored, ctx.num(0), ctx.num(axis.size - 1)]);
}

function reflect(ctx: RuleContext, at: string, low: number, high: number): string {
  const { g } = ctx;
  const span = high - low;
  const distance = g.unary("Abs", g.shift(at, -low));
  const turns = g.unary("Floor", g.scale(distance, 1 / span));
  const rest = g.sub(distance, g.scale(turns, span));
  const isEven = g.equal(g.scale(g.unary("Floor", g.scale(turns, 0.5)), 2), turns);
  return g.where(isEven, g.shift(rest, low), g.shift(g.unary("Neg", rest), high));
}

/** Pixels [N, C, P] at whole positions y and x [N, P]; 0 outside. */
function pixels(
  ctx: RuleContext,
  image: string,
  y: string,
  x: string,
  sizes: readonly [number, number],
): string {
  const { g } = ctx;
  const [n, c] = g.dims(image) as [number, number, number];
  const count = g.dims(x)[1]!;
  const clamp = (at: string, size: number) => g.op("Clip", [at, ctx.num(0), ctx.num(size - 1)]);
  const [cy, cx] = [clamp(y, sizes[0]), clamp(x, sizes[1])];
  const flat = g.cast(g.add(g.scale(cy, sizes[1]), cx), "int64");
  const wide = g.expand(g.reshape(flat, [n, 1, count]), [n, c, count]);
  const found = g.op(
    "GatherElements",
    [image, wide],
    { axis: 2 },
    { out: [{ dtype: ctx.dtype(0), dims: [n, c, count] }] },
  );
  const isInside = g.op("And", [g.equal(cy, y), g.equal(cx, x)]);
  return g.keep(g.reshape(isInside, [n, 1, count]), found);
}

/** GridSample of images [N, C, H, W] at grid [N, h, w, 2] (x before y), nearest or bilinear. */
const gridSample: Rewrite["parts"] = (ctx) => {
  const { g } = ctx;
  if (ctx.dims(0).length !== 4) ctx.refuse("volumes");
  const [n, c, height, width] = ctx.dims(0) as [number, number, number, number];
  const [, outHeight, outWidth] = ctx.dims(1) as [number, number, number, number];
  const count = outHeight * outWidth;
  const mode = ctx.string("mode", "linear");
  if (mode === "cubic" || mode === "bicubic") ctx.refuse("bicubic sampling");
  const shared = {
    alignCorners: ctx.int("align_corners", 0) === 1,
    padding: ctx.string("padding_mode", "zeros"),
  };
  const image = g.reshape(ctx.x(0), [n, c, height * width]);
  const [gx, gy] = g.split(g.reshape(ctx.x(1), [n, count, 2]), [1, 1], 2);
  const position = (at: string, size: number) => {
    const axis = { size, ...shared };
    return inside(ctx, toPixels(g, g.reshape(at, [n, count]), axis), axis);
  };
  const [x, y] = [position(gx!, width), position(gy!, height)];
  const sizes = [height, width] as const;
  const done = (samples: string) => [g.reshape(samples, [n, c, outHeight, outWidth])];
  if (mode === "nearest") return done(pixels(ctx, image, g.unary("Round", y), g.unary("Round", x), sizes));
  const [x0, y0] = [g.unary("Floor", x), g.unary("Floor", y)];
  const row = (a: string) => g.reshape(a, [n, 1, count]);
  const [wx, wy] = [row(g.sub(x, x0)), row(g.sub(y, y0))];
  const line = (at: string) =>
    mix(g, pixels(ctx, image, at, x0, sizes), pixels(ctx, image, at, g.shift(x0, 1), sizes), wx);
  return done(mix(g, line(y0), line(g.shift(y0, 1)), wy));
};

/** a (1 - w) + b w. */
function mix(g: GraphBuilder, a: string, b: string, w: string): string {
  return g.add(a, g.mul(g.sub(b, a), w));
}

/** AffineGrid: normalised positions of every pixel, times theta. */
const affineGrid: Rewrite["parts"] = (ctx) => {
  const { g } = ctx;
  const dims = g.dims(ctx.y(0));
  const sizes = dims.slice(1, -1);
  const rank = sizes.length;
  const alignCorners = ctx.int("align_corners", 0) === 1;
  const at = (i: number, size: number) =>
    alignCorners ? (size === 1 ? 0 : (2 * i) / (size - 1) - 1) : (2 * i + 1) / size - 1;
  const positions = sizes.reduce<number[][]>(
    (all, size) => all.flatMap((p) => range(size).map((i) => [...p, at(i, size)])),
    [[]],
  );
  // The last axis of the image is the first coordinate.
  const homogeneous = positions.flatMap((p) => [...p.toReversed(), 1]);
  const base = g.floats(homogeneous, [positions.length, rank + 1], ctx.dtype(0));
  return [g.reshape(g.matMul(base, ctx.x(0), { transB: true }), dims)];
};

export const samplingRewrites: readonly Rewrite[] = [
  { domain: "", op: "GridSample", parts: gridSample },
  { domain: "", op: "AffineGrid", parts: affineGrid },
];
