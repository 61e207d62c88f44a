import type { GradRule, InputGradients, RuleContext } from "../rule.ts";
import { axisOf, inversePermutation, range, sizeOf, stridesOf } from "../shapes.ts";

/** Gather along `axis`: the rows of dY are added to the rows they came from. */
function gather(ctx: RuleContext): InputGradients {
  const { g } = ctx;
  const dims = ctx.dims(0);
  const axis = axisOf(ctx.int("axis", 0), dims.length);
  const rank = ctx.dims(1).length;
  const count = sizeOf(ctx.dims(1));
  // dY [...before, ...indices, ...after] -> [indices, before x after]
  const after = range(g.dims(ctx.dY(0)!).length).slice(axis + rank);
  const rowsFirst = g.transpose(ctx.dY(0)!, [...range(rank).map((i) => axis + i), ...range(axis), ...after]);
  const rest = dims.filter((_, i) => i !== axis);
  const updates = g.reshape(rowsFirst, [count, sizeOf(rest)]);
  const rows = g.reshape(g.scatterRows(updates, g.reshape(ctx.x(1), [count]), dims[axis]!), [
    dims[axis]!,
    ...rest,
  ]);
  return [g.transpose(rows, inversePermutation([axis, ...range(dims.length).filter((i) => i !== axis)]))];
}

function gatherElements(ctx: RuleContext): InputGradients {
  const zeros = ctx.g.full(ctx.dims(0), 0, ctx.dtype(0));
  return [
    ctx.g.op("ScatterElements", [zeros, ctx.x(1), ctx.dY(0)!], {
      axis: ctx.int("axis", 0),
      reduction: "add",
    }),
  ];
}

/** Row numbers into data [rows, ...] of index tuples [..., k] that address its first `batch + k` dimensions. */
function tupleRows(
  ctx: RuleContext,
  batch: number,
): { readonly rows: string; readonly count: number; readonly leading: number } {
  const { g } = ctx;
  const dims = ctx.dims(0);
  const indexDims = ctx.dims(1);
  const k = indexDims.at(-1)!;
  const leading = batch + k;
  const addressed = dims.slice(0, leading);
  const strides = stridesOf(addressed);
  const sizes = g.ints(addressed.slice(batch));
  const indices = g.cast(ctx.x(1), "int64");
  const negative = g.greater(g.ints([0]), indices);
  const fromFront = g.where(negative, g.add(indices, sizes), indices);
  const tuples = g.sum(g.mul(fromFront, g.ints(strides.slice(batch))), [indexDims.length - 1], false);
  const count = sizeOf(indexDims.slice(0, -1));
  const offsets = range(sizeOf(dims.slice(0, batch))).map((b) => b * sizeOf(addressed.slice(batch)));
  const batched = g.reshape(tuples, [offsets.length, count / offsets.length]);
  const rows = batch === 0 ? batched : g.add(batched, g.ints(offsets, [offsets.length, 1]));
  return { rows: g.reshape(rows, [count]), count, leading };
}

function gatherNd(ctx: RuleContext): InputGradients {
  const { g } = ctx;
  const dims = ctx.dims(0);
  const { rows, count, leading } = tupleRows(ctx, ctx.int("batch_dims", 0));
  const updates = g.reshape(ctx.dY(0)!, [count, sizeOf(dims.slice(leading))]);
  return [g.reshape(g.scatterRows(updates, rows, sizeOf(dims.slice(0, leading))), dims)];
}

/** Which of several equal indices was written last and so decides: a mask over the updates. */
function winners(
  ctx: RuleContext,
  rows: string,
  updates: string,
  axis: number,
  slots: readonly number[],
): string {
  const { g } = ctx;
  const dims = g.dims(updates);
  const order = g.ints(range(sizeOf(dims)), dims);
  const last = g.op("ScatterElements", [g.full(slots, -1, "int64"), rows, order], { axis });
  return g.equal(g.op("GatherElements", [last, rows], { axis }, { out: [g.value(order)] }), order);
}

interface Scatter {
  /** Puts zeros (or anything) at the addressed places of a tensor shaped as data. */
  readonly put: (data: string, updates: string, reduction: string) => string;
  /** Reads the addressed places. */
  readonly take: (data: string) => string;
  /** Mask of the updates that decide where several address one place. */
  readonly decisive: () => string;
}

