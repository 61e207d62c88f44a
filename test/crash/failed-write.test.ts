import { describe, expect, it } from "vitest";
import { IngotError } from "../../src/base/errors.ts";
import type { Oid } from "../../src/base/oid.ts";
import { fsck } from "../../src/repo/fsck.ts";
import { executeGc, planGc } from "../../src/repo/gc.ts";
import { openRepository } from "../../src/repo/open.ts";
import type { Repository } from "../../src/repo/repository.ts";
import { planUndo } from "../../src/repo/undo.ts";
import { reachable } from "../../src/repo/walk.ts";
import { putBase, putCommit } from "../support/commits.ts";
import { type FaultPlan, faultyStorage } from "../support/faulty-storage.ts";
import { frozenClock, makeRepository, noise, START_MS } from "../support/repo.ts";

type Step = (repo: Repository) => Promise<unknown>;

async function publishVersion(repo: Repository, number: number): Promise<void> {
  const session = await repo.begin();
  try {
    const { model } = await putBase(session);
    const tip = (await repo.refs()).oid("heads/main");
    const oid = await putCommit(session, {
      model,
      parents: tip === undefined ? [] : [tip],
      timeMs: START_MS + number,
      adapter: noise(6000, number + 1),
    });
    await session.publish((refs) => {
      const old = refs.get("heads/main");
      return {
        command: `version ${number}`,
        edits: [
          { ref: `tags/v${number}`, new: { oid } },
          { ref: "heads/main", ...(old === undefined ? {} : { old }), new: { oid } },
        ],
      };
    });
  } finally {
    await session.abort();
  }
}

async function removeVersion(repo: Repository): Promise<void> {
  await repo.operate((refs) => {
    const gone = refs.oid("tags/v2") as Oid;
    const old = refs.oid("tags/v1") as Oid;
    return {
      command: "rm v2",
      edits: [
        { ref: "tags/v2", old: { oid: gone } },
        { ref: "heads/main", old: { oid: gone }, new: { oid: old } },
        { ref: "dropped/v2", new: { oid: gone } },
      ],
    };
  });
}

/** A life of a repository: every kind of write that it knows. */
const STEPS: readonly Step[] = [
  (repo) => publishVersion(repo, 0),
  (repo) => publishVersion(repo, 1),
  (repo) => publishVersion(repo, 2),
  (repo) =>
    repo.operate((refs) => ({
      command: "promote",
      edits: [{ ref: "production", new: { oid: refs.oid("tags/v1") as Oid } }],
    })),
  async (repo) => repo.operate(async () => (await planUndo(repo)).request),
  removeVersion,
  async (repo) => executeGc(repo, await planGc(repo, { nowMs: START_MS })),
  async (repo) => repo.operate(async () => (await planUndo(repo)).request),
  async (repo) => executeGc(repo, await planGc(repo, { nowMs: START_MS, graceMs: 0 })),
  (repo) => publishVersion(repo, 3),
];

const tableOf = async (repo: Repository) => JSON.stringify((await repo.refs()).list(""));

async function expectWhole(repo: Repository, what: string): Promise<void> {
  const { findings } = await fsck(repo, { deep: true });
  expect(
    findings.filter(({ severity }) => severity !== "notice"),
    what,
  ).toEqual([]);
  const roots = (await repo.refs())
    .list("")
    .flatMap(({ name, value }) =>
      "oid" in value && !name.startsWith("dropped/")
        ? [{ oid: value.oid, expect: "any" as const, from: name }]
        : [],
    );
  for await (const { oid } of reachable(repo, roots)) await repo.readBytes(oid);
}

describe("a write that fails", () => {
  for (const when of ["before", "after"] as const) {
    for (const sticky of [true, false]) {
      it(`leaves the state before or after it: fails ${when} it takes effect, ${sticky ? "and all after it" : "once"}`, async () => {
        let at = 1;
        for (; ; at++) if (!(await runWithFault({ at, when, sticky }))) break;
        expect(at).toBeGreaterThan(60);
      });
    }
  }
});

/** Runs the life up to the fault, reopens, and checks. False where the life ended before the fault. */
async function runWithFault(plan: FaultPlan): Promise<boolean> {
  const { storage } = await makeRepository();
  const options = { clock: frozenClock() };
  const faulty = faultyStorage(storage, plan);
  const repo = await openRepository(faulty.storage, options);
  for (const [i, step] of STEPS.entries()) {
    const what = `write ${plan.at} fails in step ${i}`;
    const before = await tableOf(repo);
    let failed = false;
    try {
      await step(repo);
    } catch (error) {
      if (!(error instanceof IngotError)) throw error;
      expect(error.code, what).toBe("environment.io");
      failed = true;
    }
    const acknowledged = await tableOf(repo);
    if (!faulty.struck()) continue;

    const again = await openRepository(storage, options);
    await expectWhole(again, what);
    // What was acknowledged is there; what failed left the refs alone, or went through as a whole.
    if (!failed) expect(await tableOf(again), what).toBe(acknowledged);
    else if (plan.when === "before") expect(await tableOf(again), what).toBe(before);
    // The life goes on in another process.
    await publishVersion(again, 9);
    await expectWhole(again, what);
    return true;
  }
  return false;
}
