import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type LowRankTerm, lowRankNorm } from "../../../src/commands/low-rank-norm.ts";

/** The same by forming the matrix. */
function plainNorm(terms: readonly LowRankTerm[]): number {
  const first = terms[0]!;
  const [height, width] = [first.b.length / first.rank, first.a.length / first.rank];
  let sum = 0;
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      let value = 0;
      for (const { scale, rank, a, b } of terms)
        for (let k = 0; k < rank; k++) value += scale * b[i * rank + k]! * a[k * width + j]!;
      sum += value * value;
    }
  }
  return Math.sqrt(sum);
}

const floats = (length: number) =>
  fc.float32Array({ minLength: length, maxLength: length, min: -2, max: 2, noNaN: true });
const term = (height: number, width: number) =>
  fc.integer({ min: 1, max: 4 }).chain((rank) =>
    fc.record({
      scale: fc.constantFrom(1, 2, -1, 0.5),
      rank: fc.constant(rank),
      a: floats(rank * width),
      b: floats(height * rank),
    }),
  );
const sums = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }))
  .chain(([height, width]) => fc.array(term(height, width), { minLength: 1, maxLength: 3 }));

describe("norm of a sum of low-rank products", () => {
  it("equals that of the matrix", () => {
    fc.assert(
      fc.property(sums, (terms) => {
        const expected = plainNorm(terms);
        expect(Math.abs(lowRankNorm(terms) - expected)).toBeLessThanOrEqual(1e-4 * (1 + expected));
      }),
    );
  });

  it("of a term and its negative is 0", () => {
    fc.assert(
      fc.property(term(3, 4), (t) => {
        expect(lowRankNorm([t, { ...t, scale: -t.scale }])).toBeLessThan(1e-3);
      }),
    );
  });
});
