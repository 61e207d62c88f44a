import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { IngotError } from "../../src/base/errors.ts";
import { deleteBranch, makeBranch, renameBranch } from "../../src/commands/branch.ts";
import { checkout } from "../../src/commands/checkout.ts";
import type { Context } from "../../src/commands/context.ts";
import { addData } from "../../src/commands/data/add.ts";
import { executeCollection, isEmptyCollection, planCollection } from "../../src/commands/gc.ts";
import { executePromote, planPromote } from "../../src/commands/promote.ts";
import { versionEdits } from "../../src/commands/publish-version.ts";
import { addRemote } from "../../src/commands/remote.ts";
import { executeRemoval, planRemoval } from "../../src/commands/rm.ts";
import { executeRollback, planRollback } from "../../src/commands/rollback.ts";
import { noSettings } from "../../src/commands/settings.ts";
import { showRefs } from "../../src/commands/show-ref.ts";
import { deleteTag, makeTag } from "../../src/commands/tag.ts";
import { undo } from "../../src/commands/undo.ts";
import { fsck } from "../../src/repo/fsck.ts";
import { resolveRevision } from "../../src/repo/resolve.ts";
import { putBase, putCommit } from "../support/commits.ts";
import { type FrozenClock, makeRepository } from "../support/repo.ts";
import { type ModelOperation, type Prediction, VerbModel } from "../support/verb-model.ts";

const DAY_MS = 86_400_000;
const ROWS = ["red", "green", "blue"].map((word) => `{"prompt": "say ${word}", "completion": "${word}"}\n`);

interface World {
  readonly context: Context;
  readonly clock: FrozenClock;
  readonly model: VerbModel;
  /** Refs at the end of each step, with the time. */
  readonly history: { readonly timeMs: number; readonly production: string | undefined }[];
}

/** One command: what it should do, and the doing. `fault` codes it may also end with are in `mayFail`. */
interface Call {
  readonly predicted: Prediction;
  readonly run: () => Promise<unknown>;
  readonly putsBack?: boolean;
  readonly undoes?: boolean;
  readonly mayFail?: readonly string[];
}

const BRANCHES = ["main", "b", "eu/x"];
const TAGS = ["best", "b", "x"];
const DATA = ["d", "e"];
const pick = <T>(from: readonly T[], by: number): T => from[by % from.length] as T;

/** Words that name a version, or once did. */
function wordAt({ model }: World, by: number): string {
  const versions = Array.from({ length: model.given }, (_, n) => `v${n}`);
  const words = [
    ...versions,
    ...versions,
    ...BRANCHES,
    ...TAGS,
    "HEAD",
    "production",
    "staging",
    "dropped/v1",
  ];
  return pick(words, by);
}

type Verb = (world: World, a: number, b: number) => Call | Promise<Call>;

