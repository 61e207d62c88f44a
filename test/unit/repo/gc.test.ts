import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Oid } from "../../../src/base/oid.ts";
import type { RefEdit } from "../../../src/objects/records.ts";
import { fsck } from "../../../src/repo/fsck.ts";
import { executeGc, GRACE_MS, planGc } from "../../../src/repo/gc.ts";
import { openRepository } from "../../../src/repo/open.ts";
import type { Repository } from "../../../src/repo/repository.ts";
import { planUndo } from "../../../src/repo/undo.ts";
import { reachable } from "../../../src/repo/walk.ts";
import { buildCommits, putBase, putCommit } from "../../support/commits.ts";
import { makeRepository, noise, START_MS, type TestRepository } from "../../support/repo.ts";

const collect = async ({ repo, clock }: TestRepository, graceMs?: number) =>
  executeGc(
    repo,
    await planGc(repo, { nowMs: clock.nowMs(), ...(graceMs === undefined ? {} : { graceMs }) }),
  );

async function setRef(repo: Repository, ref: string, oid: Oid | undefined): Promise<void> {
  await repo.operate((refs) => {
    const old = refs.get(ref);
    return {
      command: `set ${ref}`,
      edits: [{ ref, ...(old === undefined ? {} : { old }), ...(oid === undefined ? {} : { new: { oid } }) }],
    };
  });
}

/** Everything that refs lead to, read byte for byte. */
async function readAll(repo: Repository): Promise<number> {
  const refs = (await repo.refs())
    .list("")
    .flatMap(({ name, value }) =>
      "oid" in value && !name.startsWith("dropped/")
        ? [{ oid: value.oid, expect: "any" as const, from: name }]
        : [],
    );
  let count = 0;
  for await (const { oid } of reachable(repo, refs)) {
    await repo.readBytes(oid, 1 << 30);
    count++;
  }
  return count;
}

async function packBytes({ storage }: TestRepository): Promise<number> {
  let sum = 0;
  for await (const { sizeBytes } of storage.list("packs/")) sum += sizeBytes;
  return sum;
}

