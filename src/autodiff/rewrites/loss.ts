import type { RuleContext } from "../rule.ts";
import { range } from "../shapes.ts";
import type { Rewrite } from "./rewrite.ts";

/**
 * Negative log-likelihood of `labels` under `logProb`: `mean` divides by the summed weights of the labels that count. An ignored
 * label need not be a class.
 *
 * shapes  logProb [N, C, ...]   labels [N, ...]   weights [C]
 */
function likelihood(ctx: RuleContext, logProb: string): string {
  const { g } = ctx;
  const { dtype } = g.value(logProb);
  const labels = g.cast(ctx.x(1), "int64");
  const labelDims = ctx.dims(1);
  const ignored = ctx.hasAttribute("ignore_index") ? g.ints([ctx.int("ignore_index", 0)], []) : undefined;
  const counts = ignored === undefined ? undefined : g.unary("Not", g.equal(labels, ignored));
  const classes = counts === undefined ? labels : g.where(counts, labels, g.ints([0], []));
  const column = g.reshape(classes, [labelDims[0]!, 1, ...labelDims.slice(1)]);
  const picked = g.op(
    "GatherElements",
    [logProb, column],
    { axis: 1 },
    { out: [{ dtype, dims: g.dims(column) }] },
  );
  const weights = ctx.hasInput(2) ? g.gather(ctx.x(2), classes, 0) : undefined;
  const loss = g.unary("Neg", g.reshape(picked, labelDims));
  const weighted = weights === undefined ? loss : g.mul(loss, weights);
  const each = counts === undefined ? weighted : g.keep(counts, weighted);
  const reduction = ctx.string("reduction", "mean");
  if (reduction === "none") return each;
  const all = range(labelDims.length);
  const total = g.sum(each, all, false);
  if (reduction === "sum") return total;
  const full = weights ?? g.full(labelDims, 1, dtype);
  const divisor = counts === undefined ? full : g.keep(counts, full);
  return g.div(total, g.sum(divisor, all, false));
}

/** Losses in their parts; the log-probabilities of SoftmaxCrossEntropyLoss are an output of their own. */
export const lossRewrites: readonly Rewrite[] = [
  {
    domain: "",
    op: "SoftmaxCrossEntropyLoss",
    parts: (ctx) => {
      const logProb = ctx.g.op("LogSoftmax", [ctx.x(0)], { axis: 1 });
      return [likelihood(ctx, logProb), logProb];
    },
  },
  { domain: "", op: "NegativeLogLikelihoodLoss", parts: (ctx) => [likelihood(ctx, ctx.x(0))] },
];
