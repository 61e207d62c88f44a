import { bug, IngotError } from "../../base/errors.ts";
import type { Oid } from "../../base/oid.ts";
import { findLeaseHolder } from "../../repo/lease.ts";
import type { Repository } from "../../repo/repository.ts";
import type { PlanCheck, TrainPlan } from "../../train/events.ts";
import { historyOf } from "../../train/evolution.ts";
import type { EnginePlan, TrainJob } from "../../train/job.ts";
import type { Context } from "../context.ts";
import { type Engine, openEngine } from "../engine/open.ts";
import { materialiseDataset } from "../model-cache.ts";
import { repositoryStorage } from "../repository-storage.ts";
import { callVersion, indexVersions } from "../versions.ts";
import { type ChosenData, type ChosenDataset, chooseData } from "./choose-data.ts";
import { readEvolution } from "./evolution-store.ts";
import type { RunRecordPlan, TrainOptions } from "./options.ts";
import { recipeInput } from "./recipe-input.ts";
import { unfinishedRuns } from "./runs.ts";
import { findStart, materialiseStart, type StartPoint } from "./start-point.ts";
import { awaitTurn } from "./turn.ts";

/** A training that may start: what it will do, every check, and the engine that waits with everything laid out. */
export interface PlannedTraining {
  readonly plan: TrainPlan;
  readonly start: StartPoint;
  readonly datasets: readonly ChosenDataset[];
  readonly record: RunRecordPlan;
  readonly recipe: Readonly<Record<string, unknown>>;
  readonly engine: Engine;
  readonly job: TrainJob;
  /** Where HEAD stood, where the training builds on it. */
  readonly head?: Oid;
  /** The line was trained on a dataset that is named again: needs a yes. */
  readonly asksAgain: readonly string[];
}

/** Float operations a second that a plan counts on; the step line knows better soon. */
const ASSUMED_FLOPS = 6e10;
const PROBE_EXAMPLES = 512;

