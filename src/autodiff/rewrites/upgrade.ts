import type { AttributeInput, RuleContext } from "../rule.ts";
import { axisOf, range, sizeOf } from "../shapes.ts";
import type { Rewrite } from "./rewrite.ts";

/** The node's own attributes without some of them. */
function attributesWithout(ctx: RuleContext, ...names: readonly string[]): Record<string, AttributeInput> {
  return Object.fromEntries([...ctx.node.attributes].filter(([name]) => !names.includes(name)));
}

/** All outputs of the node with another set of inputs and attributes. */
function again(
  ctx: RuleContext,
  inputs: readonly string[],
  attributes: Record<string, AttributeInput>,
  op = ctx.node.op,
): readonly string[] {
  const out = ctx.node.outputs.map((name) =>
    name === "" ? { dtype: "float32" as const, dims: [] } : ctx.g.value(name),
  );
  return ctx.g.ops(op, inputs, attributes, { out });
}

function present(ctx: RuleContext): string[] {
  return ctx.node.inputs.map((_, i) => (ctx.hasInput(i) ? ctx.x(i) : ""));
}

/** Same elements, another shape: what Squeeze, Unsqueeze, Flatten do once shapes are known. */
const reshaped: Rewrite["parts"] = (ctx) => [ctx.g.reshape(ctx.x(0), ctx.g.dims(ctx.y(0)))];

/** Axes that were an attribute become an input. */
const axesAsInput: Rewrite["parts"] = (ctx) => {
  const axes = ctx.ints("axes", []);
  const inputs = axes.length === 0 ? [ctx.x(0)] : [ctx.x(0), ctx.g.ints(axes)];
  return again(ctx, inputs, attributesWithout(ctx, "axes"));
};

/** Softmax and its kin flattened everything from `axis` (1) on and normalised it as one row. */
const flattenedSoftmax: Rewrite["parts"] = (ctx) => {
  const { g } = ctx;
  const dims = ctx.dims(0);
  const axis = axisOf(ctx.int("axis", 1), dims.length);
  if (axis === dims.length - 1)
    return [g.op(ctx.node.op, [ctx.x(0)], { axis: -1 }, { out: [g.value(ctx.x(0))] })];
  const rows = [sizeOf(dims.slice(0, axis)), sizeOf(dims.slice(axis))];
  const flat = g.reshape(ctx.x(0), rows);
  return [g.reshape(g.op(ctx.node.op, [flat], { axis: 1 }, { out: [g.value(flat)] }), dims)];
};

const slice: Rewrite["parts"] = (ctx) => {
  const starts = ctx.ints("starts", []);
  const axes = ctx.ints("axes", range(starts.length));
  return again(ctx, [ctx.x(0), ctx.g.ints(starts), ctx.g.ints(ctx.ints("ends", [])), ctx.g.ints(axes)], {});
};

const pad: Rewrite["parts"] = (ctx) => {
  const pads = ctx.hasAttribute("pads") ? ctx.ints("pads", []) : ctx.ints("paddings", []);
  return again(ctx, [ctx.x(0), ctx.g.ints(pads), ctx.num(ctx.float("value", 0))], {
    mode: ctx.string("mode", "constant"),
  });
};

const clip: Rewrite["parts"] = (ctx) => {
  const bound = (name: string) => (ctx.hasAttribute(name) ? ctx.num(ctx.float(name, 0)) : "");
  const inputs = [ctx.x(0), bound("min"), bound("max")];
  while (inputs.at(-1) === "") inputs.pop();
  return again(ctx, inputs, {});
};

