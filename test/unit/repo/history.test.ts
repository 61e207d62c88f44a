import { beforeEach, describe, expect, it } from "vitest";
import type { Oid } from "../../../src/base/oid.ts";
import { commits } from "../../../src/repo/history.ts";
import { openRepository } from "../../../src/repo/open.ts";
import { resolveObject, resolveRevision } from "../../../src/repo/resolve.ts";
import { versionOf } from "../../../src/repo/versions.ts";
import { buildCommits, putBase, putCommit } from "../../support/commits.ts";
import { makeRepository, START_MS, type TestRepository } from "../../support/repo.ts";

describe("a long line", () => {
  it("stays one chain over many state files and index segments, also for a fresh reader", async () => {
    const { repo, storage, options } = await makeRepository();
    const made = await buildCommits(repo, 300);
    const again = await openRepository(storage, options);
    const refs = await again.refs();
    expect(refs.n).toBe(301);
    expect(refs.list("tags/")).toHaveLength(300);
    expect(refs.oid("tags/v299")).toBe(made[299]);
    expect(refs.counter("version")).toBe(300);
    const walked: Oid[] = [];
    for await (const { oid } of commits(again, [refs.oid("HEAD") as Oid])) walked.push(oid);
    expect(walked).toEqual([...made].reverse());
    for (const n of [1, 2, 63, 64, 65, 128, 200, 300]) {
      const then = await again.refsAt(n);
      expect(then.list("tags/")).toHaveLength(n - 1);
      expect(then.oid("heads/main")).toBe(n === 1 ? undefined : made[n - 2]);
    }
    let expected = 301;
    for await (const operation of again.operations()) expect(operation.n).toBe(expected--);
    expect(expected).toBe(0);
  });

  it("needs none of its derived files", async () => {
    const { repo, storage, options } = await makeRepository();
    const made = await buildCommits(repo, 140);
    for await (const { key } of storage.list(""))
      if (key.startsWith("idx/") || key.startsWith("log/state") || key === "log/newest-state")
        await storage.delete(key);
    const again = await openRepository(storage, options);
    expect((await again.refs()).oid("heads/main")).toBe(made[139]);
    expect((await again.readRecord(made[3] as Oid, "commit")).message).toBe("training 3 ");
    await again.operate(() => ({ command: "t", edits: [{ ref: "staging", new: { oid: made[0] as Oid } }] }));
    expect((await (await openRepository(storage, options)).refs()).oid("staging")).toBe(made[0]);
  });
});

describe("commits", () => {
  it("gives children before parents, also where clocks lie", async () => {
    const { repo } = await makeRepository();
    const session = await repo.begin();
    const { model } = await putBase(session);
    const commit = (parents: Oid[], offset: number, message: string) =>
      putCommit(session, { model, parents, timeMs: START_MS + offset, message });
    const root = await commit([], 0, "root");
    const late = await commit([root], 9000, "late clock");
    const child = await commit([late], 1000, "child of it");
    const side = await commit([root], 5000, "side");
    const merge = await commit([child, side], 6000, "merge");
    await session.publish(() => ({ command: "t", edits: [] }));
    const order: Oid[] = [];
    for await (const { oid } of commits(repo, [merge, late, side])) order.push(oid);
    expect(order).toHaveLength(5);
    for (const [before, after] of [
      [merge, child],
      [merge, side],
      [child, late],
      [late, root],
      [side, root],
    ]) {
      expect(order.indexOf(before as Oid)).toBeLessThan(order.indexOf(after as Oid));
    }
  });
});

