import type { DType } from "../../onnx/model.ts";
import type { GraphBuilder } from "../rule.ts";

export interface AttentionParts {
  /** [B, N, T, H] */
  readonly q: string;
  /** [B, N/G, S, H] */
  readonly k: string;
  /** [B, N/G, S, Hv] */
  readonly v: string;
  readonly scale: number;
  /** 0: none. */
  readonly softcap: number;
  /** Added to the scores after the cap; each broadcasts to [B, N, T, S]. */
  readonly biases: readonly string[];
  /** True where a row may be masked entirely: it attends to nothing and gives 0. */
  readonly mayMaskAll: boolean;
  /** One more logit a head [N] that takes part in the softmax and attends to nothing. */
  readonly sink?: string;
}

export interface Attended {
  /** [B, N, T, Hv] */
  readonly y: string;
  /** [B, N, T, S]: as they come from the product, capped, with biases, as probabilities. */
  readonly scores: {
    readonly raw: string;
    readonly capped: string;
    readonly biased: string;
    readonly probabilities: string;
  };
}

/**
 * Attention in its parts: softmax(cap(scale Q K^T) + biases) V. G heads that share a key are rows of one product, so
 * that no key or value is ever repeated.
 *
 * shapes  B batch, N heads, G heads a key, T queries, S keys, H width of a head
 */
export function attend(g: GraphBuilder, parts: AttentionParts): Attended {
  const [batch, heads, time, width] = g.dims(parts.q) as [number, number, number, number];
  const [, kvHeads, span] = g.dims(parts.k) as [number, number, number, number];
  const rows = (heads / kvHeads) * time;
  const full = [batch, heads, time, span];
  const grouped = [batch, kvHeads, rows, span];
  const q = g.reshape(parts.q, [batch, kvHeads, rows, width]);
  const raw = g.reshape(g.matMul(q, parts.k, { transB: true, alpha: parts.scale }), full);
  const capped =
    parts.softcap > 0 ? g.scale(g.unary("Tanh", g.scale(raw, 1 / parts.softcap)), parts.softcap) : raw;
  const bias = parts.biases.length === 0 ? undefined : parts.biases.reduce((a, b) => g.add(a, b));
  const biased = bias === undefined ? capped : g.add(capped, bias);
  const probabilities = softmaxOf(g, biased, parts);
  const y = g.matMul(g.reshape(probabilities, grouped), parts.v);
  const scores = { raw, capped, biased, probabilities };
  return { y: g.reshape(y, [batch, heads, time, g.dims(parts.v).at(-1)!]), scores };
}

function softmaxOf(g: GraphBuilder, scores: string, { sink, mayMaskAll }: AttentionParts): string {
  const { dtype, dims } = g.value(scores);
  if (sink !== undefined) {
    const column = g.expand(g.reshape(sink, [1, dims[1]!, 1, 1]), [...dims.slice(0, 3), 1]);
    const all = g.op("Softmax", [g.concat([scores, column], 3)], { axis: -1 });
    return g.slice(all, 3, 0, dims[3]!);
  }
  const probabilities = g.op("Softmax", [scores], { axis: -1 });
  return mayMaskAll
    ? g.where(g.unary("IsNaN", probabilities), g.scalar(0, dtype), probabilities)
    : probabilities;
}

/** [B, T, N H] -> [B, N, T, H]. */
export function splitHeads(g: GraphBuilder, x: string, heads: number): string {
  const [batch, time, width] = g.dims(x) as [number, number, number];
  return g.transpose(g.reshape(x, [batch, time, heads, width / heads]), [0, 2, 1, 3]);
}

/** [B, N, T, H] -> [B, T, N H]. */
export function mergeHeads(g: GraphBuilder, x: string): string {
  const [batch, heads, time, width] = g.dims(x) as [number, number, number, number];
  return g.reshape(g.transpose(x, [0, 2, 1, 3]), [batch, time, heads * width]);
}

/**
 * Bias [T, S] of a causal mask and a sliding window: query t stands at key position t + offset and sees the keys up to its own,
 * at most `window` of them (0: all). -inf elsewhere.
 */
export function causalBias(
  g: GraphBuilder,
  time: number,
  span: number,
  offset: number,
  dtype: DType,
  window = 0,
): string {
  const hidden = g.full([time, span], Number.NEGATIVE_INFINITY, dtype);
  const at = (k: number) => g.ints([k], []);
  const future = g.op("Trilu", [hidden, at(offset + 1)], { upper: 1 });
  if (window === 0) return future;
  return g.add(future, g.op("Trilu", [hidden, at(offset - window)], { upper: 0 }));
}

/** Bias from a mask: 0 where it holds, `hidden` elsewhere. */
export function maskBias(
  g: GraphBuilder,
  mask: string,
  dtype: DType,
  hidden = Number.NEGATIVE_INFINITY,
): string {
  return g.where(mask, g.scalar(0, dtype), g.scalar(hidden, dtype));
}
