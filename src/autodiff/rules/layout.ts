import type { GradRule, InputGradients, RuleContext } from "../rule.ts";
import { axisOf, inversePermutation, range } from "../shapes.ts";

/** A row for an operator with one float input and any number of shape inputs. */
function rule(
  op: string,
  since: number,
  dX: (ctx: RuleContext, dY: string) => string,
  stops: readonly number[] = [1, 2, 3, 4],
): GradRule {
  return { state: "gradient", domain: "", op, since, stops, gradient: (ctx) => [dX(ctx, ctx.dY(0)!)] };
}

/** The same elements in the same order: dY in X's shape. */
function sameElements(ctx: RuleContext, dY: string): string {
  return ctx.g.reshape(dY, ctx.dims(0));
}

/** Concat: each input's part of dY; one Split where all inputs want one. */
function concat(ctx: RuleContext): InputGradients {
  const { g, node } = ctx;
  const dY = ctx.dY(0)!;
  const axis = axisOf(ctx.int("axis", 1), ctx.dims(0).length);
  const sizes = node.inputs.map((name) => g.dims(name)[axis]!);
  const all = node.inputs.every((_, i) => ctx.needs(i));
  if (all && sizes.every((size) => size > 0)) return g.split(dY, sizes, axis);
  let end = 0;
  return sizes.map((size, i) => {
    end += size;
    return ctx.needs(i) ? g.slice(dY, axis, end - size, end) : undefined;
  });
}

/** Split: the parts' gradients side by side, zeros for parts that nobody uses. */
function split(ctx: RuleContext): InputGradients {
  const { g, node } = ctx;
  const rank = ctx.dims(0).length;
  const axis = axisOf(ctx.int("axis", 0), rank);
  const present = node.outputs.map((name, i) => ({ name, dY: ctx.dY(i) })).filter(({ name }) => name !== "");
  const used = present.filter(({ dY }) => dY !== undefined);
  if (used.length === 1) {
    const index = present.indexOf(used[0]!);
    const sizeBefore = present.slice(0, index).reduce((n, { name }) => n + g.dims(name)[axis]!, 0);
    const dY = used[0]!.dY!;
    const sizeAfter = ctx.dims(0)[axis]! - sizeBefore - g.dims(dY)[axis]!;
    const at = (size: number) => range(rank).map((i) => (i === axis ? size : 0));
    return [g.pad(dY, at(sizeBefore), at(sizeAfter))];
  }
  const parts = present.map(({ name, dY }) => dY ?? g.full(g.dims(name), 0, ctx.dtype(0)));
  return [
    g.concat(
      parts.filter((part) => g.dims(part)[axis]! > 0),
      axis,
    ),
  ];
}

/** Positions [start, start + step, …] that Slice takes along an axis of `size` elements. */
function slicedPositions(size: number, start: number, end: number, step: number): number[] {
  const clamp = (v: number, low: number, high: number) => Math.min(Math.max(v, low), high);
  const fromFront = (v: number) => (v < 0 ? v + size : v);
  const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
  const first = clamp(fromFront(start), step > 0 ? 0 : low, step > 0 ? size : high);
  const last = clamp(fromFront(end), low, high);
  const count = Math.max(0, Math.ceil((last - first) / step));
  return range(count).map((i) => first + i * step);
}

/** Slice: zero padding where all steps are 1; else each sliced axis gathers from dY or from a row of zeros. */
function slice(ctx: RuleContext, dY: string): string {
  const { g } = ctx;
  const dims = ctx.dims(0);
  const starts = ctx.numbersOf(1);
  const ends = ctx.numbersOf(2);
  const axes = (ctx.hasInput(3) ? ctx.numbersOf(3) : range(starts.length)).map((axis) =>
    axisOf(axis, dims.length),
  );
  const steps = ctx.hasInput(4) ? ctx.numbersOf(4) : starts.map(() => 1);
  const begins = dims.map(() => 0);
  const tails = dims.map(() => 0);
  let dX = dY;
  axes.forEach((axis, i) => {
    const size = dims[axis]!;
    const positions = slicedPositions(size, starts[i]!, ends[i]!, steps[i]!);
    if (steps[i] === 1) {
      begins[axis] = positions[0]!;
      tails[axis] = size - positions[0]! - positions.length;
    } else {
      dX = spread(ctx, dX, axis, size, positions);
    }
  });
  return g.pad(dX, begins, tails);
}

