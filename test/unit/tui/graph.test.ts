import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { glyphsFor } from "../../../src/tui/glyphs.ts";
import { drawBelow, drawGraph, layOutGraph } from "../../../src/tui/graph.ts";
import type { VersionRow } from "../../../src/tui/version-row.ts";

type Shape = readonly (readonly [commit: string, ...parents: string[]])[];

function rowsOf(shape: Shape): readonly VersionRow[] {
  return shape.map(([commit, ...parents]) => ({
    commit,
    version: commit,
    parents,
    refs: [],
    current: false,
    timeMs: 0,
    message: "",
    datasets: [],
    imported: false,
  }));
}

function draw(shape: Shape, asciiOnly = false): readonly string[] {
  const glyphs = glyphsFor(asciiOnly);
  return layOutGraph(rowsOf(shape)).flatMap((graph, i) => [
    `${drawGraph(graph, glyphs.commit, 4, glyphs)}${shape[i]?.[0]}`.replace(/ +(\S+)$/, " $1"),
    drawBelow(graph, 4, glyphs).trimEnd(),
  ]);
}

describe("graph", () => {
  it("draws a line, a branch that joins, and a merge", () => {
    expect(draw([["c", "b"], ["b", "a"], ["a"]])).toEqual(["○ c", "│", "○ b", "│", "○ a", ""]);
    expect(draw([["v3", "v1"], ["v2", "v1"], ["v1", "v0"], ["v0"]])).toEqual([
      "○ v3",
      "│",
      "│ ○ v2",
      "│ │",
      "○─╯ v1",
      "│",
      "○ v0",
      "",
    ]);
    expect(draw([["m", "a", "b"], ["a", "r"], ["b", "r"], ["r"]])).toEqual([
      "○─╮ m",
      "│ │",
      "○ │ a",
      "│ │",
      "│ ○ b",
      "│ │",
      "○─╯ r",
      "",
    ]);
  });

  it("draws in ASCII alone where it must", () => {
    expect(draw([["v3", "v1"], ["v2", "v1"], ["v1"]], true).join("")).toMatch(/^[\x20-\x7e]*$/);
  });

  it("ends a lane whose parent is not listed", () => {
    expect(draw([["b", "elsewhere"], ["a"]])).toEqual(["○ b", "", "○ a", ""]);
  });

  it("connects every commit with each listed parent by a lane that nothing else takes", () => {
    const histories = fc
      .integer({ min: 1, max: 40 })
      .chain((count) =>
        fc.tuple(
          ...Array.from({ length: count }, (_, i) =>
            fc.uniqueArray(fc.integer({ min: 0, max: Math.max(0, i - 1) }), { maxLength: i === 0 ? 0 : 3 }),
          ),
        ),
      );
    fc.assert(
      fc.property(histories, (parents) => {
        const shape: Shape = parents
          .map((list, i) => [`c${i}`, ...list.map((p) => `c${p}`)] as const)
          .reverse();
        const rows = rowsOf(shape);
        const waiting = new Map<number, string>();
        layOutGraph(rows).forEach((graph, i) => {
          const row = rows[i];
          if (row === undefined) throw new Error("more graph than rows");
          for (const lane of [graph.column, ...graph.joining]) {
            expect([undefined, row.commit]).toContain(waiting.get(lane));
            waiting.delete(lane);
          }
          expect([...waiting.values()]).not.toContain(row.commit);
          expect(new Set(graph.passing)).toEqual(new Set(waiting.keys()));
          const [first] = row.parents;
          if (first !== undefined) waiting.set(graph.column, first);
          for (const lane of graph.opening) {
            expect(waiting.has(lane)).toBe(false);
            const parent = row.parents.find((p) => ![...waiting.values()].includes(p));
            if (parent === undefined) throw new Error("a lane opens for no parent");
            waiting.set(lane, parent);
          }
          for (const parent of row.parents) expect([...waiting.values()]).toContain(parent);
          expect(graph.below).toEqual([...waiting.keys()].sort((a, b) => a - b));
        });
        expect(waiting.size).toBe(0);
      }),
    );
  });
});
