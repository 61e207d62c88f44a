import type { RuleContext } from "../rule.ts";
import { axisOf, range, sizeOf } from "../shapes.ts";
import type { Rewrite } from "./rewrite.ts";

/** Added to the deviation, not under the root. */
const MVN_EPSILON = 1e-9;

/** MeanVarianceNormalization: (X - mean) / (deviation + epsilon). */
const meanVariance: Rewrite["parts"] = (ctx) => {
  const { g } = ctx;
  const axes = ctx.ints("axes", [0, 2, 3]).map((axis) => axisOf(axis, ctx.dims(0).length));
  const centred = g.sub(ctx.x(0), g.mean(ctx.x(0), axes));
  const deviation = g.unary("Sqrt", g.mean(g.mul(centred, centred), axes));
  return [g.div(centred, g.shift(deviation, MVN_EPSILON))];
};

/** LRN: Y = X / (bias + alpha / size * sum of X^2 over `size` neighbouring channels)^beta. */
const localResponse: Rewrite["parts"] = (ctx) => {
  const { g } = ctx;
  const [n = 1, c = 1, ...spatial] = ctx.dims(0);
  const size = ctx.int("size", 1);
  const [before, after] = [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)];
  const squares = g.reshape(g.mul(ctx.x(0), ctx.x(0)), [n, 1, c, sizeOf(spatial)]);
  const window = { kernel_shape: [size, 1], pads: [before, 0, after, 0], count_include_pad: 1 };
  const means = g.reshape(g.op("AveragePool", [squares], window, { out: [g.value(squares)] }), ctx.dims(0));
  const base = g.shift(g.scale(means, ctx.float("alpha", 1e-4)), ctx.float("bias", 1));
  return [g.mul(ctx.x(0), g.op("Pow", [base, ctx.num(-ctx.float("beta", 0.75))]))];
};

/** com.microsoft:EmbedLayerNormalization: word, position and segment embeddings, summed and normalised. */
const embedding: Rewrite["parts"] = (ctx) => {
  const { g } = ctx;
  const [, time = 0] = ctx.dims(0);
  const words = g.gather(ctx.x(2), ctx.x(0), 0);
  const positions = g.gather(ctx.x(3), ctx.hasInput(8) ? ctx.x(8) : g.ints(range(time)), 0);
  const both = g.add(words, positions);
  const sum = ctx.hasInput(1) && ctx.hasInput(4) ? g.add(both, g.gather(ctx.x(4), ctx.x(1), 0)) : both;
  const attributes = { axis: -1, epsilon: { float: ctx.float("epsilon", 1e-12) } };
  const y = g.op("LayerNormalization", [sum, ctx.x(5), ctx.x(6)], attributes, { out: [g.value(sum)] });
  return [y, maskIndex(ctx), sum];
};

/** Number of tokens of each row that the mask shows. */
function maskIndex(ctx: RuleContext): string | undefined {
  if (!ctx.hasOutput(1)) return undefined;
  return ctx.hasInput(7)
    ? ctx.g.sum(ctx.x(7), [1], false)
    : ctx.g.cast(ctx.g.full([ctx.dims(0)[0]!], 0, "int64"), "int32");
}

export const normalisationRewrites: readonly Rewrite[] = [
  { domain: "", op: "MeanVarianceNormalization", parts: meanVariance },
  { domain: "", op: "LRN", parts: localResponse },
  { domain: "com.microsoft", op: "EmbedLayerNormalization", parts: embedding },
];
