import type { RuleContext } from "../rule.ts";
import { range } from "../shapes.ts";
import { type Attended, attend, causalBias, maskBias, mergeHeads, splitHeads } from "./attention-core.ts";
import type { Rewrite } from "./rewrite.ts";

function optional(ctx: RuleContext, i: number): string | undefined {
  return ctx.hasInput(i) ? ctx.x(i) : undefined;
}

/** Adds the new keys (or values) [B, N, T, H] behind the past ones. */
function withPast(ctx: RuleContext, past: string | undefined, x: string): string {
  return past === undefined || ctx.g.dims(past)[2] === 0 ? x : ctx.g.concat([past, x], 2);
}

/** Attention (since 23): the mask comes after the cap, a causal query sees the past and the keys up to its own. */
const attention: Rewrite["parts"] = (ctx) => {
  const { g } = ctx;
  const dtype = ctx.dtype(0);
  const flat = ctx.dims(0).length === 3;
  const heads = (i: number, count: string) => (flat ? splitHeads(g, ctx.x(i), ctx.int(count, 0)) : ctx.x(i));
  const q = heads(0, "q_num_heads");
  const past = ctx.hasInput(4) ? g.dims(ctx.x(4))[2]! : 0;
  const k = withPast(ctx, optional(ctx, 4), heads(1, "kv_num_heads"));
  const v = withPast(ctx, optional(ctx, 5), heads(2, "kv_num_heads"));
  const [time, span] = [g.dims(q)[2]!, g.dims(k)[2]!];
  const mask = optional(ctx, 3);
  const lengths = optional(ctx, 6);
  const biases: string[] = [];
  if (mask !== undefined) biases.push(padKeys(ctx, mask, span));
  if (lengths !== undefined) biases.push(lengthBias(ctx, lengths, span));
  const isCausal = ctx.int("is_causal", 0) === 1;
  if (isCausal && lengths !== undefined) biases.push(alignedCausalBias(ctx, lengths, time, span));
  else if (isCausal) biases.push(causalBias(g, time, span, past, dtype));
  const [left, right] = [ctx.int("left_window_size", -1), ctx.int("right_window_size", -1)];
  if (left >= 0 || right >= 0) {
    if (lengths !== undefined) ctx.refuse("a sliding window together with nonpad_kv_seqlen");
    biases.push(...windowBiases(ctx, time, span, past, left, right));
  }
  const scale = ctx.float("scale", 1 / Math.sqrt(g.dims(q)[3]!));
  const softcap = ctx.float("softcap", 0);
  const { y, scores } = attend(g, {
    q,
    k,
    v,
    scale,
    softcap,
    biases,
    mayMaskAll: mask !== undefined || lengths !== undefined,
  });
  return [flat ? mergeHeads(g, y) : y, k, v, scoresOutput(ctx, scores)];
};

/** Scores that the fourth output asks for. */
function scoresOutput(ctx: RuleContext, scores: Attended["scores"]): string | undefined {
  if (!ctx.hasOutput(3)) return undefined;
  const byMode = [
    scores.raw,
    ctx.opset >= 24 ? scores.capped : scores.biased,
    ctx.opset >= 24 ? scores.biased : scores.capped,
    scores.probabilities,
  ];
  return byMode[ctx.int("qk_matmul_output_mode", 0)];
}

/** The mask as a bias over all keys; keys that it does not reach are hidden. */
function padKeys(ctx: RuleContext, mask: string, span: number): string {
  const { g } = ctx;
  const dtype = ctx.dtype(0);
  const bias = g.value(mask).dtype === "bool" ? maskBias(g, mask, dtype) : g.cast(mask, dtype);
  const dims = g.dims(bias);
  const missing = span - dims.at(-1)!;
  if (missing <= 0 || dims.at(-1) === 1) return bias;
  return g.concat(
    [bias, g.full([...dims.slice(0, -1), missing], Number.NEGATIVE_INFINITY, dtype)],
    dims.length - 1,
  );
}

/** Hides the keys from a row's length on: [B] -> [B, 1, 1, S]. */
function lengthBias(ctx: RuleContext, lengths: string, span: number): string {
  const { g } = ctx;
  const column = g.reshape(g.cast(lengths, "int64"), [g.dims(lengths)[0]!, 1, 1, 1]);
  return maskBias(g, g.greater(column, g.ints(range(span))), ctx.dtype(0));
}

/** Hides key j from query t where j > t + length - T: the queries are the last ones of a row. */
function alignedCausalBias(ctx: RuleContext, lengths: string, time: number, span: number): string {
  const { g } = ctx;
  const ends = g.reshape(g.cast(lengths, "int64"), [g.dims(lengths)[0]!, 1, 1, 1]);
  const firstHidden = g.add(
    ends,
    g.ints(
      range(time).map((t) => t + 1 - time),
      [time, 1],
    ),
  );
  return maskBias(g, g.greater(firstHidden, g.ints(range(span))), ctx.dtype(0));
}