/** Puts element i of an axis at positions[i] of an axis of `size` elements, zeros elsewhere; positions are distinct. */
function spread(
  ctx: RuleContext,
  x: string,
  axis: number,
  size: number,
  positions: readonly number[],
): string {
  const { g } = ctx;
  const rank = g.dims(x).length;
  const source = range(size).map(() => positions.length);
  positions.forEach((position, i) => {
    source[position] = i;
  });
  const padded = g.pad(
    x,
    range(rank).map(() => 0),
    range(rank).map((i) => (i === axis ? 1 : 0)),
  );
  return g.gather(padded, g.ints(source), axis);
}

/** Sum along an axis of all elements that came from the same source position. */
function collect(
  ctx: RuleContext,
  x: string,
  axis: number,
  size: number,
  sources: readonly number[],
): string {
  const { g } = ctx;
  const perm = [axis, ...range(g.dims(x).length).filter((i) => i !== axis)];
  const rows = g.scatterRows(g.transpose(x, perm), g.ints(sources), size);
  return g.transpose(rows, inversePermutation(perm));
}

/** Where Pad takes position i of an axis of n elements from, i counted from the first element and possibly outside. */
const PAD_SOURCE: Readonly<Record<string, (i: number, n: number) => number>> = {
  edge: (i, n) => Math.min(Math.max(i, 0), n - 1),
  reflect: (i, n) => {
    const period = Math.max(1, 2 * (n - 1));
    const within = ((i % period) + period) % period;
    return within < n ? within : period - within;
  },
  wrap: (i, n) => ((i % n) + n) % n,
};

function pad(ctx: RuleContext): InputGradients {
  const { g } = ctx;
  const dY = ctx.dY(0)!;
  const dims = ctx.dims(0);
  const given = ctx.numbersOf(1);
  const axes = (ctx.hasInput(3) ? ctx.numbersOf(3) : range(dims.length)).map((axis) =>
    axisOf(axis, dims.length),
  );
  const begins = dims.map((_, i) => (axes.includes(i) ? given[axes.indexOf(i)]! : 0));
  const ends = dims.map((_, i) => (axes.includes(i) ? given[axes.length + axes.indexOf(i)]! : 0));
  const mode = ctx.string("mode", "constant");
  if (mode === "constant") {
    const negate = (values: readonly number[]) => values.map((v) => -v);
    const crop = (values: readonly number[]) => values.map((v) => -Math.max(v, 0));
    const everything = range(dims.length);
    return [
      ctx.needs(0) ? g.pad(dY, negate(begins), negate(ends)) : undefined,
      undefined,
      ctx.needs(2)
        ? g.reshape(
            g.sub(
              g.sum(dY, everything, false),
              g.sum(g.pad(dY, crop(begins), crop(ends)), everything, false),
            ),
            ctx.dims(2),
          )
        : undefined,
    ];
  }
  const source = PAD_SOURCE[mode] ?? ctx.refuse(`pad mode '${mode}'`);
  let dX = dY;
  dims.forEach((size, axis) => {
    if (begins[axis] === 0 && ends[axis] === 0) return;
    const sources = range(size + begins[axis]! + ends[axis]!).map((i) => source(i - begins[axis]!, size));
    dX = collect(ctx, dX, axis, size, sources);
  });
  return [dX];
}

/** Tile: the copies lie side by side; their sum over the copy axes. */
function tile(ctx: RuleContext, dY: string): string {
  const { g } = ctx;
  const dims = ctx.dims(0);
  const repeats = g.dims(dY).map((d, i) => (dims[i] === 0 ? 1 : d / dims[i]!));
  const apart = dims.flatMap((d, i) => [repeats[i]!, d]);
  return g.reshape(
    g.sum(
      g.reshape(dY, apart),
      range(dims.length).map((i) => 2 * i),
      false,
    ),
    dims,
  );
}

