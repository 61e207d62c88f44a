import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Oid } from "../../../src/base/oid.ts";
import { ancestors, walkBack } from "../../../src/commands/history.ts";
import type { VersionIndex } from "../../../src/commands/versions.ts";
import type { CommitRecord } from "../../../src/objects/records.ts";
import type { Repository } from "../../../src/repo/repository.ts";

/** Histories as lists of parents, each an earlier commit; some commits have no number. */
const histories = fc
  .array(fc.record({ parents: fc.array(fc.nat(), { maxLength: 2 }), numbered: fc.boolean() }), {
    minLength: 1,
    maxLength: 14,
  })
  .map((rows) =>
    rows.map(({ parents, numbered }, i) => ({
      parents: i === 0 ? [] : [...new Set(parents.map((p) => p % i))],
      numbered,
    })),
  );

function built(history: readonly { readonly parents: readonly number[]; readonly numbered: boolean }[]) {
  const id = (i: number) => i.toString(16).padStart(64, "0") as Oid;
  const repo = {
    readRecord: async (oid: Oid) => {
      const i = Number.parseInt(oid, 16);
      return { kind: "commit", parents: history[i]!.parents.map(id), timeMs: i } as unknown as CommitRecord;
    },
  } as unknown as Repository;
  const index: VersionIndex = {
    name: (oid) => (history[Number.parseInt(oid, 16)]!.numbered ? `v${Number.parseInt(oid, 16)}` : undefined),
    listed: [],
    isDropped: () => false,
  };
  return { repo, index, id };
}

describe("walking back", () => {
  it("gives what leads to one and not to the other, each once", async () => {
    await fc.assert(
      fc.asyncProperty(histories, fc.nat(), fc.nat(), async (history, a, b) => {
        const { repo, index, id } = built(history);
        const [to, from] = [id(a % history.length), id(b % history.length)];
        const without = await ancestors(repo, [from]);
        const expected = [...(await ancestors(repo, [to]))].filter((oid) => !without.has(oid)).sort();
        const walked: Oid[] = [];
        for await (const { oid } of walkBack(repo, index, [to], [from])) walked.push(oid);
        expect([...walked].sort()).toEqual(expected);
        expect(new Set(walked).size).toBe(walked.length);
      }),
      { numRuns: 500 },
    );
  });

  it("where all have numbers, children come before their parents", async () => {
    await fc.assert(
      fc.asyncProperty(histories, async (rows) => {
        const history = rows.map((row) => ({ ...row, numbered: true }));
        const { repo, index, id } = built(history);
        const walked: Oid[] = [];
        for await (const { oid } of walkBack(repo, index, [id(history.length - 1)], [])) walked.push(oid);
        for (const [i, oid] of walked.entries()) {
          for (const parent of history[Number.parseInt(oid, 16)]!.parents)
            expect(walked.indexOf(id(parent))).toBeGreaterThan(i);
        }
      }),
    );
  });
});