describe("revisions", () => {
  let test: TestRepository;
  let made: readonly Oid[];
  beforeEach(async () => {
    test = await makeRepository();
    made = await buildCommits(test.repo, 6);
    test.clock.advance(3 * 86_400_000);
    await test.repo.operate(() => ({
      command: "promote v2",
      edits: [{ ref: "production", new: { oid: made[2] as Oid } }],
    }));
    test.clock.advance(86_400_000);
    await test.repo.operate(() => ({
      command: "promote v4",
      edits: [{ ref: "production", old: { oid: made[2] as Oid }, new: { oid: made[4] as Oid } }],
    }));
    await test.repo.operate(() => ({
      command: "tag",
      edits: [{ ref: "tags/good", new: { oid: made[1] as Oid } }],
    }));
  });

  const cases: readonly (readonly [string, number])[] = [
    ["HEAD", 5],
    ["@", 5],
    ["latest", 5],
    ["base", 0],
    ["main", 5],
    ["heads/main", 5],
    ["v3", 3],
    ["tags/v3", 3],
    ["good", 1],
    ["production", 4],
    ["HEAD~2", 3],
    ["HEAD^", 4],
    ["v3^^", 1],
    ["v3~1^~1", 0],
    ["v3~0", 3],
    ["main^1", 4],
    ["main@{1}", 4],
    ["main@{0}", 5],
    ["@{2}", 3],
    ["production@{1}", 2],
    ["latest@{1}", 4],
    ["production@{2026-01-04}", 2],
    ["production@{2026-01-05}", 4],
    ["production@{2026-01-04T12:00Z}", 2],
    ["production@{1.day.ago}", 2],
    ["production@{now}", 4],
    ["main@{1}~1", 3],
  ];
  it.each(cases)("%s is v%i", async (text, version) => {
    expect(await resolveRevision(test.repo, text)).toBe(made[version]);
  });

  it("finds ids by their digits", async () => {
    const oid = made[3] as Oid;
    expect(await resolveRevision(test.repo, oid)).toBe(oid);
    expect(await resolveRevision(test.repo, oid.slice(0, 10))).toBe(oid);
    const { snapshot } = await test.repo.readRecord(oid, "commit");
    expect(await resolveObject(test.repo, snapshot.slice(0, 12))).toBe(snapshot);
    await expect(resolveRevision(test.repo, snapshot)).rejects.toMatchObject({ code: "input.version" });
  });

  const refused: readonly (readonly [string, string])[] = [
    ["mian", "ref.missing"],
    ["v99", "ref.missing"],
    ["HEAD~9", "ref.missing"],
    ["production@{5}", "ref.missing"],
    ["production@{2020-01-01}", "ref.missing"],
    ["", "usage.argument"],
    ["HEAD@{soon}", "usage.argument"],
    ["HEAD~~x", "usage.argument"],
    ["a@{1}@{2}", "usage.argument"],
    ["../x", "ref.missing"],
    ["deadbeef", "ref.missing"],
    ["x".repeat(600), "usage.argument"],
  ];
  it.each(refused)("%j is refused", async (text, code) => {
    await expect(resolveRevision(test.repo, text)).rejects.toMatchObject({ code });
  });

  it("names the nearest", async () => {
    await expect(resolveRevision(test.repo, "mian")).rejects.toMatchObject({ hint: "did you mean main?" });
  });

  it("knows the number of a version", async () => {
    const refs = await test.repo.refs();
    expect(versionOf(refs, made[2] as Oid)).toBe("v2");
    expect(versionOf(refs, "0".repeat(64) as Oid)).toBeUndefined();
  });

  it("counts no version that was rolled back or kept aside as latest", async () => {
    await test.repo.operate(() => ({
      command: "rollback main --to v2",
      edits: [{ ref: "heads/main", old: { oid: made[5] as Oid }, new: { oid: made[2] as Oid } }],
    }));
    expect(await resolveRevision(test.repo, "latest")).toBe(made[2]);
    await test.repo.operate(() => ({
      command: "checkout v4",
      edits: [{ ref: "HEAD", old: { symbolic: "heads/main" }, new: { oid: made[4] as Oid } }],
    }));
    expect(await resolveRevision(test.repo, "latest")).toBe(made[4]);
  });
});
