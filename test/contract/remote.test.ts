import { afterEach, describe, expect, it } from "vitest";
import { IngotError } from "../../src/base/errors.ts";
import { hashBytes } from "../../src/base/hash.ts";
import type { Oid } from "../../src/base/oid.ts";
import { type ByteSource, bytesSource } from "../../src/base/ports.ts";
import { references } from "../../src/objects/references.ts";
import { executeClone, planClone } from "../../src/remotes/clone.ts";
import { DirectoryRemote } from "../../src/remotes/directory.ts";
import type { Receiver, Remote } from "../../src/remotes/port.ts";
import { executePull, type PullOptions, planPull } from "../../src/remotes/pull.ts";
import { executePush, type PushOptions, planPush } from "../../src/remotes/push.ts";
import { completeObjects } from "../../src/remotes/tips.ts";
import { initRepository, openRepository } from "../../src/repo/open.ts";
import type { Repository } from "../../src/repo/repository.ts";
import { makeRepository, type TestRepository } from "../support/repo.ts";
import { History, refTexts } from "../unit/remotes/history.ts";

const made: TestRepository[] = [];
afterEach(() => {
  for (const one of made.splice(0)) one.remove();
});

async function make(on: "memory" | "disk", seed: number): Promise<TestRepository> {
  const one = await makeRepository({ on, seed });
  made.push(one);
  return one;
}

async function drain<E, R>(run: AsyncGenerator<E, R>): Promise<R> {
  for (;;) {
    const step = await run.next();
    if (step.done === true) return step.value;
  }
}

async function push(local: Repository, remote: Remote, options: Partial<PushOptions> = {}) {
  return drain(
    executePush(
      local,
      remote,
      await planPush(local, remote, { remote: "origin", command: "push", ...options }),
    ),
  );
}

async function pull(local: Repository, remote: Remote, options: Partial<PullOptions> = {}) {
  return drain(
    executePull(
      local,
      remote,
      await planPull(local, remote, { remote: "origin", command: "pull", ...options }),
    ),
  );
}

async function clone(local: Repository, remote: Remote) {
  return drain(executeClone(local, remote, await planClone(remote, { remote: "origin", command: "clone" })));
}

/** Reads everything that the refs reach: every byte is hashed on the way. */
async function assertWhole(repo: Repository): Promise<number> {
  const todo = [...completeObjects((await repo.refs()).list(""))].map((oid) => ({
    oid,
    expect: "record" as string,
  }));
  const seen = new Set<Oid>();
  for (let item = todo.pop(); item !== undefined; item = todo.pop()) {
    if (seen.has(item.oid)) continue;
    seen.add(item.oid);
    const source = await repo.openObject(item.oid);
    expect(hashBytes(await source.read(0, source.sizeBytes))).toBe(item.oid);
    if (item.expect === "blob") continue;
    const record = await repo.findRecord(item.oid);
    expect(record).toBeDefined();
    todo.push(...references(record!));
  }
  return seen.size;
}

/** A remote that does something else at some of its calls. */
function withFaults(
  remote: Remote,
  faults: Partial<Remote> & { readonly receiver?: (inner: Receiver) => Receiver },
): Remote {
  return {
    location: remote.location,
    state: faults.state ?? (() => remote.state()),
    missing: faults.missing ?? ((oids) => remote.missing(oids)),
    open: faults.open ?? ((oid) => remote.open(oid)),
    receive: async () => (faults.receiver ?? ((inner: Receiver) => inner))(await remote.receive()),
    close: () => remote.close(),
  };
}

/** Every implementation of the port, each as a way to open a remote that is a given repository. */
const IMPLEMENTATIONS: readonly (readonly [
  string,
  "memory" | "disk",
  (there: TestRepository) => Promise<Remote>,
])[] = [
  ["directory, in memory", "memory", async (there) => new DirectoryRemote(there.repo)],
  [
    "directory, on a disk",
    "disk",
    async (there) => new DirectoryRemote(await openRepository(there.storage, there.options)),
  ],
];

