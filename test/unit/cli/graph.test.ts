import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Oid } from "../../../src/base/oid.ts";
import { Graph } from "../../../src/cli/render/graph.ts";

const draw = (history: readonly (readonly [string, ...string[]])[], unicode = true): string[] => {
  const graph = new Graph(unicode);
  return history.flatMap(([commit, ...parents]) => {
    const { before, node, rest } = graph.next(
      { commit: commit as Oid, parents: parents as unknown as Oid[] },
      "o",
    );
    return [...before, `${node} ${commit}`, ...(rest.trim() === "" ? [] : [])];
  });
};

describe("the graph of versions", () => {
  it("a line is a line", () => {
    expect(draw([["c", "b"], ["b", "a"], ["a"]])).toEqual(["o c", "o b", "o a"]);
  });

  it("two versions on one join under it", () => {
    expect(draw([["v4", "v2"], ["v3", "v2"], ["v2", "v1"], ["v1"]])).toEqual([
      "o v4",
      "│ o v3",
      "├─╯",
      "o v2",
      "o v1",
    ]);
  });

  it("three join one by one, lanes between are crossed", () => {
    expect(draw([["d", "a"], ["c", "x"], ["b", "a"], ["a", "x"], ["x"]])).toEqual([
      "o d",
      "│ o c",
      "│ │ o b",
      "├─┼─╯",
      "o │ a",
      "├─╯",
      "o x",
    ]);
  });

  it("draws with ASCII alone", () => {
    expect(draw([["c", "a"], ["b", "a"], ["a"]], false)).toEqual(["o c", "| o b", "|-'", "o a"]);
  });

  it("whatever the history, every version stands once, and lanes end with it", () => {
    const histories = fc.array(fc.nat(), { minLength: 1, maxLength: 30 }).map((choices) =>
      choices.map((choice, i): [string, ...string[]] => {
        const rest = choices.length - 1 - i;
        return rest === 0 ? [`c${i}`] : [`c${i}`, `c${i + 1 + (choice % rest)}`];
      }),
    );
    fc.assert(
      fc.property(histories, (history) => {
        const graph = new Graph(true);
        let rest = "";
        for (const [commit, ...parents] of history) {
          const row = graph.next({ commit: commit as Oid, parents: parents as unknown as Oid[] }, "@");
          expect(row.node.split("@").length).toBe(2);
          rest = row.rest;
        }
        expect(rest).toBe("");
      }),
    );
  });
});
