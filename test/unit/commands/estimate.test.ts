import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { estimateDurationMs } from "../../../src/commands/train/estimate.ts";
import type { EnginePlan } from "../../../src/train/job.ts";

const planOf = (p: { steps: number; batch: number; length: number; weights: number; probe: number }) =>
  ({
    recipe: {
      per_device_train_batch_size: p.batch,
      gradient_accumulation_steps: 1,
      task: "text-generation",
    },
    steps: p.steps,
    tokens: p.steps * p.batch * p.length,
    trainable: 1000,
    frozen: p.weights,
    probe: { examples: p.probe, of: p.probe },
  }) as unknown as EnginePlan;

const sizes = fc.record({
  steps: fc.integer({ min: 1, max: 10_000 }),
  batch: fc.integer({ min: 1, max: 64 }),
  length: fc.integer({ min: 1, max: 2048 }),
  weights: fc.integer({ min: 1, max: 1e9 }),
  probe: fc.integer({ min: 0, max: 512 }),
});

describe("the time that a plan names", () => {
  it("is whole, grows with everything that costs, and is never nothing", () => {
    fc.assert(
      fc.property(sizes, fc.constantFrom("steps", "batch", "length", "weights", "probe"), (size, key) => {
        const ms = estimateDurationMs(planOf(size));
        expect(Number.isSafeInteger(ms) && ms >= 1000).toBe(true);
        expect(estimateDurationMs(planOf({ ...size, [key]: size[key] * 2 }))).toBeGreaterThanOrEqual(ms);
      }),
    );
  });

  it("counts the readings: none without a probe, more of them by a schedule with more", () => {
    const size = { steps: 100, batch: 8, length: 32, weights: 1e6, probe: 100 };
    const without = estimateDurationMs(planOf({ ...size, probe: 0 }));
    const usual = estimateDurationMs(planOf(size));
    const dense = estimateDurationMs(
      planOf(size),
      Array.from({ length: 50 }, (_, i) => i),
    );
    expect(without).toBeLessThan(usual);
    expect(usual).toBeLessThan(dense);
  });
});
