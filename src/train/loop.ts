import { IngotError } from "../base/errors.ts";
import { adamwStep, clipFactor, norm2, type OptimizerState } from "./adamw.ts";
import type { Recipe } from "./recipe.ts";
import { learningRate } from "./schedule.ts";

/** Gradient of one micro-batch, added to `sum`; returns its share of the step's loss. */
export interface MicroBatch {
  /** Labels that count. */
  readonly labels: number;
  /** Positions that hold real data. */
  readonly tokens: number;
  /** Adds the gradient of (loss sum / totalLabels) to `gradient` [P] and returns that loss. */
  run(gradient: Float32Array, totalLabels: number): Promise<number>;
}

export interface LoopParts {
  readonly recipe: Recipe;
  /** In place. */
  readonly state: OptimizerState;
  readonly decay: Uint8Array;
  /** Steps done already. */
  readonly from: number;
  /** Micro-batches of the step that comes after `done` steps. */
  readonly batches: (done: number) => Promise<readonly MicroBatch[]>;
  readonly nowMs: () => number;
}

export interface Step {
  /** Steps done, this one included. */
  readonly step: number;
  /** Mean over the labels of the step, before the update. */
  readonly loss: number;
  /** 2-norm over all trainables, before clipping. */
  readonly gradNorm: number;
  readonly learningRate: number;
  readonly tokens: number;
  readonly durationMs: number;
}

/**
 * The training loop: one optimizer step after another, each yielded when its update is done; `state` is changed in place.
 * The loss of a step is one mean over the labels of all its micro-batches. Throws `input.tensor` at the first loss that is no number.
 */
export async function* trainSteps(parts: LoopParts): AsyncGenerator<Step> {
  const { recipe, state, decay } = parts;
  const gradient = new Float32Array(state.theta.length);
  for (let done = parts.from; done < recipe.max_steps; done++) {
    const started = parts.nowMs();
    const batches = await parts.batches(done);
    const labels = batches.reduce((sum, b) => sum + b.labels, 0);
    gradient.fill(0);
    let loss = 0;
    for (const batch of batches) if (batch.labels > 0) loss += await batch.run(gradient, labels);
    const gradNorm = norm2(gradient);
    if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) {
      throw new IngotError(
        "input.tensor",
        `the loss of step ${done + 1} is ${loss}, its gradient norm ${gradNorm}`,
        {
          hint: "lower --lr, or set max_grad_norm; every ref is where it was",
          data: { where: `step ${done + 1}` },
        },
      );
    }
    const rate = learningRate(recipe, done);
    adamwStep(state, gradient, decay, done + 1, rate, clipFactor(gradNorm, recipe.max_grad_norm), recipe);
    yield {
      step: done + 1,
      loss,
      gradNorm,
      learningRate: rate,
      tokens: batches.reduce((sum, b) => sum + b.tokens, 0),
      durationMs: parts.nowMs() - started,
    };
  }
}
