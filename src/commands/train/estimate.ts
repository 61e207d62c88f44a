import type { EnginePlan } from "../../train/job.ts";
import { snapshotSteps } from "../../train/schedule.ts";

/** Float operations a second that a plan counts on; the step line knows better soon. */
const ASSUMED_FLOPS = 6e10;
/** Graphs made and opened before the first step. */
const START_MS = 1000;
/** What a step costs beside its float operations. */
const STEP_MS = 3;
/** An answer written out for a reading, batched, beside the float operations of its loss. */
const ANSWER_MS = 5;

/** How long a run may take, in milliseconds: steps, and readings of the tracked examples. */
export function estimateDurationMs(plan: EnginePlan, customSnapshots?: readonly number[]): number {
  const { recipe, steps, tokens, probe, frozen, trainable } = plan;
  const parameters = frozen + trainable;
  const operationsMs = (perToken: number, count: number) =>
    (perToken * parameters * count * 1000) / ASSUMED_FLOPS;
  const rows =
    steps * Number(recipe.per_device_train_batch_size) * Number(recipe.gradient_accumulation_steps);
  const tokensPerRow = rows === 0 ? 0 : tokens / rows;
  const readingMs =
    probe.examples * (operationsMs(2, tokensPerRow) + (recipe.task === "text-generation" ? ANSWER_MS : 0));
  const readings = probe.examples === 0 ? 0 : snapshotSteps(steps, customSnapshots).length;
  return Math.round(START_MS + steps * STEP_MS + operationsMs(4, tokens) + readings * readingMs);
}
