import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IngotError } from "../../src/base/errors.ts";
import type { Oid } from "../../src/base/oid.ts";
import type { RefEdit, RefValue } from "../../src/objects/records.ts";
import { openRepository } from "../../src/repo/open.ts";
import type { RefTable, Repository } from "../../src/repo/repository.ts";
import { planUndo } from "../../src/repo/undo.ts";
import { makeRepository } from "../support/repo.ts";

const REFS = [
  "heads/main",
  "heads/b",
  "tags/v1",
  "tags/x",
  "production",
  "data/d/v1",
  "runs/t1/5",
  "HEAD",
] as const;

type Step =
  | {
      readonly kind: "edit";
      readonly picks: readonly (readonly [number, number])[];
      readonly housekeeping: boolean;
      readonly stale: boolean;
    }
  | { readonly kind: "undo"; readonly back: number }
  | { readonly kind: "reopen" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("edit" as const),
      picks: fc.array(fc.tuple(fc.nat(REFS.length - 1), fc.nat(4)), { minLength: 1, maxLength: 4 }),
      housekeeping: fc.boolean(),
      stale: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("undo" as const), back: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("reopen" as const) }) },
);

type Model = Map<string, RefValue>;

function apply(model: Model, edits: readonly RefEdit[]): Model {
  const next = new Map(model);
  for (const { ref, new: value } of edits) {
    if (value === undefined) next.delete(ref);
    else next.set(ref, value);
  }
  return next;
}

const same = (a: RefValue | undefined, b: RefValue | undefined) => JSON.stringify(a) === JSON.stringify(b);
const tableOf = (refs: RefTable) => new Map(refs.list("").map(({ name, value }) => [name, value]));

async function makeObjects(repo: Repository): Promise<Oid[]> {
  const session = await repo.begin();
  const oids: Oid[] = [];
  for (let i = 0; i < 4; i++) oids.push(await session.putBytes(Uint8Array.of(i)));
  await session.publish(() => ({ command: "objects", edits: [], housekeeping: true }));
  return oids;
}