describe.each(IMPLEMENTATIONS)("remote: %s", (_name, on, open) => {
  async function pair() {
    const here = await make(on, 1);
    const there = await make(on, 2);
    return {
      here,
      there,
      remote: await open(there),
      mine: new History(here.repo),
      theirs: new History(there.repo),
    };
  }

  it("pushes everything to an empty repository, then nothing, then only what is new", async () => {
    const { here, there, remote, mine } = await pair();
    const v0 = await mine.version("base");
    const v1 = await mine.version("one", { onto: v0.commit });
    const data = await mine.dataset("faq", 1, "rows");
    await mine.set("tags/gold", v1.commit);
    await mine.set("production", v0.commit);

    const plan = await planPush(here.repo, remote, { remote: "origin", command: "push" });
    expect(plan.missing.objects).toBeGreaterThan(10);
    expect((await there.repo.refs()).n).toBe(1);
    const first = await drain(executePush(here.repo, remote, plan));
    expect(first.renumbered).toEqual([]);
    expect(await refTexts(there.repo)).toEqual({
      HEAD: "heads/main",
      "data/faq/v1": data,
      "heads/main": v1.commit,
      "tags/gold": v1.commit,
      "tags/v0": v0.commit,
      "tags/v1": v1.commit,
    });
    expect((await there.repo.refs()).n).toBe(2);
    expect((await here.repo.refs()).oid("remotes/origin/heads/main")).toBe(v1.commit);
    await assertWhole(there.repo);

    const again = await planPush(here.repo, remote, { remote: "origin", command: "push" });
    expect(again.missing).toEqual({ objects: 0, sizeBytes: 0 });
    const before = (await here.repo.refs()).n;
    expect((await drain(executePush(here.repo, remote, again))).n).toBeUndefined();
    expect((await there.repo.refs()).n).toBe(2);
    expect((await here.repo.refs()).n).toBe(before);

    const v2 = await mine.version("two", { onto: v1.commit });
    const third = await planPush(here.repo, remote, { remote: "origin", command: "push" });
    // The commit, its snapshot, adapter and tree, and the weights; the configuration is there already.
    expect(third.missing.objects).toBe(5);
    await drain(executePush(here.repo, remote, third));
    expect((await there.repo.refs()).oid("heads/main")).toBe(v2.commit);
    await assertWhole(there.repo);
  });

  it("pushes production and staging only when they are named, and refs that never travel not at all", async () => {
    const { here, there, remote, mine } = await pair();
    const v0 = await mine.version("base");
    await mine.set("production", v0.commit);
    await push(here.repo, remote);
    expect((await there.repo.refs()).get("production")).toBeUndefined();
    await push(here.repo, remote, { refs: ["production"] });
    expect((await there.repo.refs()).oid("production")).toBe(v0.commit);
    for (const ref of ["HEAD", "remotes/origin/heads/main", "runs/t1/0", "dropped/v0"]) {
      await expect(push(here.repo, remote, { refs: [ref] })).rejects.toMatchObject({
        code: "usage.argument",
      });
    }
    await expect(push(here.repo, remote, { refs: ["heads/none"] })).rejects.toMatchObject({
      code: "ref.missing",
    });
    await expect(push(here.repo, remote, { refs: ["heads/../x"] })).rejects.toMatchObject({
      code: "usage.name",
    });
  });

  it("numbers what arrives: its own number where that is free, else the next, and tells both sides", async () => {
    const { here, there, remote, mine, theirs } = await pair();
    const base = await mine.version("base");
    const v1 = await mine.version("one", { onto: base.commit });
    const other0 = await theirs.version("other base", { branch: "other" });
    const other1 = await theirs.version("other one", { branch: "other", onto: other0.commit });

    const pushed = await push(here.repo, remote);
    expect(pushed.renumbered).toEqual([
      { oid: base.commit, sent: "v0", given: "v2" },
      { oid: v1.commit, sent: "v1", given: "v3" },
    ]);
    expect(await refTexts(there.repo, "tags/")).toEqual({
      "tags/v0": other0.commit,
      "tags/v1": other1.commit,
      "tags/v2": base.commit,
      "tags/v3": v1.commit,
    });

    const pulled = await pull(here.repo, remote);
    expect(pulled.renumbered).toEqual([
      { oid: other0.commit, sent: "v0", given: "v2" },
      { oid: other1.commit, sent: "v1", given: "v3" },
    ]);
    expect((await here.repo.refs()).oid("tags/v3")).toBe(other1.commit);
    // Both go on behind the highest number they gave.
    expect((await mine.version("two", { onto: v1.commit })).number).toBe(4);
    expect((await theirs.version("other two", { branch: "other", onto: other1.commit })).number).toBe(4);
    expect((await push(here.repo, remote)).renumbered).toHaveLength(1);
  });

  it("keeps gaps: a version that was never sent leaves its number free, one that was undone does not", async () => {
    const { here, there, remote, mine, theirs } = await pair();
    const v0 = await mine.version("base");
    const aside = await mine.version("aside", { onto: v0.commit, aside: true });
    const v2 = await mine.version("two", { onto: v0.commit });
    await push(here.repo, remote, { refs: ["heads/main"] });
    expect(await refTexts(there.repo, "tags/")).toEqual({ "tags/v0": v0.commit, "tags/v2": v2.commit });
    const theirs3 = await theirs.version("undone", { onto: v2.commit, aside: true });
    expect(theirs3.number).toBe(3);
    await theirs.set("tags/v3", undefined);
    const v3 = await mine.version("three", { onto: v2.commit });
    expect((await push(here.repo, remote)).renumbered).toEqual([{ oid: v3.commit, sent: "v3", given: "v4" }]);
    expect((await there.repo.refs()).oid("tags/v1")).toBe(aside.commit);
  });

  it("numbers datasets by name in the same way", async () => {
    const { here, there, remote, mine, theirs } = await pair();
    const rows = await mine.dataset("faq", 1, "mine");
    await theirs.dataset("faq", 1, "theirs");
    const shared = await mine.dataset("qa", 1, "shared");
    expect(await theirs.dataset("qa", 3, "shared")).toBe(shared);
    const pushed = await push(here.repo, remote);
    expect(pushed.renumbered).toEqual([{ oid: rows, sent: "data/faq/v1", given: "data/faq/v2" }]);
    expect(Object.keys(await refTexts(there.repo, "data/"))).toEqual([
      "data/faq/v1",
      "data/faq/v2",
      "data/qa/v3",
    ]);
  });

  it("refuses to push over versions it has not seen, and does so with force", async () => {
    const { here, there, remote, mine, theirs } = await pair();
    const v0 = await mine.version("base");
    await push(here.repo, remote);
    const unseen = await theirs.version("unseen", { onto: v0.commit });
    const v1 = await mine.version("one", { onto: v0.commit });
    const before = await refTexts(there.repo);
    await expect(push(here.repo, remote)).rejects.toMatchObject({ code: "conflict.remote", exit: 5 });
    expect(await refTexts(there.repo)).toEqual(before);
    await push(here.repo, remote, { force: true });
    expect((await there.repo.refs()).oid("heads/main")).toBe(v1.commit);
    expect((await there.repo.refs()).oid("tags/v1")).toBe(unseen.commit);
    await assertWhole(there.repo);
  });

  it("never moves a tag, not even with force; production moves back only over what was seen", async () => {
    const { here, there, remote, mine, theirs } = await pair();
    const v0 = await mine.version("base");
    const v1 = await mine.version("one", { onto: v0.commit });
    await mine.set("production", v1.commit);
    await push(here.repo, remote, { refs: ["heads/main", "production"] });
    await mine.set("production", v0.commit);
    await push(here.repo, remote, { refs: ["production"] });
    expect((await there.repo.refs()).oid("production")).toBe(v0.commit);
    await theirs.set("production", v1.commit);
    await mine.set("production", v0.commit);
    await expect(push(here.repo, remote, { refs: ["production"] })).rejects.toMatchObject({
      code: "conflict.remote",
    });
    await mine.set("tags/gold", v0.commit);
    await theirs.set("tags/gold", v1.commit);
    await expect(push(here.repo, remote, { force: true })).rejects.toMatchObject({ code: "conflict.remote" });
  });

  it("pulls what is new, moves the branch of HEAD, and tells where it cannot", async () => {
    const { here, there, remote, mine, theirs } = await pair();
    const v0 = await theirs.version("base");
    await theirs.set("production", v0.commit);
    const first = await pull(here.repo, remote);
    expect(first.branch).toBe("moved");
    expect(await refTexts(here.repo)).toEqual({
      HEAD: "heads/main",
      "heads/main": v0.commit,
      "remotes/origin/heads/main": v0.commit,
      "remotes/origin/production": v0.commit,
      "tags/v0": v0.commit,
    });
    expect(await pull(here.repo, remote)).toMatchObject({ n: undefined, branch: "unchanged", edits: [] });

    const v1 = await theirs.version("one", { onto: v0.commit });
    expect((await pull(here.repo, remote)).branch).toBe("moved");
    await mine.version("mine", { onto: v1.commit });
    expect((await pull(here.repo, remote)).branch).toBe("ahead");
    const own = (await here.repo.refs()).oid("heads/main");
    const v2 = await theirs.version("theirs", { onto: v1.commit });
    expect((await pull(here.repo, remote)).branch).toBe("diverged");
    expect((await here.repo.refs()).oid("heads/main")).toBe(own);
    expect((await here.repo.refs()).oid("remotes/origin/heads/main")).toBe(v2.commit);
    await theirs.set("heads/main", v1.commit);
    const back = await pull(here.repo, remote, { force: true });
    expect(back).toMatchObject({ branch: "ahead", rewound: ["heads/main"] });
    await assertWhole(here.repo);
    await assertWhole(there.repo);
  });

  it("keeps its own tag where the remote's names another version", async () => {
    const { here, remote, mine, theirs } = await pair();
    const v0 = await mine.version("base");
    await push(here.repo, remote);
    const other = await theirs.version("one", { onto: v0.commit });
    await mine.set("tags/gold", v0.commit);
    await theirs.set("tags/gold", other.commit);
    expect((await pull(here.repo, remote)).kept).toEqual(["tags/gold"]);
    expect((await here.repo.refs()).oid("tags/gold")).toBe(v0.commit);
  });

  it("clones branches, tags, data, production, signatures and HEAD, and can go on from there", async () => {
    const { here, there, remote, mine, theirs } = await pair();
    const v0 = await theirs.version("base");
    const v1 = await theirs.version("one", { onto: v0.commit, branch: "eu" });
    await theirs.version("aside", { onto: v1.commit, aside: true });
    await theirs.dataset("faq", 2, "rows");
    const signature = await theirs.signature(v1.commit);
    await theirs.set("production", v0.commit);
    await there.repo.operate(() => ({
      command: "checkout eu",
      edits: [{ ref: "HEAD", old: { symbolic: "heads/main" }, new: { symbolic: "heads/eu" } }],
    }));
    await clone(here.repo, remote);
    const expected = await refTexts(there.repo);
    for (const ref of ["heads/main", "heads/eu", "production"])
      expected[`remotes/origin/${ref}`] = expected[ref]!;
    expect(await refTexts(here.repo)).toEqual(expected);
    expect((await here.repo.refs()).oid(`about/${v1.commit}/${signature}`)).toBe(signature);
    expect((await here.repo.refs()).n).toBe(2);
    expect(await assertWhole(here.repo)).toBe(await assertWhole(there.repo));
    expect((await mine.version("two", { onto: v1.commit, branch: "eu" })).number).toBe(3);
    expect((await push(here.repo, remote)).renumbered).toEqual([]);
    await expect(clone(here.repo, remote)).rejects.toMatchObject({ code: "conflict.exists" });
  });

  it("sends signatures with what they are about", async () => {
    const { here, there, remote, mine } = await pair();
    const v0 = await mine.version("base");
    const signature = await mine.signature(v0.commit);
    await push(here.repo, remote);
    expect((await there.repo.refs()).oid(`about/${v0.commit}/${signature}`)).toBe(signature);
    await assertWhole(there.repo);
  });

  it("keeps a deleted version deleted where later ones build on it", async () => {
    const { here, there, remote, mine } = await pair();
    const v0 = await mine.version("base");
    const v1 = await mine.version("deleted", { onto: v0.commit });
    const v2 = await mine.version("two", { onto: v1.commit });
    await mine.set("tags/v1", undefined);
    await mine.set("dropped/v1", v1.commit);
    await push(here.repo, remote);
    expect(await refTexts(there.repo)).toEqual({
      HEAD: "heads/main",
      "dropped/v1": v1.commit,
      "heads/main": v2.commit,
      "tags/v0": v0.commit,
      "tags/v2": v2.commit,
    });
    const third = await make(on, 3);
    await clone(third.repo, remote);
    expect((await third.repo.refs()).oid("dropped/v1")).toBe(v1.commit);
    expect((await pull(third.repo, remote)).n).toBeUndefined();
    await assertWhole(third.repo);
  });

  it("stops when it is told to, and leaves everything as it was", async () => {
    const { here, there, remote, mine } = await pair();
    await mine.version("base");
    const plan = await planPush(here.repo, remote, { remote: "origin", command: "push" });
    const stop = AbortSignal.abort();
    await expect(drain(executePush(here.repo, remote, plan, stop))).rejects.toMatchObject({
      code: "paused.run",
    });
    expect((await there.repo.refs()).n).toBe(1);
  });

  it("refuses what changed between plan and execution, and moves nothing", async () => {
    const { here, there, remote, mine, theirs } = await pair();
    const v0 = await mine.version("base");
    await push(here.repo, remote);
    await mine.version("one", { onto: v0.commit });
    const plan = await planPush(here.repo, remote, { remote: "origin", command: "push" });
    await theirs.version("meanwhile", { onto: v0.commit });
    const before = await refTexts(there.repo);
    await expect(drain(executePush(here.repo, remote, plan))).rejects.toMatchObject({
      code: "conflict.remote",
    });
    expect(await refTexts(there.repo)).toEqual(before);
    await assertWhole(there.repo);
  });

  it("goes on when the other side gets versions meanwhile that do not touch what is pushed", async () => {
    const { here, there, remote, mine, theirs } = await pair();
    const v0 = await mine.version("base");
    await push(here.repo, remote);
    const v1 = await mine.version("one", { onto: v0.commit });
    const plan = await planPush(here.repo, remote, { remote: "origin", command: "push" });
    const aside = await theirs.version("meanwhile", { onto: v0.commit, aside: true });
    const pushed = await drain(executePush(here.repo, remote, plan));
    expect(pushed.renumbered).toEqual([{ oid: v1.commit, sent: "v1", given: "v2" }]);
    expect((await there.repo.refs()).oid("tags/v1")).toBe(aside.commit);
    await assertWhole(there.repo);
  });

  it("stopped after any object, leaves everything as it was, and works when repeated", async () => {
    const { here, there, remote, mine } = await pair();
    const v0 = await mine.version("base");
    await mine.version("one", { onto: v0.commit });
    const before = await refTexts(there.repo);
    let stops = 0;
    for (let stopAt = 0; ; stopAt++) {
      let calls = 0;
      const broken = withFaults(remote, {
        receiver: (inner) => {
          const step = async <T>(call: () => Promise<T>): Promise<T> => {
            if (calls++ === stopAt) throw new IngotError("remote.unreachable", "the connection broke");
            return call();
          };
          return {
            has: (oid) => inner.has(oid),
            putRecord: (...args) => step(() => inner.putRecord(...args)),
            putBlob: (...args) => step(() => inner.putBlob(...args)),
            publish: (publication) => step(() => inner.publish(publication)),
            // A process that is killed drops nothing.
            abort: async () => undefined,
          };
        },
      });
      try {
        await push(here.repo, broken);
        break;
      } catch (error) {
        expect(error).toMatchObject({ code: "remote.unreachable" });
        expect(await refTexts(there.repo)).toEqual(before);
        stops += 1;
      }
    }
    expect(stops).toBeGreaterThan(8);
    await assertWhole(there.repo);
    expect((await refTexts(there.repo))["heads/main"]).toBeDefined();
  });

  it("believes nothing that a remote sends: other bytes, other kinds, missing objects", async () => {
    const { here, remote, theirs } = await pair();
    const v0 = await theirs.version("base");
    await theirs.version("one", { onto: v0.commit });
    const before = await refTexts(here.repo);
    const objects: Oid[] = [];
    const spy = withFaults(remote, {
      open: (oid) => {
        objects.push(oid);
        return remote.open(oid);
      },
    });
    await pull((await make("memory", 9)).repo, spy);
    const lies: readonly (readonly [string, (bytes: Uint8Array) => ByteSource, RegExp])[] = [
      [
        "flipped",
        (bytes) => bytesSource(bytes.map((byte, i) => (i === bytes.length >> 1 ? byte ^ 1 : byte))),
        /^integrity\./,
      ],
      ["shorter", (bytes) => bytesSource(bytes.slice(0, -1)), /^integrity\./],
      ["longer", (bytes) => bytesSource(Buffer.concat([bytes, Buffer.from([0])])), /^integrity\./],
      ["empty", () => bytesSource(new Uint8Array(0)), /^integrity\./],
    ];
    for (const oid of new Set(objects)) {
      for (const [, lie, code] of lies) {
        const liar = withFaults(remote, {
          open: async (asked) => {
            const source = await remote.open(asked);
            return asked === oid ? lie(await source.read(0, source.sizeBytes)) : source;
          },
        });
        await expect(pull(here.repo, liar)).rejects.toMatchObject({
          code: expect.stringMatching(code),
          exit: 6,
        });
        expect(await refTexts(here.repo)).toEqual(before);
      }
      const forgetful = withFaults(remote, {
        open: async (asked) => {
          if (asked === oid) throw new IngotError("object.missing", "gone");
          return remote.open(asked);
        },
      });
      await expect(pull(here.repo, forgetful)).rejects.toMatchObject({
        code: "integrity.reference",
        exit: 6,
      });
    }
    expect(await refTexts(here.repo)).toEqual(before);
    await pull(here.repo, remote);
    await assertWhole(here.repo);
  });

  it("refuses refs that point at the wrong kind, and names that are no refs", async () => {
    const { here, remote, theirs } = await pair();
    const v0 = await theirs.version("base");
    const data = await theirs.dataset("faq", 1, "rows");
    const before = await refTexts(here.repo);
    const state = await remote.state();
    const saying = (refs: typeof state.refs) =>
      withFaults(remote, { state: async () => ({ ...state, refs }) });
    const bad: readonly (readonly [string, Parameters<typeof saying>[0], string])[] = [
      ["a branch at a dataset", [{ name: "heads/main", value: { oid: data } }], "integrity.record"],
      ["data at a commit", [{ name: "data/faq/v1", value: { oid: v0.commit } }], "integrity.record"],
      ["a path", [{ name: "heads/../../x", value: { oid: v0.commit } }], "input.name"],
      ["a ref twice", [...state.refs, ...state.refs], "input.name"],
      ["a symbolic branch", [{ name: "heads/main", value: { symbolic: "heads/x" } }], "input.name"],
      [
        "a missing object",
        [{ name: "heads/main", value: { oid: hashBytes(Buffer.from("?")) } }],
        "integrity.reference",
      ],
      ["a blob", [{ name: "heads/main", value: { oid: hashBytes(Buffer.from("{}")) } }], "integrity.record"],
    ];
    for (const [, refs, code] of bad) {
      await expect(pull(here.repo, saying(refs))).rejects.toMatchObject({ code });
      expect(await refTexts(here.repo)).toEqual(before);
    }
  });

  it("refuses to publish what was not sent in full", async () => {
    const { here, there, remote, mine } = await pair();
    const v0 = await mine.version("base");
    const commit = await here.repo.readBytes(v0.commit);
    const receiver = await remote.receive();
    await expect(receiver.putRecord(v0.commit, "commit", commit.slice(1))).rejects.toMatchObject({
      code: "integrity.blob",
    });
    await expect(receiver.putRecord(v0.commit, "tree", commit)).rejects.toMatchObject({
      code: "integrity.record",
    });
    await receiver.putRecord(v0.commit, "commit", commit);
    const publication = {
      command: "push",
      edits: [{ ref: "heads/main", new: { oid: v0.commit } }],
      commits: [],
      versions: [],
      datasets: [],
    };
    await expect(receiver.publish(publication)).rejects.toMatchObject({ code: "integrity.reference" });
    await receiver.abort();
    expect(await refTexts(there.repo)).toEqual({ HEAD: "heads/main" });
  });

  it("walks long histories without recursion", async () => {
    const { here, there, remote, mine } = await pair();
    const v0 = await mine.version("base");
    const session = await here.repo.begin();
    const first = await here.repo.readRecord(v0.commit, "commit");
    let tip = v0.commit;
    for (let i = 0; i < 3000; i++)
      tip = await session.putRecord({ ...first, parents: [tip], message: `${i}` });
    await session.publish((refs) => ({
      command: "many",
      edits: [{ ref: "heads/main", old: refs.get("heads/main")!, new: { oid: tip } }],
    }));
    await push(here.repo, remote, { refs: ["heads/main"] });
    expect((await there.repo.refs()).oid("heads/main")).toBe(tip);
    expect((await there.repo.refs()).list("tags/v")).toHaveLength(3001);
  });
});