describe("gc", () => {
  it("takes nothing from a repository whose refs need everything", async () => {
    const test = await makeRepository();
    await buildCommits(test.repo, 5);
    const plan = await planGc(test.repo, { nowMs: test.clock.nowMs() });
    expect([plan.condemn, plan.repack, plan.drop]).toEqual([[], [], []]);
    expect((await executeGc(test.repo, plan)).condemned).toBeUndefined();
  });

  it("condemns at first, drops after the grace, and lets undo bring back what lies there", async () => {
    const test = await makeRepository();
    const made = await buildCommits(test.repo, 3);
    await test.repo.operate(() => ({
      command: "rm v2",
      edits: [
        { ref: "tags/v2", old: { oid: made[2] as Oid } },
        { ref: "heads/main", old: { oid: made[2] as Oid }, new: { oid: made[1] as Oid } },
      ],
    }));
    const { condemned } = await collect(test);
    expect(condemned?.packs.condemn).toHaveLength(1);
    expect(await test.repo.has(made[2] as Oid)).toBe(true);
    expect((await fsck(test.repo, { deep: true })).findings).toEqual([]);

    // Undo of gc, then of rm.
    await test.repo.operate(async () => (await planUndo(test.repo)).request);
    expect((await planGc(test.repo, { nowMs: test.clock.nowMs() })).condemn).toHaveLength(1);
    await collect(test);
    const undoRm = await planUndo(test.repo, { operation: 5 });
    expect(undoRm.request.add).toHaveLength(1);
    await test.repo.operate(() => undoRm.request);
    expect(await readAll(test.repo)).toBeGreaterThan(9);
    expect((await planGc(test.repo, { nowMs: test.clock.nowMs() })).condemn).toEqual([]);

    // Again, and past the grace.
    const redo = await planUndo(test.repo, { redo: true });
    await test.repo.operate(() => redo.request);
    await collect(test);
    test.clock.advance(GRACE_MS - 1);
    expect((await collect(test)).dropped).toBeUndefined();
    test.clock.advance(1);
    const before = await packBytes(test);
    expect((await collect(test)).dropped?.packs.drop).toHaveLength(1);
    expect(await packBytes(test)).toBeLessThan(before);
    expect(await test.repo.has(made[2] as Oid)).toBe(false);
    await expect(planUndo(test.repo, { operation: 5 })).rejects.toMatchObject({ code: "undo.gone" });
    expect((await fsck(test.repo, { deep: true })).findings).toEqual([]);
  });

  it("keeps the records of a deleted version and frees its bytes", async () => {
    const test = await makeRepository();
    const session = await test.repo.begin();
    const { model } = await putBase(session);
    const root = await putCommit(session, { model, parents: [], timeMs: START_MS });
    const big = noise(3 << 20);
    const gone = await putCommit(session, { model, parents: [root], timeMs: START_MS, adapter: big });
    await session.publish(() => ({
      command: "two",
      edits: [
        { ref: "heads/main", new: { oid: root } },
        { ref: "tags/v1", new: { oid: gone } },
      ],
    }));
    await test.repo.operate(() => ({
      command: "rm v1",
      edits: [
        { ref: "tags/v1", old: { oid: gone } },
        { ref: "dropped/v1", new: { oid: gone } },
      ],
    }));
    const { plan } = await collect(test, 0);
    expect(plan.repack).toHaveLength(1);
    expect(await packBytes(test)).toBeLessThan(1 << 20);
    const commit = await test.repo.readRecord(gone, "commit");
    const { adapters } = await test.repo.readRecord(commit.snapshot, "snapshot");
    const adapter = await test.repo.readRecord(adapters[0] as Oid, "adapter");
    const [entry] = (await test.repo.readRecord(adapter.tree, "tree")).entries;
    await expect(test.repo.readBytes(entry?.blob as Oid)).rejects.toMatchObject({ code: "object.missing" });
    expect((await fsck(test.repo, { deep: true })).findings).toEqual([]);
    await expect(planUndo(test.repo, { operation: 3 })).rejects.toMatchObject({ code: "undo.gone" });

    // The same training again makes the same ids, and is whole again.
    const again = await test.repo.begin();
    expect(await putCommit(again, { model, parents: [root], timeMs: START_MS, adapter: big })).toBe(gone);
    await again.publish(() => ({ command: "train", edits: [{ ref: "tags/v2", new: { oid: gone } }] }));
    expect(Buffer.compare(await test.repo.readBytes(entry?.blob as Oid), big)).toBe(0);
  });

  it("never condemns what a writer relies on: the log decides who was first", async () => {
    const test = await makeRepository();
    const session = await test.repo.begin();
    const blob = await session.putBytes(noise(5000));
    await session.publish(() => ({ command: "store", edits: [], housekeeping: true }));

    // A writer finds the blob there, and gc comes before it publishes.
    const other = await openRepository(test.storage, test.options);
    const writer = await other.begin();
    expect(await writer.putBytes(noise(5000))).toBe(blob);
    const tree = await writer.putRecord({ kind: "tree", entries: [{ path: "a", blob, sizeBytes: 5000 }] });
    await collect(test);
    const operation = await writer.publish(() => ({
      command: "late",
      edits: [{ ref: "tags/t", new: { oid: tree } }],
    }));
    expect(operation.packs.add).toHaveLength(2);
    expect(await readAll(other)).toBe(2);

    // Once more, with everything gone for good: refused, and stored by the next try.
    await setRef(other, "tags/t", undefined);
    const late = await other.begin();
    await late.putBytes(noise(5000));
    await late.putRecord({ kind: "tree", entries: [{ path: "b", blob, sizeBytes: 5000 }] });
    await collect(test, 0);
    await expect(late.publish(() => ({ command: "later", edits: [] }))).rejects.toMatchObject({
      code: "integrity.reference",
    });
    const retry = await other.begin();
    await retry.putBytes(noise(5000));
    const second = await retry.putRecord({ kind: "tree", entries: [{ path: "b", blob, sizeBytes: 5000 }] });
    await retry.publish(() => ({ command: "again", edits: [{ ref: "tags/t", new: { oid: second } }] }));
    expect(await readAll(other)).toBe(2);
    // A tag on a tree: the store takes it, and fsck says that it is no version.
    expect(
      (await fsck(other, { deep: true })).findings
        .filter(({ severity }) => severity === "error")
        .map(({ code, id }) => [code, id]),
    ).toEqual([["ref.target", "tags/t"]]);
  });

  it("drops checkpoints at once, and builds nothing on them", async () => {
    const test = await makeRepository();
    const session = await test.repo.begin({ transient: true });
    const theta = await session.putBytes(noise(8000));
    await session.publish(() => ({
      command: "checkpoint",
      edits: [{ ref: "runs/t1/5", new: { oid: theta } }],
      housekeeping: true,
    }));
    expect((await planGc(test.repo, { nowMs: test.clock.nowMs() })).drop).toEqual([]);
    const before = await packBytes(test);
    const keep = await test.repo.begin();
    await keep.putBytes(noise(8000));
    await keep.publish(() => ({ command: "keep", edits: [{ ref: "tags/x", new: { oid: theta } }] }));
    expect(await packBytes(test)).toBeGreaterThan(before + 8000);
    const moved = await test.repo.begin({ transient: true });
    const next = await moved.putBytes(noise(8000, 9));
    const rotation = await moved.publish((refs) => ({
      command: "checkpoint",
      edits: [
        { ref: "runs/t1/5", old: refs.get("runs/t1/5") as { oid: Oid } },
        { ref: "runs/t1/6", new: { oid: next } },
      ],
      housekeeping: true,
    }));
    expect(rotation.packs.drop).toHaveLength(1);
    expect(await packBytes(test)).toBeLessThan(before + 17_000);
    expect(Buffer.compare(await test.repo.readBytes(theta), noise(8000))).toBe(0);
    await test.repo.operate((refs) => ({
      command: "train",
      edits: [{ ref: "runs/t1/6", old: refs.get("runs/t1/6") as { oid: Oid } }],
    }));
    expect(await test.repo.has(next)).toBe(false);
    expect((await fsck(test.repo, { deep: true })).findings.map(({ code }) => code)).toEqual(["ref.target"]);
  });

  it("refuses where anything that refs lead to is missing", async () => {
    const test = await makeRepository();
    await buildCommits(test.repo, 3);
    for await (const { key } of test.storage.list("packs/")) {
      const bytes = await test.storage.read(key);
      await test.storage.delete(key);
      const again = await openRepository(test.storage, test.options);
      await expect(planGc(again, { nowMs: test.clock.nowMs() })).rejects.toMatchObject({ exit: 6 });
      await test.storage.put(key, bytes);
    }
  });

  it("never takes a reachable object, whatever refs come and go", async () => {
    const move = fc.tuple(fc.nat(7), fc.nat(11), fc.boolean());
    await fc.assert(
      fc.asyncProperty(fc.array(move, { minLength: 3, maxLength: 14 }), async (moves) => {
        const test = await makeRepository();
        const { repo } = test;
        const commits: Oid[] = [];
        for (const [ref, parent, collects] of moves) {
          const session = await repo.begin();
          const { model } = await putBase(session, String(ref % 3));
          const parents = commits[parent] === undefined ? [] : [commits[parent] as Oid];
          const name = `heads/b${ref}`;
          // A parent that was dropped can't be built on, and the store says so.
          const oid = await putCommit(session, {
            model,
            parents,
            timeMs: START_MS,
            adapter: noise(100 + (ref % 4) * 3000, ref + 1),
            message: String(commits.length % 5),
          });
          try {
            await session.publish((refs) => ({
              command: "c",
              edits: [editTo(refs.get(name), name, oid)].filter((edit) => edit !== undefined),
            }));
            commits.push(oid);
          } catch (error) {
            expect(error).toMatchObject({ code: "integrity.reference" });
            await session.abort();
          }
          if (collects) await collect(test, ref % 2 === 0 ? 0 : undefined);
          if (ref > 4) await setRef(repo, name, undefined);
        }
        await collect(test, 0);
        await readAll(repo);
        expect(
          (await fsck(await openRepository(test.storage, test.options), { deep: true })).findings.filter(
            ({ severity }) => severity === "error",
          ),
        ).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });
});

function editTo(old: RefEdit["old"], ref: string, oid: Oid): RefEdit | undefined {
  if (old !== undefined && "oid" in old && old.oid === oid) return undefined;
  return { ref, ...(old === undefined ? {} : { old }), new: { oid } };
}