describe("refs", () => {
  it("behave as a map under any edits, undo and reopening, and remember every moment", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async (steps) => {
        const { repo: first, storage, options } = await makeRepository();
        let repo = first;
        const oids = await makeObjects(repo);
        let model: Model = tableOf(await repo.refs());
        const history: Model[] = [];
        history[(await repo.refs()).n] = model;
        const valueFor = (ref: string, pick: number): RefValue | undefined => {
          if (pick === 4) return ref === "HEAD" ? { symbolic: "heads/b" } : undefined;
          return { oid: oids[pick] as Oid };
        };
        for (const each of steps) {
          if (each.kind === "reopen") {
            repo = await openRepository(storage, options);
          } else if (each.kind === "edit") {
            const picks = new Map(each.picks.map(([ref, pick]) => [REFS[ref] as string, pick]));
            const edits: RefEdit[] = [];
            for (const [ref, pick] of picks) {
              const old = model.get(ref);
              const next = valueFor(ref, pick);
              if (!same(old, next))
                edits.push({
                  ref,
                  ...(old === undefined ? {} : { old }),
                  ...(next === undefined ? {} : { new: next }),
                });
            }
            if (edits.length === 0) continue;
            if (each.stale) {
              const wrong = edits.map((edit) => ({
                ref: edit.ref,
                ...(edit.old === undefined ? { old: { oid: oids[0] as Oid } } : {}),
                new: { oid: oids[1] as Oid },
              }));
              await expect(repo.operate(() => ({ command: "stale", edits: wrong }))).rejects.toMatchObject({
                code: "conflict.ref",
              });
            } else {
              await repo.operate(() => ({ command: "edit", edits, housekeeping: each.housekeeping }));
              model = apply(model, edits);
            }
          } else {
            model = await undo(repo, model, each.back);
          }
          const refs = await repo.refs();
          expect(tableOf(refs)).toEqual(model);
          history[refs.n] = model;
        }
        for (const [n, expected] of history.entries())
          if (expected !== undefined) expect(tableOf(await repo.refsAt(n))).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it("come back as they were by undo, and again by undo of the undo", async () => {
    const { repo } = await makeRepository();
    const oids = await makeObjects(repo);
    await repo.operate((_, next) => ({
      command: "train",
      edits: [
        { ref: "heads/main", new: { oid: oids[0] as Oid } },
        { ref: `tags/v${next("version") - 1}`, new: { oid: oids[0] as Oid } },
      ],
    }));
    const before = tableOf(await repo.refs());
    await repo.operate((_, next) => ({
      command: "train",
      edits: [
        { ref: "heads/main", old: { oid: oids[0] as Oid }, new: { oid: oids[1] as Oid } },
        { ref: `tags/v${next("version") - 1}`, new: { oid: oids[1] as Oid } },
        { ref: "runs/t1/3", new: { oid: oids[2] as Oid } },
      ],
    }));
    const after = tableOf(await repo.refs());
    const { undone, request } = await planUndo(repo);
    expect(undone.command).toBe("train");
    const undoing = await repo.operate(() => request);
    expect(undoing.undoes).toBe(undone.n);
    // The run's checkpoint is left alone, and no number is given twice.
    expect(tableOf(await repo.refs())).toEqual(
      new Map<string, RefValue>([...before, ["runs/t1/3", { oid: oids[2] as Oid }]]),
    );
    expect((await repo.refs()).counter("version")).toBe(2);
    const redo = await planUndo(repo, { redo: true });
    await repo.operate(() => redo.request);
    expect(tableOf(await repo.refs())).toEqual(after);
  });

  it("refuse to take back what has moved on, and what is housekeeping", async () => {
    const { repo } = await makeRepository();
    await expect(planUndo(repo)).rejects.toMatchObject({ code: "undo.nothing" });
    const oids = await makeObjects(repo);
    const first = await repo.operate(() => ({
      command: "a",
      edits: [{ ref: "production", new: { oid: oids[0] as Oid } }],
    }));
    await repo.operate(() => ({
      command: "b",
      edits: [{ ref: "production", old: { oid: oids[0] as Oid }, new: { oid: oids[1] as Oid } }],
    }));
    const { request } = await planUndo(repo, { operation: first.n });
    await expect(repo.operate(() => request)).rejects.toMatchObject({ code: "conflict.ref" });
    await expect(planUndo(repo, { operation: 1 })).rejects.toMatchObject({ code: "undo.nothing" });
    await expect(planUndo(repo, { operation: 99 })).rejects.toMatchObject({ code: "undo.nothing" });
    await expect(planUndo(repo, { redo: true })).rejects.toMatchObject({ code: "undo.nothing" });
    await expect(
      repo.operate(() => ({ command: "c", edits: [{ ref: "heads/../x", new: { oid: oids[0] as Oid } }] })),
    ).rejects.toMatchObject({ code: "input.name" });
    await expect(
      repo.operate(() => ({
        command: "c",
        edits: [{ ref: "heads/x", new: { oid: "f".repeat(64) as Oid } }],
      })),
    ).rejects.toMatchObject({ code: "integrity.reference" });
  });
});

/** Takes back the operation `back` before the newest, where the model says that this is possible. */
async function undo(repo: Repository, model: Model, back: number): Promise<Model> {
  const n = (await repo.refs()).n - back;
  if (n < 1) return model;
  const operation = await repo.readOperation(n);
  const edits = operation.edits.filter(({ ref }) => !ref.startsWith("runs/"));
  if (operation.housekeeping || edits.length === 0) {
    await expect(planUndo(repo, { operation: n })).rejects.toMatchObject({ code: "undo.nothing" });
    return model;
  }
  const { request } = await planUndo(repo, { operation: n });
  if (edits.some(({ ref, new: value }) => !same(model.get(ref), value))) {
    await expect(repo.operate(() => request)).rejects.toThrow(IngotError);
    return model;
  }
  await repo.operate(() => request);
  return apply(
    model,
    edits.map(({ ref, old }) => ({ ref, ...(old === undefined ? {} : { new: old }) })),
  );
}
