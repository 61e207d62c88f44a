import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IGNORED_LABEL, type LabelValues } from "../../../src/text/encoded.ts";
import { alignedLabels, countLabels, headFeeds, labelShift } from "../../../src/train/labels.ts";
import { TASKS } from "../../../src/train/recipe.ts";

const batches = fc
  .record({ rows: fc.integer({ min: 1, max: 5 }), width: fc.integer({ min: 1, max: 7 }) })
  .chain(({ rows, width }) =>
    fc
      .array(fc.oneof(fc.constant(IGNORED_LABEL), fc.nat(50)), {
        minLength: rows * width,
        maxLength: rows * width,
      })
      .map((values): LabelValues & { kind: "classes" } => ({
        kind: "classes",
        dims: [rows, width],
        values: Int32Array.from(values),
      })),
  );

/** What the position (row, t) predicts. */
function predicted({ dims, values }: LabelValues & { kind: "classes" }, shift: number): number[] {
  const [rows, width] = dims as [number, number];
  const out: number[] = [];
  for (let row = 0; row < rows; row++)
    for (let t = 0; t < width; t++)
      out.push(t + shift < width ? values[row * width + t + shift]! : IGNORED_LABEL);
  return out;
}

describe("labels", () => {
  it("are shifted by one for text generation alone", () => {
    for (const task of TASKS) expect(labelShift(task)).toBe(task === "text-generation" ? 1 : 0);
  });

  it("of a position are the next one's with shift 1, of no other row, and count where they are not -100", () => {
    fc.assert(
      fc.property(batches, fc.constantFrom(0 as const, 1 as const), (labels, shift) => {
        const expected = predicted(labels, shift);
        expect([...alignedLabels(labels, shift)]).toEqual(expected);
        expect(countLabels(labels, shift)).toBe(expected.filter((l) => l !== IGNORED_LABEL).length);
      }),
    );
  });

  it("weigh 1 / total where they count and nothing else, whatever is fed there", () => {
    fc.assert(
      fc.property(
        batches,
        fc.constantFrom(0 as const, 1 as const),
        fc.integer({ min: 1, max: 99 }),
        (labels, shift, total) => {
          const expected = predicted(labels, shift);
          const { target, weight } = headFeeds(labels, "cross_entropy", shift, total);
          expect([...(weight.data as Float32Array)]).toEqual(
            expected.map((l) => (l === IGNORED_LABEL ? 0 : Math.fround(1 / total))),
          );
          expect([...(target.data as BigInt64Array)]).toEqual(
            expected.map((l) => (l === IGNORED_LABEL ? 0n : BigInt(l))),
          );
        },
      ),
    );
  });

  it("of a row's class keep one a row; float targets all count", () => {
    const classes: LabelValues = { kind: "classes", dims: [3], values: Int32Array.of(2, -100, 0) };
    expect(countLabels(classes, 0)).toBe(2);
    const floats: LabelValues = { kind: "floats", dims: [2, 2], values: Float32Array.of(1, 2, 3, 4) };
    expect(countLabels(floats, 0)).toBe(4);
    const { target, weight } = headFeeds(floats, "mse", 0, 8);
    expect([target.dims, [...(target.data as Float32Array)]]).toEqual([
      [2, 2],
      [1, 2, 3, 4],
    ]);
    expect([...(weight.data as Float32Array)]).toEqual([0.125, 0.125, 0.125, 0.125]);
    expect(() => headFeeds(floats, "cross_entropy", 0, 8)).toThrow(/mse/);
  });
});
