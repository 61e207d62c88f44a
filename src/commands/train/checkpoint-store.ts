import { IngotError } from "../../base/errors.ts";
import type { Oid } from "../../base/oid.ts";
import type { CheckpointRecord, Plain } from "../../objects/records.ts";
import type { RefTable, Repository, WriteSession } from "../../repo/repository.ts";
import { openScratch } from "../../storage/scratch.ts";
import type { EngineTrainEvent } from "../../train/job.ts";
import type { Context } from "../context.ts";
import { withScratch } from "../model-cache.ts";
import { storeEvolution } from "./evolution-store.ts";
import type { Execution } from "./execution.ts";

/** A state of the engine that was written to the scratch folder. */
type WrittenState = Extract<EngineTrainEvent, { event: "checkpoint" }>;

/** Records the run at step 0, so that any crash from here on is resumable. Gives its name; throws `conflict.ref` where another got it. */
export async function recordRun(context: Context, repo: Repository, execution: Execution): Promise<string> {
  const session = await repo.begin({ transient: true });
  // The record names its run, so it is written under the number that is expected.
  const run = `t${(await repo.refs()).counter("run") + 1}`;
  const oid = await session.putRecord({
    ...facts(execution, run),
    step: 0,
    cursor: 0,
    evolutionTimesMs: [],
    progress: { tokens: {}, lastLoss: 0, elapsedMs: 0 },
  });
  await session.publish((refs, next) => {
    if (`t${next("run")}` !== run)
      throw new IngotError("conflict.ref", "another training was recorded meanwhile", {
        hint: "run the command again",
      });
    return {
      command: context.commandLine,
      housekeeping: true,
      edits: [checkpointEdit(refs, `runs/${run}/0`, oid)],
    };
  });
  return run;
}

/**
 * Stores a checkpoint as a pack of its own and drops those beyond the last `save_total_limit` of the run, in one operation. The
 * files in the scratch folder are gone afterwards, stored or not.
 */
export async function storeCheckpoint(
  context: Context,
  repo: Repository,
  execution: Execution,
  run: string,
  written: WrittenState,
  elapsedMs: number,
): Promise<Oid> {
  const scratch = await openScratch(execution.job.model.folder);
  const session = await repo.begin({ transient: true });
  try {
    const put = (name: string): Promise<Oid> =>
      withScratch(scratch, name, async (source) => (await session.putSource(source)).oid);
    const { theta, m, v } = written.files;
    const state = { theta: await put(theta), m: await put(m), v: await put(v) };
    const oid = await session.putRecord({
      ...facts(execution, run),
      step: written.step,
      cursor: written.cursor,
      evolutionTimesMs: written.evolution?.timesMs ?? [],
      progress: {
        tokens: written.tokens,
        lastLoss: written.lastLoss,
        elapsedMs: Math.round(elapsedMs),
      },
      state,
      ...(await storedEvolution(session, execution, written)),
    });
    const limit = Number(execution.recipe.save_total_limit);
    await session.publish((refs) => ({
      command: context.commandLine,
      housekeeping: true,
      edits: [
        checkpointEdit(refs, `runs/${run}/${written.step}`, oid),
        ...surplus(refs, run, written.step, limit).map(({ name, value }) => ({ ref: name, old: value })),
      ],
    }));
    return oid;
  } catch (error) {
    await session.abort();
    throw error;
  } finally {
    for (const name of Object.values(written.files)) await scratch.remove(name);
  }
}

/** What every checkpoint of a run says. */
function facts(
  { start, recipe, record }: Execution,
  run: string,
): Pick<CheckpointRecord, "kind" | "run" | "on" | "recipe" | "plan" | "datasets" | "random"> {
  return {
    kind: "checkpoint",
    run,
    on: start.commit,
    recipe: recipe as CheckpointRecord["recipe"],
    plan: plain(record) as CheckpointRecord["plan"],
    datasets: record.datasets.map((d) => d.oid as Oid),
    random: { seed: Number(recipe.seed), kind: "counter" },
  };
}

/** A value as records hold it: no undefined. */
function plain(value: unknown): Plain {
  return JSON.parse(JSON.stringify(value)) as Plain;
}

async function storedEvolution(
  session: WriteSession,
  { record }: Execution,
  { evolution, rule }: WrittenState,
): Promise<{ evolution?: Oid }> {
  if (evolution === undefined || evolution.steps.length === 0) return {};
  const datasets = record.datasets.map((d) => d.oid as Oid);
  return { evolution: await storeEvolution(session, evolution, datasets, rule) };
}

function checkpointEdit(refs: RefTable, ref: string, oid: Oid) {
  const old = refs.get(ref);
  return { ref, ...(old === undefined ? {} : { old }), new: { oid } };
}

/** Checkpoints that go when the one at `step` is stored: the oldest beyond the limit, and those of a future that was left. */
function surplus(refs: RefTable, run: string, step: number, limit: number) {
  const stepOf = (name: string): number => Number(name.slice(name.lastIndexOf("/") + 1));
  const mine = refs.list(`runs/${run}/`);
  const earlier = mine
    .filter(({ name }) => stepOf(name) < step)
    .sort((a, b) => stepOf(b.name) - stepOf(a.name));
  return [...earlier.slice(limit - 1), ...mine.filter(({ name }) => stepOf(name) > step)];
}
