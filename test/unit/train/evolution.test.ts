import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  appendReading,
  categoryOf,
  countStatuses,
  type EvolutionTable,
  emptyTable,
  historyOf,
  type Reading,
  STATUSES,
  type Status,
  statusOf,
  summarise,
} from "../../../src/train/evolution.ts";

/** All strips of right (`+`) and wrong (`-`) readings of at most six. */
const STRIPS = Array.from({ length: 7 }, (_, length) =>
  Array.from({ length: 2 ** length }, (_, bits) => bits.toString(2).padStart(length, "0").slice(0, length)),
)
  .flat()
  .map((bits) => bits.replaceAll("1", "+").replaceAll("0", "-"))
  .filter((strip, i, all) => all.indexOf(strip) === i);

/** The definitions as people read them. */
const DEFINITIONS: Readonly<Record<Status, (strip: string) => boolean>> = {
  known: (s) => /^\++$/.test(s),
  learned: (s) => s.endsWith("+") && s.includes("-") && (s.match(/\+-/g) ?? []).length < 2,
  wobbling: (s) => s.endsWith("+") && (s.match(/\+-/g) ?? []).length >= 2,
  regressed: (s) => s.endsWith("-") && s.includes("+"),
  struggling: (s) => /^-{3,}$/.test(s),
  new: (s) => /^-{0,2}$/.test(s),
};

const readings = fc
  .record({ examples: fc.integer({ min: 1, max: 6 }), rows: fc.integer({ min: 1, max: 6 }) })
  .chain(({ examples, rows }) => {
    const each = <T>(of: fc.Arbitrary<T>) => fc.array(of, { minLength: examples, maxLength: examples });
    const cell = fc.record({
      loss: fc.float({ min: 0, max: 8, noNaN: true }),
      confidence: fc.float({ min: 0, max: 1, noNaN: true }),
      correct: fc.boolean(),
      prediction: fc.constantFrom("", "git init", "git add", "é"),
    });
    return fc.array(each(cell), { minLength: rows, maxLength: rows });
  });

function readingOf(
  cells: readonly { loss: number; confidence: number; correct: boolean; prediction: string }[],
  row: number,
): Reading {
  return {
    step: row * 10,
    learningRate: 0.1 / (row + 1),
    position: row * 80,
    timeMs: 1000 + row,
    loss: Float32Array.from(cells, (c) => c.loss),
    confidence: Float32Array.from(cells, (c) => c.confidence),
    correct: Uint8Array.from(cells, (c) => Number(c.correct)),
    predictions: cells.map((c) => c.prediction),
  };
}

function tableOf(rows: readonly Reading[]): EvolutionTable {
  const ids = Array.from({ length: rows[0]?.predictions.length ?? 0 }, (_, i) => `id${i}`);
  return rows.reduce(appendReading, emptyTable(ids));
}

describe("status of an example [R4.3]", () => {
  it("is exactly one for each of the 127 strips of up to six readings, as defined", () => {
    expect(STRIPS).toHaveLength(127);
    for (const strip of STRIPS) {
      const fitting = STATUSES.filter((status) => DEFINITIONS[status](strip));
      expect(fitting, `'${strip}'`).toHaveLength(1);
      expect(statusOf([...strip].map((c) => c === "+")), `'${strip}'`).toBe(fitting[0]);
    }
  });

  it("falls into three categories; not learned is wrong throughout with a loss that fell by less than a tenth", () => {
    for (const strip of STRIPS) {
      const status = statusOf([...strip].map((c) => c === "+"));
      for (const [losses, fell] of [
        [[2, 2], false],
        [[2, 1.81], false],
        [[2, 1.79], true],
        [[2, 3], false],
      ] as const) {
        const expected = strip.endsWith("+")
          ? "learned"
          : !strip.includes("+") && !fell
            ? "not learned"
            : "struggling";
        expect(categoryOf(status, losses), `'${strip}' ${losses}`).toBe(expected);
      }
    }
  });
});

describe("the evolution of a training [R4.2 R4.3]", () => {
  it("gives back what each reading said of each example", () => {
    fc.assert(
      fc.property(readings, (cells) => {
        const rows = cells.map(readingOf);
        const table = tableOf(rows);
        expect(table.steps).toEqual(rows.map((r) => r.step));
        expect(new Set(table.texts).size).toBe(table.texts.length);
        table.examples.forEach((id, column) => {
          const history = historyOf(table, column);
          expect(history).toMatchObject({
            id,
            strip: cells.map((row) => row[column]!.correct),
            loss: cells.map((row) => row[column]!.loss),
            confidence: cells.map((row) => row[column]!.confidence),
            predictions: cells.map((row) => row[column]!.prediction),
          });
          const right = history.strip;
          const learnedAt = right.at(-1) ? table.steps[right.lastIndexOf(false) + 1] : undefined;
          expect(history.learnedAt).toBe(learnedAt);
        });
      }),
    );
  });

  it("leaves the table it was added to as it was", () => {
    const first = readingOf([{ loss: 1, confidence: 0.5, correct: false, prediction: "a" }], 0);
    const table = tableOf([first]);
    const copy = structuredClone(table);
    appendReading(table, readingOf([{ loss: 2, confidence: 0.1, correct: true, prediction: "b" }], 1));
    expect(table).toEqual(copy);
  });

  it("is summed up a reading: who learned, who regressed, whose loss moved by more than 5 %", () => {
    fc.assert(
      fc.property(readings, (cells) => {
        const table = tableOf(cells.map(readingOf));
        cells.forEach((row, at) => {
          const before = cells[at - 1];
          const n = (test: (now: (typeof row)[number], was: (typeof row)[number]) => boolean) =>
            before === undefined ? 0 : row.filter((cell, i) => test(cell, before[i]!)).length;
          const summary = summarise(table, at);
          expect(summary).toMatchObject({
            step: at * 10,
            examples: row.length,
            correct: row.filter((c) => c.correct).length,
            learned: n((now, was) => now.correct && !was.correct),
            regressed: n((now, was) => !now.correct && was.correct),
            improving: n((now, was) => now.loss < was.loss * 0.95),
            regressing: n((now, was) => now.loss > was.loss * 1.05),
          });
          expect(summary.improving + summary.regressing + summary.stable).toBe(row.length);
          expect(summary.accuracy).toBeCloseTo(summary.correct / row.length, 12);
          expect(summary.loss).toBeCloseTo(row.reduce((sum, c) => sum + c.loss, 0) / row.length, 5);
          const some = [row.length - 1];
          expect(summarise(table, at, some)).toMatchObject({
            loss: row.at(-1)!.loss,
            accuracy: Number(row.at(-1)!.correct),
            correct: summary.correct,
          });
        });
      }),
    );
  });

  it("counts every example once", () => {
    fc.assert(
      fc.property(readings, (cells) => {
        const table = tableOf(cells.map(readingOf));
        const counts = countStatuses(table);
        expect(Object.values(counts).reduce((a, b) => a + b, 0)).toBe(table.examples.length);
        for (const status of STATUSES)
          expect(counts[status]).toBe(
            table.examples.filter((_, c) => historyOf(table, c).status === status).length,
          );
      }),
    );
  });
});
