import type { Recipe } from "./recipe.ts";

/**
 * Learning rate of the optimizer step that comes after `done` steps. With L = learning_rate, w = warmup_steps, S = max_steps:
 * `constant`: L. Else done < w: L * done / w; then `linear`: L * (S - done) / (S - w), `cosine`:
 * L * (1 + cos(pi * (done - w) / (S - w))) / 2, `constant_with_warmup`: L.
 * source  transformers/optimization.py
 */
export function learningRate(recipe: Recipe, done: number): number {
  const { learning_rate: peak, warmup_steps: warmup, max_steps: steps, lr_scheduler_type } = recipe;
  const shape = lr_scheduler_type.replace("_with_warmup", "");
  if (lr_scheduler_type === "constant") return peak;
  if (done < warmup) return (peak * done) / Math.max(1, warmup);
  if (shape === "constant") return peak;
  const progress = (done - warmup) / Math.max(1, steps - warmup);
  if (shape === "linear") return peak * Math.max(0, 1 - progress);
  return peak * Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
}

/** Steps at which the probe is read by default: 0, dense early, then by 2.5 and 2, and the last step. */
const READINGS = [0, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000] as const;

/** Steps at which the probe is read in a run of `steps` steps; above 5000 every 5000. `custom` replaces the default list. */
export function snapshotSteps(steps: number, custom?: readonly number[]): readonly number[] {
  const list: number[] = [...(custom ?? READINGS)];
  if (custom === undefined) for (let s = 10_000; s < steps; s += 5_000) list.push(s);
  return [...new Set([0, ...list.filter((s) => s >= 0 && s < steps), steps])].sort((a, b) => a - b);
}
