import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Schedule } from "../../../src/train/recipe.ts";
import { learningRate, snapshotSteps } from "../../../src/train/schedule.ts";
import { recipeOf } from "../../support/recipes.ts";

/** Formulas of transformers' schedulers, with L = 1: s steps done, w of warm-up, S in all. */
const AFTER_WARMUP: Readonly<Record<Schedule, (s: number, w: number, S: number) => number>> = {
  constant: () => 1,
  constant_with_warmup: () => 1,
  linear: (s, w, S) => (S - s) / (S - w),
  linear_with_warmup: (s, w, S) => (S - s) / (S - w),
  cosine: (s, w, S) => (1 + Math.cos((Math.PI * (s - w)) / (S - w))) / 2,
  cosine_with_warmup: (s, w, S) => (1 + Math.cos((Math.PI * (s - w)) / (S - w))) / 2,
};

describe("learning rate", () => {
  for (const [shape, formula] of Object.entries(AFTER_WARMUP)) {
    it(`of '${shape}' is its formula at every step`, () => {
      for (const steps of [1, 2, 7, 100]) {
        for (const warmup of [0, 1, 3, 50, 99].filter((w) => w < steps)) {
          const recipe = recipeOf({
            lr_scheduler_type: shape,
            warmup_steps: warmup,
            max_steps: steps,
            learning_rate: 3e-4,
          });
          for (let done = 0; done < steps; done++) {
            const share =
              shape === "constant" ? 1 : done < warmup ? done / warmup : formula(done, warmup, steps);
            expect(
              Math.abs(learningRate(recipe, done) - 3e-4 * share),
              `${steps} ${warmup} ${done}`,
            ).toBeLessThan(1e-18);
          }
        }
      }
    });
  }

  it("stays between 0 and the peak, with a warm-up longer than the run too", () => {
    const any = fc.record({
      shape: fc.constantFrom(...(Object.keys(AFTER_WARMUP) as Schedule[])),
      steps: fc.integer({ min: 1, max: 50 }),
      warmup: fc.integer({ min: 0, max: 80 }),
      done: fc.integer({ min: 0, max: 100 }),
    });
    fc.assert(
      fc.property(any, ({ shape, steps, warmup, done }) => {
        const recipe = recipeOf({
          lr_scheduler_type: shape,
          warmup_steps: warmup,
          max_steps: steps,
          learning_rate: 1,
        });
        const rate = learningRate(recipe, done);
        expect(rate).toBeGreaterThanOrEqual(0);
        expect(rate).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe("steps of the readings", () => {
  it.each([
    [1, [0, 1]],
    [10, [0, 10]],
    [11, [0, 10, 11]],
    [60, [0, 10, 25, 50, 60]],
    [600, [0, 10, 25, 50, 100, 250, 500, 600]],
    [5000, [0, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000]],
    [16_000, [0, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 15_000, 16_000]],
  ])("of %i steps [R4.1]", (steps, expected) => {
    expect(snapshotSteps(steps)).toEqual(expected);
  });

  it("of a list of one's own rise, begin with 0, end with the last step and hold no other", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.array(fc.nat(300)), (steps, custom) => {
        const read = snapshotSteps(steps, custom);
        const wanted = new Set([0, steps, ...custom.filter((s) => s < steps)]);
        expect(read).toEqual([...wanted].sort((a, b) => a - b));
      }),
    );
  });
});