const VERBS: Readonly<Record<string, Verb>> = {
  train: trainVerb,
  "branch NAME REV": (world, a, b) => ({
    predicted: world.model.branch(pick(BRANCHES, a), wordAt(world, b)),
    run: () => makeBranch(world.context, pick(BRANCHES, a), wordAt(world, b)),
  }),
  "branch -d": (world, a) => ({
    predicted: world.model.deleteBranch(pick(BRANCHES, a)),
    run: () => deleteBranch(world.context, pick(BRANCHES, a)),
  }),
  "branch -m": (world, a, b) => ({
    predicted: world.model.renameBranch(pick(BRANCHES, a), pick(BRANCHES, b)),
    run: () => renameBranch(world.context, pick(BRANCHES, a), pick(BRANCHES, b)),
  }),
  "tag NAME REV": (world, a, b) => ({
    predicted: world.model.tag(pick(TAGS, a), wordAt(world, b)),
    run: () => makeTag(world.context, pick(TAGS, a), wordAt(world, b)),
  }),
  "tag -d": (world, a) => ({
    predicted: world.model.deleteTag(pick(TAGS, a)),
    run: () => deleteTag(world.context, pick(TAGS, a)),
  }),
  "checkout REV": (world, a) => ({
    predicted: world.model.checkout(wordAt(world, a)),
    run: () => checkout(world.context, { revision: wordAt(world, a) }),
  }),
  "checkout -b": (world, a, b) => ({
    predicted: world.model.checkoutNew(pick(BRANCHES, a), wordAt(world, b)),
    run: () => checkout(world.context, { newBranch: pick(BRANCHES, a), revision: wordAt(world, b) }),
  }),
  promote: (world, a, b) => {
    const [revision, ref] = [wordAt(world, a), pick(["production", "staging"], b)];
    return {
      predicted: world.model.promote(revision, ref),
      run: async () => {
        const plan = await planPromote(world.context, { revision, ref });
        if (plan.old?.commit !== plan.new.commit) await executePromote(world.context, plan);
      },
    };
  },
  rollback: (world, a, b) => {
    const ref = pick(["production", "production", "staging", ...BRANCHES], a);
    const to = b % 3 === 0 ? wordAt(world, b) : undefined;
    return {
      predicted: world.model.rollback(ref, to),
      putsBack: true,
      run: async () => {
        const plan = await planRollback(world.context, { ref, ...(to === undefined ? {} : { to }) });
        if (plan.old.commit !== plan.new.commit) await executeRollback(world.context, plan);
      },
    };
  },
  undo: (world) => undoCall(world, world.model.undoable(), {}),
  "undo --redo": (world) => undoCall(world, world.model.undoable(true), { redo: true }),
  "undo --op": (world, a) => {
    const operation = pick(world.model.operations, a);
    return undoCall(world, operation, { operation: operation.n });
  },
  rm: (world, a, b) => {
    const [word, force] = [wordAt(world, a), b % 2 === 0];
    return {
      predicted: world.model.remove(word, force),
      run: async () =>
        executeRemoval(world.context, await planRemoval(world.context, { versions: [word], force })),
    };
  },
  "data add": addDataVerb,
  "remote add": (world, a) => ({
    predicted: { edits: [] },
    run: () => addRemote(world.context, { name: `disk${a}`, url: `../disk${a}` }),
  }),
  gc: (world, a) => ({
    predicted: { edits: [] },
    run: async () => {
      world.clock.advance((a % 3) * 20 * DAY_MS);
      const plan = await planCollection(world.context, {});
      if (!isEmptyCollection(plan)) await executeCollection(world.context, plan);
    },
  }),
};

/** Makes a version as a training does. */
async function trainVerb({ context, clock, model }: World): Promise<Call> {
  const repo = await context.openRepository();
  const session = await repo.begin();
  const onto = (await repo.refs()).oid("HEAD");
  const parent = onto === undefined ? undefined : await repo.readRecord(onto, "commit");
  const base =
    parent === undefined
      ? (await putBase(session, `base ${model.given}`)).model
      : (await repo.readRecord(parent.snapshot, "snapshot")).base;
  const oid = await putCommit(session, {
    model: base,
    parents: onto === undefined ? [] : [onto],
    timeMs: clock.nowMs(),
    message: `version ${model.given}`,
    ...(onto === undefined ? {} : { adapter: new TextEncoder().encode(`adapter ${model.given}`) }),
  });
  model.commits.set(oid, { parents: onto === undefined ? [] : [onto], isBase: onto === undefined });
  const predicted = model.train(oid);
  model.given += 1;
  return {
    predicted,
    run: () =>
      session.publish((refs, next) => ({
        command: "train",
        edits: versionEdits(refs, next, { commit: oid, onto, aside: false }).edits,
      })),
  };
}

function undoCall(
  world: World,
  operation: ModelOperation | undefined,
  options: { readonly operation?: number; readonly redo?: boolean },
): Call {
  return {
    predicted: world.model.undo(operation),
    putsBack: true,
    undoes: true,
    // gc may have freed what would be needed; what gc condemned may be back already.
    mayFail: operation?.condemns === true ? ["undo.gone", "undo.nothing"] : ["undo.gone"],
    run: () => undo(world.context, options),
  };
}

async function addDataVerb(world: World, a: number, b: number): Promise<Call> {
  const options = { paths: [`${b % ROWS.length}.jsonl`], name: pick(DATA, a) };
  const call: { predicted: Prediction } = { predicted: { edits: [] } };
  return Object.assign(call, {
    run: async () => {
      const { dataset } = await addData(world.context, options);
      call.predicted = world.model.addData(options.name, dataset);
    },
  });
}

async function shown(context: Context): Promise<ReadonlyMap<string, string>> {
  return new Map(
    (await showRefs(context)).map(({ name, id, symbolic }) => [
      name,
      symbolic === undefined ? (id as string) : `-> ${symbolic}`,
    ]),
  );
}