/** Hides keys more than `left` before or `right` behind a query's own position; -1: no bound. */
function windowBiases(
  ctx: RuleContext,
  time: number,
  span: number,
  past: number,
  left: number,
  right: number,
): string[] {
  const { g } = ctx;
  const hidden = g.full([time, span], Number.NEGATIVE_INFINITY, ctx.dtype(0));
  const triangle = (k: number, upper: number) => g.op("Trilu", [hidden, g.ints([k], [])], { upper });
  return [
    ...(left >= 0 ? [triangle(past - left - 1, 0)] : []),
    ...(right >= 0 ? [triangle(past + right + 1, 1)] : []),
  ];
}

/** com.microsoft:MultiHeadAttention: a bias over q, k, v, padding as a large negative number. */
const multiHeadAttention: Rewrite["parts"] = (ctx) => {
  const { g } = ctx;
  const dtype = ctx.dtype(0);
  const heads = ctx.int("num_heads", 1);
  const { q, k, v } = projections(ctx, heads);
  const pastK = optional(ctx, 6);
  const keys = withPast(ctx, pastK, k);
  const values = withPast(ctx, optional(ctx, 7), v);
  const [time, span] = [g.dims(q)[2]!, g.dims(keys)[2]!];
  const biases: string[] = [];
  const padding = optional(ctx, 4);
  if (padding !== undefined) biases.push(paddingBias(ctx, padding, span));
  const bias = optional(ctx, 5);
  if (bias !== undefined) biases.push(bias);
  if (ctx.int("unidirectional", 0) === 1) biases.push(causalBias(g, time, span, span - time, dtype));
  const given = ctx.float("scale", 0);
  const scale = given === 0 ? 1 / Math.sqrt(g.dims(q)[3]!) : given;
  const { y } = attend(g, { q, k: keys, v: values, scale, softcap: 0, biases, mayMaskAll: false });
  return [mergeHeads(g, y), keys, values];
};

/** q, k, v [B, N, T, H]; keys and values may come in heads already. */
function projections(ctx: RuleContext, heads: number): { q: string; k: string; v: string } {
  const { g } = ctx;
  const dims = ctx.dims(0);
  const bias = optional(ctx, 3);
  if (dims.length !== 3 || (ctx.dims(1).length !== 3 && ctx.dims(1).length !== 4))
    ctx.refuse("q, k, v packed in one input");
  const hidden = dims[2]!;
  const valueWidth = bias === undefined ? 0 : g.dims(bias)[0]! - 2 * hidden;
  const parts = bias === undefined ? undefined : g.split(bias, [hidden, hidden, valueWidth], 0);
  const biased = (x: string, i: number) => (parts === undefined ? x : g.add(x, parts[i]!));
  const q = splitHeads(g, biased(ctx.x(0), 0), heads);
  if (ctx.dims(1).length === 4) return { q, k: ctx.x(1), v: ctx.x(2) };
  return { q, k: splitHeads(g, biased(ctx.x(1), 1), heads), v: splitHeads(g, biased(ctx.x(2), 2), heads) };
}

/** Padding [B] (lengths), [B, S] or [B, T, S] (1 = a key that counts) as a bias of `mask_filter_value`. */
function paddingBias(ctx: RuleContext, padding: string, span: number): string {
  const { g } = ctx;
  const dims = g.dims(padding);
  const hidden = ctx.float("mask_filter_value", -10000);
  const shown = (mask: string) => maskBias(g, mask, ctx.dtype(0), hidden);
  if (dims.length === 1) {
    if (dims[0] !== ctx.dims(0)[0]) ctx.refuse("a padding mask of start and end positions");
    const column = g.reshape(g.cast(padding, "int64"), [dims[0]!, 1, 1, 1]);
    return shown(g.greater(column, g.ints(range(span))));
  }
  const mask = g.greater(g.cast(padding, "int64"), g.ints([0]));
  return shown(
    g.reshape(mask, dims.length === 2 ? [dims[0]!, 1, 1, dims[1]!] : [dims[0]!, 1, dims[1]!, dims[2]!]),
  );
}

/**
 * com.microsoft:GroupQueryAttention, always causal. `seqlens_k` is a row's length with its past, less 1; a window of w sees
 * the key itself and the w - 1 before.
 */
