import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IngotError } from "../../src/base/errors.ts";
import type { Oid } from "../../src/base/oid.ts";
import { versionEdits } from "../../src/commands/publish-version.ts";
import { DirectoryRemote } from "../../src/remotes/directory.ts";
import { divergedError, executePull, planPull } from "../../src/remotes/pull.ts";
import { executePush, planPush } from "../../src/remotes/push.ts";
import { fsck } from "../../src/repo/fsck.ts";
import { initRepository } from "../../src/repo/open.ts";
import type { Repository } from "../../src/repo/repository.ts";
import { planUndo } from "../../src/repo/undo.ts";
import { openMemoryStorage } from "../../src/storage/memory.ts";
import { putBase, putCommit } from "../support/commits.ts";
import { frozenClock, seededRandom } from "../support/repo.ts";

type Step = readonly [who: number, what: (typeof WHAT)[number]];
const WHAT = ["train", "promote", "undo", "push", "push production", "pull"] as const;

interface World {
  readonly people: readonly Repository[];
  readonly place: Repository;
  /** Commit that each number was given to, by repository; numbers are given once. */
  readonly numbers: readonly Map<string, string>[];
  made: number;
}

async function makeWorld(): Promise<World> {
  const clock = frozenClock();
  const make = (seed: number) =>
    initRepository(openMemoryStorage({ nowMs: () => clock.nowMs() }), {
      clock,
      random: seededRandom(seed),
      actor: "Ada",
      id: "0".repeat(32),
    });
  const world: World = {
    people: [await make(1), await make(2)],
    place: await make(3),
    numbers: [new Map(), new Map(), new Map()],
    made: 0,
  };
  await doStep(world, [0, "train"]);
  await doStep(world, [0, "push"]);
  await doStep(world, [1, "pull"]);
  return world;
}

async function refsOf(repo: Repository): Promise<ReadonlyMap<string, string>> {
  const refs = await repo.refs();
  return new Map(
    refs.list("").map(({ name, value }) => [name, "oid" in value ? value.oid : `-> ${value.symbolic}`]),
  );
}

async function drain<T>(events: AsyncGenerator<unknown, T>): Promise<T> {
  for (;;) {
    const next = await events.next();
    if (next.done === true) return next.value;
  }
}

async function train(world: World, repo: Repository): Promise<void> {
  const session = await repo.begin();
  const onto = (await repo.refs()).oid("HEAD");
  const { model } = await putBase(session);
  world.made += 1;
  const commit = await putCommit(session, {
    model,
    parents: onto === undefined ? [] : [onto],
    timeMs: world.made,
    ...(onto === undefined ? {} : { adapter: new TextEncoder().encode(`adapter ${world.made}`) }),
  });
  await session.publish((refs, next) => ({
    command: "train",
    edits: versionEdits(refs, next, { commit, onto, aside: false }).edits,
  }));
}

async function push(world: World, repo: Repository, refs?: readonly string[]): Promise<void> {
  const remote = new DirectoryRemote(world.place);
  await drain(
    executePush(
      repo,
      remote,
      await planPush(repo, remote, {
        remote: "origin",
        command: "push",
        ...(refs === undefined ? {} : { refs }),
      }),
    ),
  );
}

async function pull(world: World, repo: Repository): Promise<void> {
  const remote = new DirectoryRemote(world.place);
  const plan = await planPull(repo, remote, { remote: "origin", command: "pull" });
  if ((await drain(executePull(repo, remote, plan))).branch === "diverged") throw divergedError(plan);
}

async function perform(world: World, repo: Repository, what: Step[1]): Promise<void> {
  switch (what) {
    case "train":
      return train(world, repo);
    case "promote": {
      await repo.operate((refs) => {
        const [old, tip] = [refs.get("production"), refs.oid("HEAD")];
        return {
          command: "promote",
          edits:
            tip === undefined
              ? []
              : [{ ref: "production", ...(old === undefined ? {} : { old }), new: { oid: tip } }],
        };
      });
      return;
    }
    case "undo": {
      const { request } = await planUndo(repo);
      await repo.operate(() => request);
      return;
    }
    case "push":
      return push(world, repo);
    case "push production":
      return push(world, repo, ["production"]);
    case "pull":
      return pull(world, repo);
  }
}