/** Blocks of b x b pixels [N, C, H, W] <-> channels: the permutation of [N, b, b, C, H, W] (DCR) or [N, C, b, b, H, W] (CRD). */
function depthToSpace(ctx: RuleContext, dY: string): string {
  const { g } = ctx;
  const [n, c, h, w] = ctx.dims(0) as [number, number, number, number];
  const b = ctx.int("blocksize", 1);
  const depth = c / (b * b);
  // dY [N, C/bb, H, b, W, b]
  const blocks = g.reshape(dY, [n, depth, h, b, w, b]);
  const perm = ctx.string("mode", "DCR") === "CRD" ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4];
  return g.reshape(g.transpose(blocks, perm), [n, c, h, w]);
}

function spaceToDepth(ctx: RuleContext, dY: string): string {
  const { g } = ctx;
  const [n, c, h, w] = ctx.dims(0) as [number, number, number, number];
  const b = ctx.int("blocksize", 1);
  const blocks = g.reshape(dY, [n, b, b, c, h / b, w / b]);
  return g.reshape(g.transpose(blocks, [0, 3, 4, 1, 5, 2]), [n, c, h, w]);
}

/** CumSum: the sum runs the other way. */
function cumSum(ctx: RuleContext, dY: string): string {
  const attributes = { exclusive: ctx.int("exclusive", 0), reverse: 1 - ctx.int("reverse", 0) };
  return ctx.g.op("CumSum", [dY, ctx.x(1)], attributes);
}

/** CenterCropPad: padding goes to the end first, cropping keeps the middle. */
function centerCropPad(ctx: RuleContext, dY: string): string {
  const dims = ctx.dims(0);
  const outs = ctx.g.dims(dY);
  const before = dims.map((size, i) => {
    const extra = outs[i]! - size;
    return extra >= 0 ? Math.floor(extra / 2) : -Math.floor(-extra / 2);
  });
  return ctx.g.pad(
    dY,
    before.map((b) => -b),
    dims.map((size, i) => -(outs[i]! - size - before[i]!)),
  );
}

/** Dropout in a frozen graph is the identity; with a live mask it scales what was kept. */
function dropout(ctx: RuleContext, dY: string): string {
  if (!ctx.hasInput(2)) return dY;
  if (ctx.numbersOf(2)[0] === 0) return dY;
  return ctx.refuse(
    "dropout with training_mode draws new random numbers; export the model in evaluation mode",
  );
}

/**
 * Operators that move elements: dX moves them back, summing where one element went to several places.
 *
 * shapes  X, dX [...]   Y, dY as the operator makes them
 * stops   every input that is a shape, an axis or a list of positions
 */
export const layoutRules: readonly GradRule[] = [
  rule("Reshape", 5, sameElements),
  rule("Flatten", 1, sameElements),
  rule("Squeeze", 13, sameElements),
  rule("Unsqueeze", 13, sameElements),
  rule("Transpose", 1, (ctx, dY) => {
    const rank = ctx.dims(0).length;
    return ctx.g.transpose(dY, inversePermutation(ctx.ints("perm", range(rank).reverse())));
  }),
  rule("Expand", 8, (_, dY) => dY),
  rule("Tile", 6, tile),
  { state: "gradient", domain: "", op: "Concat", since: 4, gradient: concat },
  { state: "gradient", domain: "", op: "Split", since: 13, stops: [1], gradient: split },
  rule("Slice", 10, slice),
  { state: "gradient", domain: "", op: "Pad", since: 11, stops: [1, 3], gradient: pad },
  rule("DepthToSpace", 1, depthToSpace),
  rule("SpaceToDepth", 1, spaceToDepth),
  rule("CumSum", 11, cumSum),
  rule("Trilu", 14, (ctx, dY) =>
    ctx.g.op("Trilu", ctx.hasInput(1) ? [dY, ctx.x(1)] : [dY], { upper: ctx.int("upper", 1) }),
  ),
  rule("ReverseSequence", 10, (ctx, dY) =>
    ctx.g.op("ReverseSequence", [dY, ctx.x(1)], {
      batch_axis: ctx.int("batch_axis", 1),
      time_axis: ctx.int("time_axis", 0),
    }),
  ),
  rule("CenterCropPad", 18, centerCropPad),
  rule("Dropout", 12, dropout),
];
