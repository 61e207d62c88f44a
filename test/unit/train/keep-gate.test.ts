import { describe, expect, it } from "vitest";
import { appendReading, emptyTable } from "../../../src/train/evolution.ts";
import { judgeKeep, type KeepLimits } from "../../../src/train/keep-gate.ts";

interface Before {
  readonly right: string;
  readonly loss: readonly number[];
}

function judge(readings: readonly Before[], heldOut: readonly number[] = [], limits?: KeepLimits) {
  const width = readings[0]?.right.length ?? 0;
  const table = readings.reduce(
    (so, { right, loss }, row) =>
      appendReading(so, {
        step: row,
        learningRate: 0,
        position: 0,
        timeMs: 0,
        loss: Float32Array.from(loss),
        confidence: new Float32Array(width),
        correct: Uint8Array.from(right, (c) => Number(c === "+")),
        predictions: Array.from(right),
      }),
    emptyTable(Array.from({ length: width }, (_, i) => `id${i}`)),
  );
  return judgeKeep(table, heldOut, limits);
}

const flat = (n: number, value = 1) => new Array<number>(n).fill(value);

describe("the keep gate", () => {
  it.each([
    ["nothing was read", [], true],
    ["the parent alone was read", [{ right: "++", loss: [1, 1] }], true],
    [
      "a tenth of the right ones is forgotten",
      [
        { right: "+".repeat(10), loss: flat(10) },
        { right: `${"+".repeat(9)}-`, loss: flat(10) },
      ],
      true,
    ],
    [
      "more than a tenth is forgotten",
      [
        { right: "+".repeat(10), loss: flat(10) },
        { right: `${"+".repeat(8)}--`, loss: flat(10) },
      ],
      false,
    ],
    [
      "the wrong ones stay wrong",
      [
        { right: "+---", loss: flat(4) },
        { right: "+---", loss: flat(4) },
      ],
      true,
    ],
    [
      "one of three is forgotten, others are learned",
      [
        { right: "+++---", loss: flat(6) },
        { right: "++-+++", loss: flat(6) },
      ],
      false,
    ],
    [
      "what was forgotten on the way is back",
      [
        { right: "++", loss: [1, 1] },
        { right: "--", loss: [1, 1] },
        { right: "++", loss: [1, 1] },
      ],
      true,
    ],
  ] as const)("where %s", (_, readings, keep) => {
    expect(judge(readings).keep).toBe(keep);
  });

  it("names the forgotten and says how many of how many", () => {
    const verdict = judge([
      { right: "+-++", loss: flat(4) },
      { right: "-++-", loss: flat(4) },
    ]);
    expect(verdict.forgotten).toEqual(["id0", "id3"]);
    expect(verdict.reasons).toEqual([
      "2 of 3 examples that were answered right are now answered wrong (allowed 10 %)",
    ]);
  });

  it.each([
    [1, 1.09, true],
    [1, 1.11, false],
    [2, 2.3, false],
    [0.5, 0.1, true],
    [1, Number.NaN, false],
    [1, Number.POSITIVE_INFINITY, false],
  ])("holds the mean held-out loss against the parent's: %d to %d", (before, after, keep) => {
    const readings = [
      { right: "---", loss: [9, before, before] },
      { right: "---", loss: [1, after, after] },
    ];
    expect(judge(readings, [1, 2]).keep).toBe(keep);
    expect(judge(readings).keep).toBe(true);
  });

  it("keeps to limits of one's own", () => {
    const readings = [
      { right: "++++", loss: flat(4) },
      { right: "++--", loss: flat(4, 1.4) },
    ];
    expect(judge(readings, [0], { loss_rise: 0.5, forgotten: 0.5 }).keep).toBe(true);
    expect(judge(readings, [0], { loss_rise: 0.3, forgotten: 0.3 }).reasons).toHaveLength(2);
  });
});