/** Runs one verb and holds it against the model; true where refs moved. */
async function step(base: World, name: string, a: number, b: number): Promise<boolean> {
  const world = { ...base, context: { ...base.context, commandLine: name } };
  const { context, clock, model, history } = world;
  clock.advance(60_000);
  const repo = await context.openRepository();
  const { n } = await repo.refs();
  const call = await (VERBS[name] as Verb)(world, a, b);
  let fault: string | undefined;
  try {
    await call.run();
  } catch (error) {
    if (!(error instanceof IngotError)) throw error;
    fault = error.code;
  }
  const mayFail = fault !== undefined && call.mayFail?.includes(fault) === true;
  const expected = "fault" in call.predicted ? call.predicted.fault : undefined;
  if (!mayFail) expect(fault, `${name}: ends with`).toBe(expected);
  const edits = fault === undefined && "edits" in call.predicted ? call.predicted.edits : [];
  model.refs = model.apply(edits);
  expect(await shown(context), `${name}: refs`).toEqual(model.refs);
  const after = await repo.refs();
  for (let each = n + 1; each <= after.n; each++) {
    const operation = await repo.readOperation(each);
    if (operation.housekeeping) expect(operation.edits).toEqual([]);
    else
      model.operations.push({
        n: each,
        edits: operation.edits.length === 0 ? [] : edits,
        putsBack: call.putsBack ?? false,
        undoes: call.undoes ?? false,
        condemns: operation.packs.condemn.length > 0,
      });
  }
  expect(after.counter("version"), `${name}: numbers given`).toBe(model.given);
  history.push({ timeMs: clock.nowMs(), production: model.oid("production") });
  return edits.length > 0;
}

describe("verbs that change refs", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ingot-verbs-"));
  beforeAll(() => {
    ROWS.forEach((_, i) => {
      fs.writeFileSync(path.join(folder, `${i}.jsonl`), ROWS.slice(0, i + 1).join(""));
    });
  });
  afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

  async function makeWorld(): Promise<World> {
    const { repo, clock, options } = await makeRepository();
    fs.rmSync(path.join(folder, ".ingot"), { recursive: true, force: true });
    fs.mkdirSync(path.join(folder, ".ingot"));
    const context: Context = {
      cwd: folder,
      root: folder,
      clock,
      random: options.random,
      actor: { name: "Ada" },
      settings: noSettings,
      signal: new AbortController().signal,
      commandLine: "a verb",
      openRepository: async () => repo,
      close: async () => {},
    };
    const world: World = { context, clock, model: new VerbModel(await shown(context)), history: [] };
    for (let i = 0; i < 3; i++) await step(world, "train", 0, 0);
    return world;
  }

  const steps = fc.array(
    fc.tuple(
      fc.constantFrom(...Object.keys(VERBS), "train", "undo", "promote", "rollback", "rm"),
      fc.nat(97),
      fc.nat(97),
    ),
    { minLength: 1, maxLength: 40 },
  );

  it("do to refs what the manual says, never repeat a number, and leave no ref without its objects", async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const world = await makeWorld();
        for (const [name, a, b] of all) await step(world, name, a, b);
        const repo = await world.context.openRepository();
        expect((await fsck(repo)).findings.filter(({ severity }) => severity === "error")).toEqual([]);
        for (const { timeMs, production } of world.history) {
          const then = `production@{${new Date(timeMs).toISOString()}}`;
          const found = await resolveRevision(repo, then).catch((error: IngotError) => error.code);
          expect(found, then).toBe(production ?? "ref.missing");
        }
      }),
      { numRuns: 100 },
    );
  });

  it("are taken back by undo to the last ref, and brought again by the next undo [R2.3]", async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const world = await makeWorld();
        for (const [name, a, b] of all) {
          const before = await shown(world.context);
          if (!(await step(world, name, a, b))) continue;
          const after = await shown(world.context);
          await step(world, "undo", 0, 0);
          expect(await shown(world.context), `${name}, undo`).toEqual(before);
          await step(world, "undo", 0, 0);
          expect(await shown(world.context), `${name}, undo, undo`).toEqual(after);
        }
        const { findings } = await fsck(await world.context.openRepository());
        expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });
});