const split: Rewrite["parts"] = (ctx) => {
  const axis = axisOf(ctx.int("axis", 0), ctx.dims(0).length);
  const sizes = ctx.node.outputs.map((name) => (name === "" ? undefined : ctx.g.dims(name)[axis]!));
  // An unused part still has its share of the axis, and the runtime fails on parts without a name.
  const given = ctx.hasInput(1)
    ? ctx.numbersOf(1)
    : ctx.hasAttribute("split")
      ? ctx.ints("split", [])
      : undefined;
  const total = ctx.dims(0)[axis]!;
  const even = Math.ceil(total / sizes.length);
  const full = sizes.map((size, i) => given?.[i] ?? size ?? Math.min(even, total - i * even));
  const dims = (size: number) => ctx.dims(0).map((d, i) => (i === axis ? size : d));
  const out = full.map((size) => ({ dtype: ctx.dtype(0), dims: dims(size) }));
  return ctx.g.ops("Split", [ctx.x(0), ctx.g.ints(full)], { axis }, { out });
};

const topK: Rewrite["parts"] = (ctx) =>
  again(ctx, [ctx.x(0), ctx.g.ints([ctx.int("k", 1)])], attributesWithout(ctx, "k"));

/** Statistics outputs of old training nodes are dropped: nothing reads them in an inference graph. */
const batchNormalization: Rewrite["parts"] = (ctx) => {
  const { g } = ctx;
  return [
    g.op(
      "BatchNormalization",
      present(ctx),
      { epsilon: { float: ctx.float("epsilon", 1e-5) } },
      { out: [g.value(ctx.y(0))] },
    ),
  ];
};

/** Nearest or linear with plain factors: coordinates are divided by the factor and cut off. */
const upsample: Rewrite["parts"] = (ctx) => {
  const { g } = ctx;
  const scales = ctx.hasInput(1) ? ctx.x(1) : g.floats(floatsOf(ctx, "scales"), [ctx.dims(0).length]);
  const mode = ctx.string("mode", "nearest");
  const attributes = { mode, coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" };
  return again(ctx, [ctx.x(0), "", scales], attributes, "Resize");
};

function floatsOf(ctx: RuleContext, name: string): readonly number[] {
  const attribute = ctx.node.attributes.get(name);
  return attribute?.type === "floats" ? attribute.value : [];
}

const REDUCTIONS = ["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare"];

/** Operators whose signature or meaning changed on the way to opset 18, said as opset 18 says them. */
export const upgradeRewrites: readonly Rewrite[] = [
  ...REDUCTIONS.map((name) => ({ domain: "", op: `Reduce${name}`, before: 18, parts: axesAsInput })),
  { domain: "", op: "ReduceSum", before: 13, parts: axesAsInput },
  ...["Softmax", "LogSoftmax", "Hardmax"].map((op) => ({
    domain: "",
    op,
    before: 13,
    parts: flattenedSoftmax,
  })),
  { domain: "", op: "Squeeze", before: 13, parts: reshaped },
  { domain: "", op: "Unsqueeze", before: 13, parts: reshaped },
  { domain: "", op: "Slice", before: 10, parts: slice },
  { domain: "", op: "Pad", before: 11, parts: pad },
  { domain: "", op: "Clip", before: 11, parts: clip },
  { domain: "", op: "Split", before: 18, parts: split },
  // An omitted output crashes the runtime.
  { domain: "", op: "Split", applies: (node) => node.outputs.includes(""), parts: split },
  { domain: "", op: "TopK", before: 10, parts: topK },
  { domain: "", op: "BatchNormalization", before: 14, parts: batchNormalization },
  {
    domain: "",
    op: "Dropout",
    before: 12,
    applies: (node) => node.outputs.length === 1,
    parts: (ctx) => [ctx.x(0)],
  },
  { domain: "", op: "Upsample", before: 10, parts: upsample },
  { domain: "", op: "Resize", before: 11, parts: upsample },
  {
    domain: "",
    op: "Scatter",
    before: 11,
    parts: (ctx) => again(ctx, present(ctx), attributesWithout(ctx), "ScatterElements"),
  },
  {
    domain: "",
    op: "RoiAlign",
    before: 16,
    parts: (ctx) =>
      again(ctx, present(ctx), {
        ...attributesWithout(ctx),
        coordinate_transformation_mode: "output_half_pixel",
      }),
  },
];