/** Plans a training: data, recipe, what is trained, all checks of the plan. Nothing has run, no ref has moved. */
export async function planTraining(context: Context, options: TrainOptions): Promise<PlannedTraining> {
  if (options.dryRun !== true) await awaitTurn(context);
  const repo = await context.openRepository();
  const start = await findStart(repo, options.on);
  const { given, ignored } = await recipeInput(context, options.recipeFile, options.recipe);
  const data = await chooseData(context, repo, options, start.commit);
  const record: RunRecordPlan = {
    given,
    datasets: data.datasets.map(({ oid, name, role }) => ({ oid, name, role })),
    probe: options.probe ?? context.settings.number("evolution.probe") ?? PROBE_EXAMPLES,
    stack: options.stack === true,
    keep: options.keep === true,
    ...(options.name === undefined ? {} : { name: options.name }),
    message:
      options.message ??
      `train ${data.datasets
        .filter((d) => d.role === "train")
        .map((d) => d.name)
        .join(", ")}`,
    regressed: await regressedBefore(repo, start),
    ...snapshotSetting(context),
    commandLine: context.commandLine,
  };
  const { engine, job, plan } = await openRun(context, repo, start, record, options.threads);
  try {
    const described = await describePlan(context, repo, start, data, plan, ignored);
    return {
      ...(options.on === undefined ? { head: start.commit } : {}),
      plan: described,
      start,
      datasets: data.datasets,
      record,
      recipe: plan.recipe,
      engine,
      job,
      asksAgain: data.repeated,
    };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

/** Starts an engine and lays a run out in it. */
export async function openRun(
  context: Context,
  repo: Repository,
  start: StartPoint,
  record: RunRecordPlan,
  threads: number | undefined,
  resume?: TrainJob["resume"],
): Promise<{ engine: Engine; job: TrainJob; plan: EnginePlan }> {
  const { scratch, model, adapters } = await materialiseStart(context, repo, start.snapshot);
  const datasets = [];
  for (const d of record.datasets)
    datasets.push(await materialiseDataset(repo, scratch, d.oid as Oid, d.name, d.role));
  const job: TrainJob = {
    model,
    adapters,
    stack: record.stack,
    datasets,
    given: record.given,
    threads: threads ?? context.settings.number("engine.threads") ?? 2,
    probe: record.probe,
    regressed: record.regressed,
    ...(record.snapshotSteps === undefined ? {} : { snapshotSteps: record.snapshotSteps }),
    ...(resume === undefined ? {} : { resume }),
  };
  const engine = await openEngine(context);
  try {
    return { engine, job, plan: await engine.client.request<EnginePlan>("train.plan", job) };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

function snapshotSetting(context: Context): { snapshotSteps?: readonly number[] } {
  const steps = context.settings.find("evolution.steps")?.value;
  if (steps === undefined) return {};
  if (
    !Array.isArray(steps) ||
    !steps.every((s) => typeof s === "number" && Number.isSafeInteger(s) && s >= 0)
  ) {
    throw new IngotError("usage.config", "'evolution.steps' is no list of steps", {
      hint: "evolution.steps = [0, 10, 25, 50]",
    });
  }
  return { snapshotSteps: steps as readonly number[] };
}

/** Examples that regressed in the last training of the line: the probe follows them. */
async function regressedBefore(repo: Repository, start: StartPoint): Promise<readonly string[]> {
  if (start.record.evolution === undefined) return [];
  const table = await readEvolution(repo, start.record.evolution);
  return table.examples.filter((_, column) => historyOf(table, column).status === "regressed");
}

async function describePlan(
  context: Context,
  repo: Repository,
  start: StartPoint,
  data: ChosenData,
  plan: EnginePlan,
  ignored: readonly string[],
): Promise<TrainPlan> {
  const refs = await repo.refs();
  const versions = indexVersions(refs);
  const newRows = data.datasets.filter((d) => d.role === "train");
  const isBase = start.snapshot.adapters.length === 0;
  const memoryBytes = plan.memoryBytes;
  const diskBytes = plan.stateBytes * 4 + plan.trainable * 4;
  const notes = [...plan.notes];
  if (ignored.length > 0)
    notes.push(`recipe keys without meaning here are ignored: ${[...new Set(ignored)].join(", ")}`);
  for (const d of newRows)
    if (d.newExamples < d.examples)
      notes.push(
        `${d.name}: ${d.newExamples} of ${d.examples} examples are new, ${d.examples - d.newExamples} were trained on this line before`,
      );
  const replay = Number(plan.recipe.replay);
  if (plan.earlierRows > 0) {
    notes.push(
      replay > 0
        ? `${Math.round(replay * 100)} % as many rows again are replayed from earlier data, drawn anew each epoch (--replay 0 turns it off)`
        : "earlier data is not replayed: what was learned from it may be forgotten (--replay 0.5)",
    );
  }
  for (const run of unfinishedRuns(refs))
    notes.push(
      `${run.run} is unfinished, at step ${run.checkpoints.at(-1)?.step ?? 0} (ingot train --resume ${run.run})`,
    );
  return {
    base: {
      version: callVersion(versions, start.commit),
      commit: start.commit,
      model: start.snapshot.base,
      isBase,
    },
    next: `v${refs.counter("version")}`,
    method: String(plan.recipe.method),
    datasets: data.datasets.map(({ oid, ...d }) => ({ dataset: oid, ...d })),
    parameters: { trainable: plan.trainable, frozen: plan.frozen },
    targets: plan.targets,
    steps: plan.steps,
    tokens: plan.tokens,
    probe: plan.probe,
    replay,
    estimates: {
      durationMs: Math.round((4 * (plan.frozen + plan.trainable) * plan.tokens * 1000) / ASSUMED_FLOPS),
      memoryBytes,
      diskBytes,
    },
    recipe: plan.recipe,
    checks: await runChecks(context, repo, start, data, plan, diskBytes),
    notes,
  };
}

/** Every check of a plan, said even where it passes; a training starts only when all do. */
async function runChecks(
  context: Context,
  repo: Repository,
  start: StartPoint,
  data: ChosenData,
  plan: EnginePlan,
  diskBytes: number,
): Promise<readonly PlanCheck[]> {
  const fresh = data.datasets.filter((d) => d.role === "train");
  const storage = repositoryStorage(context);
  const free = await storage.freeBytes();
  const least = context.settings.number("disk.minimum") ?? 0;
  const needed = Math.max(diskBytes, least);
  const refs = await repo.refs();
  const live = [];
  for (const run of unfinishedRuns(refs))
    if ((await findLeaseHolder(storage, `run-${run.run}`)) !== undefined) live.push(run.run);
  return [
    {
      name: "data",
      ok: plan.newRows > 0,
      detail: `${fresh.map((d) => d.name).join(", ")}: ${plan.newRows} rows, every row found in its file`,
    },
    { name: "base", ok: true, detail: `model ${start.snapshot.base.slice(0, 8)} verified by its id` },
    {
      name: "duplicates",
      ok: true,
      detail:
        data.repeated.length > 0
          ? `trained on this line before: ${data.repeated.join(", ")}`
          : "no dataset is trained twice",
    },
    {
      name: "disk",
      ok: free === undefined || free >= needed,
      detail: `needs ${formatBytes(needed)}, ${free === undefined ? "free space unknown" : `${formatBytes(free)} free`}`,
    },
    { name: "device", ok: true, detail: "cpu" },
    {
      name: "previous run",
      ok: live.length === 0,
      detail: live.length === 0 ? "no training is running" : `${live.join(", ")} is running`,
    },
    {
      name: "store",
      ok: refs.n > 0 || bug("an empty log"),
      detail: `log at ${refs.n}, objects of this line read and verified`,
    },
  ];
}

function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
