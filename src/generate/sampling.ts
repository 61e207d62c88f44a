import { IngotError } from "../base/errors.ts";
import { random01 } from "../base/prng.ts";

/** How the next token is chosen. */
export interface Sampling {
  /** Logits are divided by it; 0 takes the best token always. */
  readonly temperature: number;
  /** Keeps the best tokens whose probabilities sum to this; 1 keeps all. */
  readonly topP?: number | undefined;
  /** Keeps this many of the best tokens; 0 keeps all. */
  readonly topK?: number | undefined;
  readonly seed?: number | undefined;
}

export const GREEDY: Sampling = { temperature: 0 };

/** Stream of the generator, so that no draw repeats one of a training. */
const STREAM = 3;

/** Throws `usage.flag` for values outside their ranges. */
export function checkSampling({ temperature, topP = 1, topK = 0, seed = 0 }: Sampling): void {
  const rules: readonly (readonly [string, boolean, string])[] = [
    ["temperature", temperature >= 0 && temperature <= 100, "a number from 0 to 100"],
    ["top-p", topP > 0 && topP <= 1, "a number above 0, at most 1"],
    ["top-k", Number.isSafeInteger(topK) && topK >= 0, "a whole number from 0"],
    ["seed", Number.isSafeInteger(seed) && seed >= 0, "a whole number from 0"],
  ];
  for (const [name, ok, expected] of rules) {
    if (!ok) throw new IngotError("usage.flag", `--${name} must be ${expected}`);
  }
}

/** The first of the largest logits. Throws `input.tensor` where one is no number. */
export function argMax(logits: Float32Array): number {
  let best = 0;
  for (let i = 0; i < logits.length; i++) {
    const value = logits[i]!;
    if (value > logits[best]!) best = i;
    else if (Number.isNaN(value)) {
      throw new IngotError("input.tensor", "the model answers with numbers that are none (NaN)", {
        hint: "its weights may be damaged: look at 'ingot show'",
      });
    }
  }
  return best;
}

/** The next token, a pure function of the logits, the sampling and the number of the step. */
export function chooseToken(logits: Float32Array, sampling: Sampling, step: number): number {
  const best = argMax(logits);
  if (sampling.temperature === 0) return best;
  const kept = candidates(logits, sampling);
  const largest = logits[best]!;
  const weights = kept.map((id) => Math.exp((logits[id]! - largest) / sampling.temperature));
  const nucleus = withinTopP(weights, sampling.topP ?? 1);
  const total = weights.slice(0, nucleus).reduce((sum, weight) => sum + weight, 0);
  let left = random01(sampling.seed ?? 0, STREAM, step) * total;
  for (let i = 0; i < nucleus; i++) {
    left -= weights[i]!;
    if (left < 0) return kept[i]!;
  }
  return kept[nucleus - 1]!;
}

/** Ids by falling logit; equal ones by rising id. */
function candidates(logits: Float32Array, { topK = 0 }: Sampling): number[] {
  const ids = Array.from(logits, (_, id) => id).sort((a, b) => logits[b]! - logits[a]! || a - b);
  return topK > 0 ? ids.slice(0, topK) : ids;
}

/** How many of the falling weights reach the share. */
function withinTopP(weights: readonly number[], share: number): number {
  if (share >= 1) return weights.length;
  const goal = share * weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  for (let i = 0; i < weights.length; i++) {
    sum += weights[i]!;
    if (sum >= goal) return i + 1;
  }
  return weights.length;
}