const groupQueryAttention: Rewrite["parts"] = (ctx) => {
  const { g } = ctx;
  const dtype = ctx.dtype(0);
  const [heads, kvHeads] = [ctx.int("num_heads", 1), ctx.int("kv_num_heads", 1)];
  const { q, k, v } = groupedProjections(ctx, heads, kvHeads);
  const [batch, , time, width] = g.dims(q) as [number, number, number, number];
  const pastSpan = ctx.hasInput(3) ? ctx.dims(3)[2]! : 0;
  const positions = pastSpan === 0 ? g.ints([0]) : pastLengths(ctx, time);
  const rotated = (x: string) => (ctx.int("do_rotary", 0) === 1 ? rotate(ctx, x, positions, batch) : x);
  const keys = withPast(ctx, optional(ctx, 3), rotated(k));
  const values = withPast(ctx, optional(ctx, 4), v);
  const span = pastSpan + time;
  const localWindow = ctx.int("local_window_size", -1);
  const biases: string[] = [];
  if (pastSpan > 0) {
    if (localWindow > 0) ctx.refuse("a local window together with a past");
    // Past rows beyond a row's own length hold nothing.
    const limit = g.reshape(positions, [batch, 1, 1, 1]);
    const isPast = g.greater(limit, g.ints(range(span)));
    const isNew = g.greater(g.ints(range(span)), g.ints([pastSpan - 1]));
    biases.push(maskBias(g, g.op("Or", [isPast, isNew]), dtype));
  } else {
    // A query behind the end of its row (right padding) sees the whole row.
    const lengths = g.reshape(g.cast(ctx.x(5), "int64"), [batch]);
    biases.push(lengthBias(ctx, g.add(lengths, g.ints([1])), span));
  }
  biases.push(causalBias(g, time, span, pastSpan, dtype, Math.max(0, localWindow)));
  const bias = optional(ctx, 10);
  if (bias !== undefined) biases.push(g.slice(bias, 3, 0, Math.min(span, g.dims(bias)[3]!)));
  const given = ctx.float("scale", 0);
  const scale = given === 0 ? 1 / Math.sqrt(width) : given;
  const sink =
    optional(ctx, 11) ?? (ctx.int("smooth_softmax", 0) === 1 ? g.full([heads], 0, dtype) : undefined);
  const parts = {
    q: rotated(q),
    k: keys,
    v: values,
    scale,
    softcap: ctx.float("softcap", 0),
    biases,
    mayMaskAll: false,
  };
  const { y } = attend(g, sink === undefined ? parts : { ...parts, sink });
  return [mergeHeads(g, y), keys, values];
};

/** q [B, N, T, H], k and v [B, Nkv, T, H], packed in one input or not. */
function groupedProjections(
  ctx: RuleContext,
  heads: number,
  kvHeads: number,
): { q: string; k: string; v: string } {
  const { g } = ctx;
  if (ctx.hasInput(1)) {
    return {
      q: splitHeads(g, ctx.x(0), heads),
      k: splitHeads(g, ctx.x(1), kvHeads),
      v: splitHeads(g, ctx.x(2), kvHeads),
    };
  }
  const width = ctx.dims(0)[2]! / (heads + 2 * kvHeads);
  const [q, k, v] = g.split(ctx.x(0), [heads * width, kvHeads * width, kvHeads * width], 2);
  return { q: splitHeads(g, q!, heads), k: splitHeads(g, k!, kvHeads), v: splitHeads(g, v!, kvHeads) };
}

/** Number of past positions of each row [B]: its length less the new ones. */
function pastLengths(ctx: RuleContext, time: number): string {
  const { g } = ctx;
  const lengths = g.cast(g.reshape(ctx.x(5), [ctx.dims(0)[0]!]), "int64");
  return g.add(lengths, g.ints([1 - time]));
}

/** Rotates [B, N, T, H] by positions that start at `starts` [1] or [B]. */
function rotate(ctx: RuleContext, x: string, starts: string, batch: number): string {
  const { g } = ctx;
  const time = g.dims(x)[2]!;
  const running = g.add(g.reshape(starts, [g.dims(starts)[0]!, 1]), g.ints(range(time)));
  const ids = ctx.hasInput(9) ? g.cast(ctx.x(9), "int64") : g.expand(running, [batch, time]);
  const dim = ctx.dims(7)[1]! * 2;
  const full = dim === g.dims(x)[3];
  const attributes = {
    interleaved: ctx.int("rotary_interleaved", 0),
    ...(full ? {} : { rotary_embedding_dim: dim, num_heads: g.dims(x)[1]! }),
  };
  return g.op("RotaryEmbedding", [x, ids, ctx.x(7), ctx.x(8)], attributes, {
    domain: "com.microsoft",
    out: [g.value(x)],
  });
}

/**
 * Attention operators in their parts, so that the forward and the backward pass share the probabilities.
 *
 * shapes  q [B, N, T, H]   k, v [B, Nkv, S, H]   scores [B, N, T, S]
 */
export const attentionRewrites: readonly Rewrite[] = [
  { domain: "", op: "Attention", parts: attention },
  { domain: "com.microsoft", op: "MultiHeadAttention", parts: multiHeadAttention },
  { domain: "com.microsoft", op: "GroupQueryAttention", parts: groupQueryAttention },
];
