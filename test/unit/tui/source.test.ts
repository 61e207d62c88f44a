import { describe, expect, it } from "vitest";
import { parseOid } from "../../../src/base/oid.ts";
import type { LogEntry } from "../../../src/commands/log.ts";
import { differenceLines } from "../../../src/tui/difference-lines.ts";
import { rowOf } from "../../../src/tui/source.ts";

const oid = (digit: string) => parseOid(digit.repeat(64));

const entry: LogEntry = {
  version: "v2",
  commit: oid("2"),
  parents: [oid("1")],
  parentVersions: ["v1"],
  snapshot: oid("5"),
  refs: ["HEAD", "main", "staging"],
  author: "Ada",
  time: "2026-05-01T10:00:00.000Z",
  message: "first line\nsecond line",
  datasets: [
    { name: "git-team", dataset: oid("d"), role: "train", tokens: 10 },
    { name: "git-basics", dataset: oid("e"), role: "replay", tokens: 5 },
  ],
  recipe: { r: 16 },
  metrics: {
    before: { loss: 2, accuracy: 0.5, examples: 40 },
    after: { loss: 1, accuracy: 0.75, examples: 40 },
  },
};

describe("a log entry as a row", () => {
  it("keeps refs but HEAD, the first line, the data it was trained on, and accuracy before and after", () => {
    expect(rowOf(entry)).toEqual({
      commit: oid("2"),
      version: "v2",
      parents: [oid("1")],
      refs: ["main", "staging"],
      current: true,
      timeMs: Date.UTC(2026, 4, 1, 10),
      message: "first line",
      datasets: ["git-team"],
      imported: false,
      accuracy: 0.75,
      accuracyBefore: 0.5,
    });
  });

  it("tells what was imported, and what was put aside", () => {
    const { recipe: _, ...imported } = { ...entry, metrics: {}, refs: [] };
    expect(rowOf(imported)).toMatchObject({ imported: true, current: false });
    expect(rowOf(imported)).not.toHaveProperty("accuracy");
    expect(rowOf({ ...entry, aside: "forgot" })).toMatchObject({ aside: "forgot" });
  });
});

describe("a difference as lines", () => {
  const same = {
    a: { version: "v1", commit: oid("1") },
    b: { version: "v2", commit: oid("2") },
    sameSnapshot: true,
    sameBase: true,
    recipe: [],
    environment: [],
    data: { onlyA: [], onlyB: [], both: [] },
    weights: [],
  };

  it("has a section for each thing that differs and for nothing else", () => {
    expect(differenceLines(same)).toEqual(["v1 11111111 to v2 22222222", "the same model, byte for byte"]);
    expect(
      differenceLines({
        ...same,
        sameSnapshot: false,
        metrics: { loss: -0.5, accuracy: 0.25 },
        recipe: [
          { key: "r", a: 8, b: 16 },
          { key: "replay", b: 0.5 },
        ],
        data: { ...same.data, onlyB: [{ name: "git-team\x1b[2J", dataset: oid("d") }] },
        weights: [{ module: "layers.0.q_proj", normA: 1, normB: 2, normDifference: 1.5 }],
      }),
    ).toEqual([
      "v1 11111111 to v2 22222222",
      "",
      "metrics",
      "  accuracy +25.0 points",
      "  loss -0.5000",
      "",
      "recipe",
      "  r  8 to 16",
      "  replay  unset to 0.5",
      "",
      "data",
      "  + git-team [2J",
      "",
      "weights by module, norm of the difference",
      "  1.500      layers.0.q_proj",
    ]);
  });
});