/** dData and dUpdates of a scatter with any reduction, from its three primitives. */
function scatterGradients(ctx: RuleContext, { put, take, decisive }: Scatter): InputGradients {
  const { g } = ctx;
  const dY = ctx.dY(0)!;
  const dtype = ctx.dtype(0);
  const reduction = ctx.string("reduction", "none");
  const updates = ctx.x(2);
  const updateDims = ctx.dims(2);
  if (reduction === "add") return [dY, undefined, ctx.needs(2) ? take(dY) : undefined];
  if (reduction === "none") {
    return [
      ctx.needs(0) ? put(dY, g.full(updateDims, 0, dtype), "none") : undefined,
      undefined,
      ctx.needs(2) ? g.keep(decisive(), take(dY)) : undefined,
    ];
  }
  if (reduction === "mul") {
    const isZero = g.equal(updates, ctx.num(0));
    const nonZero = g.where(isZero, ctx.num(1), updates);
    const dData = put(dY, updates, "mul");
    // d/du = dY * data * product of the other updates of the same place.
    const zeros = take(put(g.full(ctx.dims(0), 0, dtype), g.cast(isZero, dtype), "add"));
    const others = take(put(g.mul(dY, ctx.x(0)), nonZero, "mul"));
    const atZero = g.keep(g.equal(zeros, ctx.num(1)), others);
    const elsewhere = g.keep(g.equal(zeros, ctx.num(0)), g.div(others, nonZero));
    return [dData, undefined, ctx.needs(2) ? g.where(isZero, atZero, elsewhere) : undefined];
  }
  // max and min: the places that reach the result share its gradient equally.
  const hit = g.cast(g.equal(updates, take(ctx.y(0))), dtype);
  const own = g.cast(g.equal(ctx.x(0), ctx.y(0)), dtype);
  const share = g.div(dY, put(own, hit, "add"));
  return [g.mul(own, share), undefined, ctx.needs(2) ? g.mul(hit, take(share)) : undefined];
}

function scatterElements(ctx: RuleContext): InputGradients {
  const { g } = ctx;
  const axis = ctx.int("axis", 0);
  const indices = ctx.x(1);
  return scatterGradients(ctx, {
    put: (data, updates, reduction) => g.op("ScatterElements", [data, indices, updates], { axis, reduction }),
    take: (data) =>
      g.op(
        "GatherElements",
        [data, indices],
        { axis },
        { out: [{ dtype: ctx.dtype(0), dims: ctx.dims(1) }] },
      ),
    decisive: () => winners(ctx, indices, ctx.x(2), axis, ctx.dims(0)),
  });
}

function scatterNd(ctx: RuleContext): InputGradients {
  const { g } = ctx;
  const dims = ctx.dims(0);
  const { rows, count, leading } = tupleRows(ctx, 0);
  const size = sizeOf(dims.slice(leading));
  const table = [sizeOf(dims.slice(0, leading)), size];
  const column = g.reshape(rows, [count, 1]);
  return scatterGradients(ctx, {
    put: (data, updates, reduction) => {
      const flat = g.reshape(updates, [count, size]);
      const wide = g.expand(column, [count, size]);
      return g.reshape(
        g.op("ScatterElements", [g.reshape(data, table), wide, flat], { axis: 0, reduction }),
        dims,
      );
    },
    take: (data) => g.reshape(g.gather(g.reshape(data, table), rows, 0), ctx.dims(2)),
    decisive: () => {
      const mask = winners(ctx, column, g.reshape(rows, [count, 1]), 0, [table[0]!, 1]);
      return g.reshape(mask, [...ctx.dims(1).slice(0, -1), ...dims.slice(leading).map(() => 1)]);
    },
  });
}

/** TopK: the values' gradients go back to the places the indices name. */
function topK(ctx: RuleContext): InputGradients {
  const dY = ctx.dY(0);
  if (dY === undefined) return [];
  const zeros = ctx.g.full(ctx.dims(0), 0, ctx.dtype(0));
  return [ctx.g.op("ScatterElements", [zeros, ctx.y(1), dY], { axis: ctx.int("axis", -1) })];
}

/** OneHot: the gradient of `values` [off, on]. */
function oneHot(ctx: RuleContext): InputGradients {
  const { g } = ctx;
  const dY = ctx.dY(0)!;
  const dtype = ctx.dtype(2);
  const attributes = { axis: ctx.int("axis", -1) };
  const mask = g.op("OneHot", [ctx.x(0), ctx.x(1), g.floats([0, 1], [2], dtype)], attributes, {
    out: [{ dtype, dims: g.dims(dY) }],
  });
  const everything = range(g.dims(dY).length);
  const on = g.sum(g.mul(dY, mask), everything, false);
  const off = g.sub(g.sum(dY, everything, false), on);
  return [undefined, undefined, g.concat([g.reshape(off, [1]), g.reshape(on, [1])], 0)];
}

/**
 * Operators that read or write at indices. Negative indices count from the end, equal ones add up.
 *
 * stops  indices
 */
export const indexRules: readonly GradRule[] = [
  { state: "gradient", domain: "", op: "Gather", since: 1, stops: [1], gradient: gather },
  { state: "gradient", domain: "", op: "GatherElements", since: 11, stops: [1], gradient: gatherElements },
  { state: "gradient", domain: "", op: "GatherND", since: 11, stops: [1], gradient: gatherNd },
  { state: "gradient", domain: "", op: "ScatterElements", since: 11, stops: [1], gradient: scatterElements },
  { state: "gradient", domain: "", op: "ScatterND", since: 11, stops: [1], gradient: scatterNd },
  { state: "gradient", domain: "", op: "TopK", since: 10, stops: [1], gradient: topK },
  { state: "gradient", domain: "", op: "OneHot", since: 9, stops: [0, 1], gradient: oneHot },
];
