import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { argMax, checkSampling, chooseToken } from "../../../src/generate/sampling.ts";

const logits = fc.float32Array({ minLength: 2, maxLength: 40, noNaN: true, min: -50, max: 50 });

describe("choosing a token", () => {
  it("takes the first of the best without temperature", () => {
    expect(argMax(Float32Array.of(1, 3, 3, 2))).toBe(1);
    expect(argMax(Float32Array.of(-Infinity, -Infinity))).toBe(0);
    fc.assert(
      fc.property(logits, fc.nat(), (values, seed) => {
        expect(chooseToken(values, { temperature: 0, seed }, 0)).toBe(values.indexOf(Math.max(...values)));
        expect(chooseToken(values, { temperature: 2, topK: 1, seed }, 0)).toBe(
          values.indexOf(Math.max(...values)),
        );
      }),
    );
  });

  it("is a pure function that stays within top-k and top-p", () => {
    fc.assert(
      fc.property(
        logits,
        fc.nat(1000),
        fc.nat(50),
        fc.integer({ min: 1, max: 5 }),
        (values, seed, step, topK) => {
          const sampling = { temperature: 1, topK, seed };
          const chosen = chooseToken(values, sampling, step);
          expect(chooseToken(values.slice(), sampling, step)).toBe(chosen);
          expect(values.filter((value) => value > (values[chosen] as number)).length).toBeLessThan(topK);
          const nucleus = chooseToken(values, { temperature: 1, topP: 1e-9, seed }, step);
          expect(values[nucleus]).toBe(Math.max(...values));
        },
      ),
    );
  });

  it("follows the probabilities", () => {
    const values = Float32Array.from([0.5, 0.3, 0.2], Math.log);
    const counts = [0, 0, 0];
    for (let step = 0; step < 20_000; step++) {
      const chosen = chooseToken(values, { temperature: 1, seed: 7 }, step);
      counts[chosen] = (counts[chosen] ?? 0) + 1 / 20_000;
    }
    expect(counts.map((share) => Math.round(share * 20) / 20)).toEqual([0.5, 0.3, 0.2]);
  });

  it("refuses logits that are no numbers and settings out of range", () => {
    expect(() => argMax(Float32Array.of(1, Number.NaN))).toThrow(/NaN/);
    expect(() => argMax(Float32Array.of(Number.NaN, 1))).toThrow(/NaN/);
    for (const bad of [
      { temperature: -1 },
      { temperature: Number.NaN },
      { temperature: 1, topP: 0 },
      { temperature: 1, topP: 1.1 },
      { temperature: 1, topK: 0.5 },
      { temperature: 1, seed: -1 },
    ]) {
      expect(() => checkSampling(bad), JSON.stringify(bad)).toThrow(
        expect.objectContaining({ code: "usage.flag" }),
      );
    }
  });
});
