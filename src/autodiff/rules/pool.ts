import { literal } from "../literals.ts";
import type { GradRule, RuleContext } from "../rule.ts";
import { range, sizeOf } from "../shapes.ts";
import { type Window, windowOf } from "./conv-geometry.ts";
import { convAdjoint } from "./conv-products.ts";

/** A row for an operator with one input and one output that matters. */
function rule(op: string, since: number, dX: (ctx: RuleContext, dY: string) => string): GradRule {
  return {
    state: "gradient",
    domain: "",
    op,
    since,
    gradient: (ctx) => (ctx.dY(0) === undefined ? [] : [dX(ctx, ctx.dY(0)!)]),
  };
}

/** Adds each element of dY to the flat position in X that `indices` names. */
function scatterFlat(ctx: RuleContext, dY: string, indices: string): string {
  const { g } = ctx;
  const count = sizeOf(g.dims(dY));
  return g.reshape(
    g.scatterRows(g.reshape(dY, [count]), g.reshape(indices, [count]), sizeOf(ctx.dims(0))),
    ctx.dims(0),
  );
}

/** Flat positions (over the whole tensor) of the maxima of a MaxPool with these attributes, the first where equal. */
function maxPositions(
  ctx: RuleContext,
  attributes: Parameters<RuleContext["g"]["op"]>[2],
  dims: readonly number[],
): string {
  const out = [
    { dtype: ctx.dtype(0), dims },
    { dtype: "int64" as const, dims },
  ];
  return ctx.g.ops("MaxPool", [ctx.x(0)], attributes!, { out })[1]!;
}

function maxPool(ctx: RuleContext, dY: string): string {
  const attributes = Object.fromEntries(
    [...ctx.node.attributes].filter(([name]) => name !== "storage_order"),
  );
  return scatterFlat(ctx, dY, maxPositions(ctx, attributes, ctx.g.dims(dY)));
}

function globalMaxPool(ctx: RuleContext, dY: string): string {
  return scatterFlat(ctx, dY, maxPositions(ctx, { kernel_shape: ctx.dims(0).slice(2) }, ctx.g.dims(dY)));
}

/** How many elements each window of one axis averages; padding counts only where asked, and never beyond the stated pads. */
function windowCounts(
  size: number,
  outs: number,
  window: Window,
  axis: number,
  includePad: boolean,
): number[] {
  const [stride, dilation] = [window.strides[axis]!, window.dilations[axis]!];
  const low = includePad ? -window.begins[axis]! : 0;
  const high = includePad ? size + window.ends[axis]! : size;
  return range(outs).map((o) => {
    const first = o * stride - window.begins[axis]!;
    return range(window.kernel[axis]!).filter(
      (k) => first + k * dilation >= low && first + k * dilation < high,
    ).length;
  });
}

/** Each [N, C] plane as an image of one channel: a depthwise convolution without groups. */
function planes(ctx: RuleContext, x: string): string {
  const dims = ctx.g.dims(x);
  return ctx.g.reshape(x, [dims[0]! * dims[1]!, 1, ...dims.slice(2)]);
}

function spreadOverWindows(ctx: RuleContext, weighted: string, window: Window): string {
  const { g } = ctx;
  const ones = g.full([1, 1, ...window.kernel], 1, ctx.dtype(0));
  return g.reshape(convAdjoint(g, planes(ctx, weighted), ones, window, 1, ctx.dims(0).slice(2)), ctx.dims(0));
}

/** AveragePool: dY over the number of averaged elements, spread over its window. */
function averagePool(ctx: RuleContext, dY: string): string {
  const { g } = ctx;
  const sizes = ctx.dims(0).slice(2);
  const outs = g.dims(dY).slice(2);
  const window = windowOf(ctx, ctx.ints("kernel_shape", []));
  const includePad = ctx.int("count_include_pad", 0) === 1;
  const perAxis = sizes.map((size, i) => windowCounts(size, outs[i]!, window, i, includePad));
  const counts = perAxis.reduce<number[]>((all, axis) => all.flatMap((a) => axis.map((b) => a * b)), [1]);
  const inverse = g.constant(
    literal(
      counts.map((c) => 1 / c),
      outs,
      ctx.dtype(0),
    ),
  );
  return spreadOverWindows(ctx, g.mul(dY, inverse), window);
}

/** LpPool: dX = sign(X) |X|^(p-1) * (dY / Y^(p-1)) summed over the windows of an element. */
function lpPool(ctx: RuleContext, dY: string): string {
  const p = ctx.int("p", 2);
  const window = windowOf(ctx, ctx.ints("kernel_shape", []));
  return lpGradient(ctx, dY, p, (weighted) => spreadOverWindows(ctx, weighted, window));
}

function lpGradient(ctx: RuleContext, dY: string, p: number, spread: (x: string) => string): string {
  const { g } = ctx;
  const power = (x: string) => (p === 1 ? undefined : p === 2 ? x : g.op("Pow", [x, ctx.num(p - 1)]));
  const norm = power(ctx.y(0));
  const ratio = norm === undefined ? dY : g.keep(g.greater(norm, ctx.num(0)), g.div(dY, norm));
  const magnitude = power(g.unary("Abs", ctx.x(0)));
  const slope = g.unary("Sign", ctx.x(0));
  return g.mul(magnitude === undefined ? slope : g.mul(slope, magnitude), spread(ratio));
}

/** MaxUnpool: every element went to the flat place its index names. */
const maxUnpool: GradRule = {
  state: "gradient",
  domain: "",
  op: "MaxUnpool",
  since: 9,
  stops: [1, 2],
  gradient: (ctx) => {
    const { g } = ctx;
    const dY = ctx.dY(0)!;
    const flat = g.reshape(dY, [sizeOf(g.dims(dY))]);
    return [g.gather(flat, ctx.x(1), 0)];
  },
};

/**
 * Pools over the spatial axes. MaxPool gives all to the first maximum of a window.
 *
 * shapes  X, dX [N, C, ...]   Y, dY [N, C, ...]
 */
export const poolRules: readonly GradRule[] = [
  rule("MaxPool", 1, maxPool),
  rule("GlobalMaxPool", 1, globalMaxPool),
  rule("AveragePool", 1, averagePool),
  rule("GlobalAveragePool", 1, (ctx, dY) => ctx.g.scale(dY, 1 / sizeOf(ctx.dims(0).slice(2)))),
  rule("LpPool", 1, lpPool),
  rule("GlobalLpPool", 1, (ctx, dY) => lpGradient(ctx, dY, ctx.int("p", 2), (x) => x)),
  maxUnpool,
];
