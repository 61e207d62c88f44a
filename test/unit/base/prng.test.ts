import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { random01, random32 } from "../../../src/base/prng.ts";

const whole = fc.nat({ max: Number.MAX_SAFE_INTEGER });

describe("counter-based random numbers", () => {
  it("are functions of their arguments, whole and below 2^32, and in [0, 1)", () => {
    fc.assert(
      fc.property(whole, whole, whole, (seed, stream, index) => {
        const value = random32(seed, stream, index);
        expect(value).toBe(random32(seed, stream, index));
        expect(Number.isInteger(value) && value >= 0 && value < 2 ** 32).toBe(true);
        expect(random01(seed, stream, index)).toBe(value / 2 ** 32);
      }),
    );
  });

  it("repeat no more often than chance along the index, the stream, the seed and their high halves", () => {
    const count = 20_000;
    const along: Readonly<Record<string, (i: number) => number>> = {
      index: (i) => random32(1, 1, i),
      stream: (i) => random32(1, i, 1),
      seed: (i) => random32(i, 1, 1),
      "high half of the index": (i) => random32(1, 1, i * 2 ** 32),
      "high half of the seed": (i) => random32((i % 2 ** 20) * 2 ** 32, 1, 1),
    };
    for (const [name, draw] of Object.entries(along)) {
      const distinct = new Set(Array.from({ length: count }, (_, i) => draw(i))).size;
      // 0.05 repeats are expected among 20,000 of 2^32.
      expect(distinct, name).toBeGreaterThan(count - 5);
    }
  });

  it("spread evenly, bit by bit and neighbour by neighbour", () => {
    const count = 20_000;
    const values = Array.from({ length: count }, (_, i) => random01(42, 1000, i));
    const mean = values.reduce((a, b) => a + b) / count;
    expect(Math.abs(mean - 0.5)).toBeLessThan(5 / Math.sqrt(12 * count));
    const lag = values.slice(1).reduce((sum, v, i) => sum + (v - 0.5) * (values[i]! - 0.5), 0) / count;
    expect(Math.abs(lag)).toBeLessThan(5 / (12 * Math.sqrt(count)));
    for (let bit = 0; bit < 32; bit++) {
      const ones = values.filter((v) => ((v * 2 ** 32) / 2 ** bit) % 2 >= 1).length;
      expect(Math.abs(ones - count / 2), `bit ${bit}`).toBeLessThan(5 * Math.sqrt(count / 4));
    }
  });
});
