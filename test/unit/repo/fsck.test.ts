import { describe, expect, it } from "vitest";
import { IngotError } from "../../../src/base/errors.ts";
import type { Oid } from "../../../src/base/oid.ts";
import { type FsckReport, fsck } from "../../../src/repo/fsck.ts";
import { openRepository } from "../../../src/repo/open.ts";
import { buildCommits, putBase, putCommit } from "../../support/commits.ts";
import { deepReport, filesOf, flipBits, hashesOf, wrongObjects } from "../../support/damage.ts";
import { makeRepository, noise, START_MS, type TestRepository } from "../../support/repo.ts";

/** Versions, a large object of two pieces, compressed text, and all derived files. */
async function makeFull(): Promise<TestRepository & { readonly large: Oid }> {
  const test = await makeRepository();
  await buildCommits(test.repo, 70);
  const session = await test.repo.begin();
  const { model } = await putBase(session, "large");
  const commit = await putCommit(session, {
    model,
    parents: [],
    timeMs: START_MS,
    adapter: noise((4 << 20) + 70_000),
  });
  await session.putBytes(new TextEncoder().encode("a line of text\n".repeat(2000)));
  await session.publish(() => ({ command: "large", edits: [{ ref: "tags/large", new: { oid: commit } }] }));
  return { ...test, large: commit };
}

describe("fsck", () => {
  it("finds nothing in a sound repository", async () => {
    const test = await makeFull();
    expect(await deepReport(test)).toMatchObject({ ok: true, findings: [], operations: 72 });
  });

  it("finds a flipped bit wherever it is, and no reader is served a wrong byte", async () => {
    const test = await makeRepository();
    await buildCommits(test.repo, 66);
    const expected = await hashesOf(test);
    let count = 0;
    for await (const { what, key, found } of flipBits(test, 30, 42)) {
      if (found instanceof IngotError) expect([3, 6], what).toContain(found.exit);
      else expect(found.findings.length, what).toBeGreaterThan(0);
      if (count++ % 10 === 0 && key !== "format")
        expect(await wrongObjects(test, expected), what).toEqual([]);
    }
    expect(await deepReport(test)).toMatchObject({ ok: true });
  });

  it("finds files that were cut off or lost, and goes on with the others", async () => {
    const test = await makeFull();
    for (const { key, sizeBytes } of (await filesOf(test)).filter((_, i) => i % 23 === 0)) {
      if (key === "format") continue;
      const sound = await test.storage.read(key);
      for (const length of [0, Math.floor(sizeBytes / 2), sizeBytes - 1]) {
        await test.storage.put(key, sound.subarray(0, length));
        const found = await deepReport(test);
        if (!(found instanceof IngotError))
          expect(found.findings.length, `${key} cut to ${length}`).toBeGreaterThan(0);
      }
      await test.storage.put(key, sound);
    }
  });

  it("names the versions that a damaged piece takes part in", async () => {
    const test = await makeFull();
    for await (const { key, sizeBytes } of test.storage.list("packs/")) {
      if (sizeBytes < 1 << 20) continue;
      const bytes = await test.storage.read(key);
      bytes[1 << 20] = (bytes[1 << 20] as number) ^ 1;
      await test.storage.put(key, bytes);
    }
    const found = (await deepReport(test)) as FsckReport;
    expect(found.ok).toBe(false);
    const [damaged] = found.findings.filter(({ code }) => code === "entry.damaged");
    expect(damaged?.affects).toContain("tags/large");
    expect(damaged?.where).toMatch(/^packs\/.*byte/);
  });

  it("heals a damaged object that is stored again", async () => {
    const test = await makeRepository();
    const bytes = noise(9000);
    const put = async (repo = test.repo) => {
      const session = await repo.begin();
      const oid = await session.putBytes(bytes);
      await session.publish(() => ({ command: "put", edits: [] }));
      return oid;
    };
    const oid = await put();
    for await (const { key } of test.storage.list("packs/")) {
      const pack = await test.storage.read(key);
      pack[500] = (pack[500] as number) ^ 4;
      await test.storage.put(key, pack);
    }
    const again = await openRepository(test.storage, test.options);
    await expect(again.readBytes(oid)).rejects.toMatchObject({ exit: 6 });
    await put(again);
    expect(Buffer.compare(await again.readBytes(oid), bytes)).toBe(0);
  });

  it("reads past a torn last entry of the log, and puts it aside when the next one is written", async () => {
    const test = await makeRepository();
    const made = await buildCommits(test.repo, 3);
    const key = "log/000000000004";
    const sound = await test.storage.read(key);
    for (const torn of [
      new Uint8Array(0),
      sound.subarray(0, 40),
      new Uint8Array(sound.length),
      Buffer.concat([sound, Buffer.from([0])]),
    ]) {
      await test.storage.put(key, torn);
      const again = await openRepository(test.storage, test.options);
      expect((await again.refs()).oid("heads/main")).toBe(made[1]);
      expect(((await deepReport(test)) as FsckReport).findings.map(({ code }) => code)).toContain("log.torn");
    }
    const again = await openRepository(test.storage, test.options);
    await again.operate(() => ({ command: "on", edits: [{ ref: "staging", new: { oid: made[0] as Oid } }] }));
    expect((await again.refs()).n).toBe(4);
    const kept: string[] = [];
    for await (const fact of test.storage.list("log/"))
      if (fact.key.startsWith("log/torn-000000000004-")) kept.push(fact.key);
    expect(kept).toHaveLength(1);
  });

  it("says which entry of the log is damaged or missing", async () => {
    for (const change of ["damage", "delete"] as const) {
      const test = await makeRepository();
      await buildCommits(test.repo, 5);
      const key = "log/000000000003";
      const bytes = await test.storage.read(key);
      bytes[20] = (bytes[20] as number) ^ 1;
      if (change === "damage") await test.storage.put(key, bytes);
      else await test.storage.delete(key);
      const again = await openRepository(test.storage, test.options);
      await expect(again.refs()).rejects.toMatchObject({ code: "integrity.log", data: { n: 3 } });
      await expect(again.operate(() => ({ command: "x", edits: [] }))).rejects.toMatchObject({
        code: "integrity.log",
      });
      const found = await fsck(again);
      expect(found.findings.map(({ code, id }) => [code, id])).toContainEqual([
        change === "damage" ? "log.damaged" : "log.missing",
        "3",
      ]);
    }
  });
});
