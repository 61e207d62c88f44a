import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Oid } from "../../../src/base/oid.ts";
import type { RefValue } from "../../../src/objects/records.ts";
import { numberDatasets, numberVersions } from "../../../src/remotes/numbers.ts";
import type { RefTable } from "../../../src/repo/repository.ts";

const id = (n: number): Oid => n.toString(16).padStart(64, "0") as Oid;

function table(refs: Readonly<Record<string, Oid>>, version = 0): RefTable {
  const value = (name: string): RefValue | undefined =>
    refs[name] === undefined ? undefined : { oid: refs[name] };
  return {
    n: 1,
    get: value,
    oid: (name) => refs[name],
    list: (prefix) =>
      Object.keys(refs)
        .filter((name) => name.startsWith(prefix))
        .sort()
        .map((name) => ({ name, value: value(name)! })),
    counter: () => version,
  };
}

function counter(from: number): (name: string) => number {
  let value = from;
  return () => ++value;
}

describe("numbers of versions that arrive", () => {
  it("are free, once each, in the order of the sender's, and the counter ends above all of them", async () => {
    const scenario = fc.record({
      given: fc.uniqueArray(fc.nat(30), { maxLength: 12 }),
      undone: fc.uniqueArray(fc.nat(30), { maxLength: 6 }),
      wishes: fc.uniqueArray(fc.nat(60), { maxLength: 15 }),
      unnumbered: fc.nat(3),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ given, undone, wishes, unnumbered }) => {
        const past = new Set([...given, ...undone]);
        const start = Math.max(-1, ...past) + 1;
        const refs = table(Object.fromEntries(given.map((n) => [`tags/v${n}`, id(1000 + n)])), start);
        const sent = wishes.map((number) => ({ commit: id(2000 + number), number, dropped: false }));
        const arriving = [
          ...sent.map(({ commit }) => commit),
          ...Array.from({ length: unnumbered }, (_, i) => id(3000 + i)),
          ...given.map((n) => id(1000 + n)),
        ];
        let highest = start;
        const next = counter(start);
        const result = await numberVersions(arriving, sent, {
          refs,
          next: (name) => {
            highest = next(name);
            return highest;
          },
          wasGiven: async (n) => past.has(n),
        });
        const numbers = result.numbered.map(({ given: name }) => Number(name.slice(1)));
        expect(numbers).toHaveLength(wishes.length + unnumbered);
        expect(new Set(numbers).size).toBe(numbers.length);
        for (const n of numbers) expect(past.has(n)).toBe(false);
        expect(highest).toBeGreaterThan(Math.max(-1, ...numbers));
        for (const { oid, given: name } of result.numbered) {
          const wish = sent.find(({ commit }) => commit === oid);
          if (wish !== undefined && !past.has(wish.number) && wishes.every((other) => !past.has(other)))
            expect(name).toBe(`v${wish.number}`);
        }
      }),
    );
  });

  it("do not follow a hostile gap", async () => {
    const sent = [{ commit: id(1), number: 999_999_999_999, dropped: false }];
    const result = await numberVersions([id(1)], sent, {
      refs: table({}),
      next: counter(0),
      wasGiven: async () => false,
    });
    expect(result.numbered).toEqual([{ oid: id(1), sent: "v999999999999", given: "v0" }]);
    const datasets = numberDatasets([{ ref: "data/faq/v999999999999", dataset: id(1) }], table({}));
    expect(datasets.edits.map(({ ref }) => ref)).toEqual(["data/faq/v1"]);
  });
});

describe("numbers of datasets that arrive", () => {
  it("count by name, and one dataset is not registered twice under a name", () => {
    const refs = table({ "data/faq/v1": id(1), "data/faq/v2": id(2), "data/faq/eu/v7": id(7) });
    const sent = [
      { ref: "data/faq/v3", dataset: id(5) },
      { ref: "data/faq/v2", dataset: id(4) },
      { ref: "data/faq/v1", dataset: id(2) },
      { ref: "data/qa/v4", dataset: id(1) },
      { ref: "data/qa/v5", dataset: id(1) },
    ];
    const result = numberDatasets(sent, refs);
    expect(result.edits).toEqual([
      { ref: "data/faq/v3", new: { oid: id(4) } },
      { ref: "data/faq/v4", new: { oid: id(5) } },
      { ref: "data/qa/v4", new: { oid: id(1) } },
    ]);
  });
});