it("damage in the other repository is found and named, and nothing here changes", async () => {
  const here = await make("memory", 1);
  const there = await make("memory", 2);
  const v0 = await new History(there.repo).version("base");
  await new History(there.repo).version("one", { onto: v0.commit });
  for await (const { key, sizeBytes } of there.storage.list("packs/")) {
    const bytes = await there.storage.read(key);
    const damaged = bytes.map((byte, i) =>
      i > 100 && i < sizeBytes - 400 && i % 50 === 0 ? byte ^ 0xff : byte,
    );
    await there.storage.put(key, Uint8Array.from(damaged));
  }
  const before = await refTexts(here.repo);
  const reopened = new DirectoryRemote(await openRepository(there.storage, there.options));
  await expect(pull(here.repo, reopened)).rejects.toMatchObject({ exit: 6 });
  expect(await refTexts(here.repo)).toEqual(before);
});

it("a clone shares the id of its origin", async () => {
  const there = await make("memory", 2);
  await new History(there.repo).version("base");
  const remote = new DirectoryRemote(there.repo);
  const { state } = await planClone(remote, { remote: "origin", command: "clone" });
  expect(state.id).toBe(there.repo.id);
  const disk = await make("disk", 4);
  const repo = await initRepository(`${disk.folder}/clone`, { ...there.options, id: state.id });
  await clone(repo, remote);
  expect(repo.id).toBe(there.repo.id);
  const plan = await planPush(repo, remote, { remote: "origin", command: "push" });
  expect(plan.related).toBe(true);
});