async function isAncestor(repo: Repository, old: string | undefined, tip: string): Promise<boolean> {
  if (old === undefined) return true;
  for (let at: Oid | undefined = tip as Oid; at !== undefined; ) {
    if (at === old) return true;
    at = (await repo.readRecord(at, "commit")).parents[0];
  }
  return false;
}

/** Does one step; gives the code it was refused with. */
async function doStep(world: World, [who, what]: Step): Promise<string | undefined> {
  const repo = world.people[who] as Repository;
  const [hereBefore, thereBefore] = [await refsOf(repo), await refsOf(world.place)];
  let fault: string | undefined;
  try {
    await perform(world, repo, what);
  } catch (error) {
    if (!(error instanceof IngotError)) throw error;
    fault = error.code;
  }
  const [here, there] = [await refsOf(repo), await refsOf(world.place)];
  if (!what.startsWith("push") || fault !== undefined)
    expect(there, `${what}: the place`).toEqual(thereBefore);
  if (what === "push" && fault === undefined) {
    if (here.has("heads/main")) expect(there.get("heads/main")).toBe(here.get("heads/main"));
    expect(there.get("production"), "push names no production").toBe(thereBefore.get("production"));
    const main = there.get("heads/main");
    if (main !== undefined)
      expect(await isAncestor(repo, thereBefore.get("heads/main"), main), "push: forward").toBe(true);
  }
  if (what === "push production" && fault === undefined)
    expect(there.get("production")).toBe(here.get("production"));
  if (what.startsWith("push"))
    for (const [ref, value] of hereBefore)
      if (!ref.startsWith("remotes/")) expect(here.get(ref), `push leaves ${ref}`).toBe(value);
  if (what === "pull") {
    expect(here.get("production"), "pull leaves production").toBe(hereBefore.get("production"));
    const main = here.get("heads/main");
    if (main !== undefined)
      expect(await isAncestor(repo, hereBefore.get("heads/main"), main), "pull: forward").toBe(true);
  }
  for (const [i, each] of [...world.people, world.place].entries()) {
    const given = world.numbers[i] as Map<string, string>;
    for (const [ref, value] of await refsOf(each)) {
      if (!/^tags\/v[0-9]+$/.test(ref)) continue;
      expect(given.get(ref) ?? value, `${ref} of ${i}`).toBe(value);
      given.set(ref, value);
    }
  }
  return fault;
}

describe("two people and a place", () => {
  it("push and pull move refs forward or not at all, numbers are given once, and nothing is ever missing [R2.7 R6.3]", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(1), fc.constantFrom(...WHAT)), { minLength: 1, maxLength: 25 }),
        async (steps) => {
          const world = await makeWorld();
          for (const each of steps) {
            const before = await refsOf(world.people[each[0]] as Repository);
            const fault = await doStep(world, each);
            expect(["conflict.remote", "undo.nothing", "conflict.ref", "ref.missing", undefined]).toContain(
              fault,
            );
            if (each[1] !== "pull") continue;
            const after = await refsOf(world.people[each[0]] as Repository);
            if ([...after].join() === [...before].join()) continue;
            await doStep(world, [each[0], "undo"]);
            expect(await refsOf(world.people[each[0]] as Repository), "pull, undo").toEqual(before);
            await doStep(world, [each[0], "undo"]);
            expect(await refsOf(world.people[each[0]] as Repository), "pull, undo, undo").toEqual(after);
          }
          for (const repo of [...world.people, world.place])
            expect((await fsck(repo)).findings.filter(({ severity }) => severity === "error")).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });
});
