import type { Recipe } from "./recipe.ts";

/** Trainable state: three float32 vectors of equal length P. `theta` are the parameters, `m` and `v` AdamW's moments. */
export interface OptimizerState {
  readonly theta: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
}

/** 2-norm of a vector, summed in float64. */
export function norm2(gradient: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < gradient.length; i++) sum += gradient[i]! * gradient[i]!;
  return Math.sqrt(sum);
}

/** Factor of clipping by global norm: min(1, maxNorm / (norm + 1e-6)); 1 where maxNorm is 0. Source: torch.nn.utils.clip_grad_norm_. */
export function clipFactor(norm: number, maxNorm: number): number {
  return maxNorm > 0 ? Math.min(1, maxNorm / (norm + 1e-6)) : 1;
}

/**
 * One AdamW step in place, t = 1, 2, ... counted from the start of the run:
 *
 *   g = scale * gradient      p = p (1 - a wd) where decay      m = b1 m + (1 - b1) g      v = b2 v + (1 - b2) g^2
 *   p = p - a (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
 *
 * shapes  all [P]; `decay` is 1 where weight decay applies
 * dtype   float32 state, float64 arithmetic
 * source  Loshchilov & Hutter, arXiv:1711.05101
 */
export function adamwStep(
  state: OptimizerState,
  gradient: Float32Array,
  decay: Uint8Array,
  t: number,
  learningRate: number,
  scale: number,
  recipe: Pick<Recipe, "adam_beta1" | "adam_beta2" | "adam_epsilon" | "weight_decay">,
): void {
  const { adam_beta1: b1, adam_beta2: b2, adam_epsilon: eps, weight_decay: weightDecay } = recipe;
  const { theta, m, v } = state;
  const stepSize = learningRate / (1 - b1 ** t);
  const root = Math.sqrt(1 - b2 ** t);
  const shrink = 1 - learningRate * weightDecay;
  for (let i = 0; i < theta.length; i++) {
    const g = gradient[i]! * scale;
    const mi = b1 * m[i]! + (1 - b1) * g;
    const vi = b2 * v[i]! + (1 - b2) * g * g;
    m[i] = mi;
    v[i] = vi;
    const p = decay[i] === 1 ? theta[i]! * shrink : theta[i]!;
    theta[i] = p - (stepSize * mi) / (Math.sqrt(vi) / root + eps);
  }
}
