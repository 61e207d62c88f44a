import { IngotError } from "../../base/errors.ts";
import type { Oid } from "../../base/oid.ts";
import type { Repository } from "../../repo/repository.ts";
import type { TrainPlan } from "../../train/events.ts";
import { historyOf } from "../../train/evolution.ts";
import type { EnginePlan, TrainJob } from "../../train/job.ts";
import type { Context } from "../context.ts";
import { type Engine, openEngine } from "../engine/open.ts";
import { materialiseDataset } from "../model-cache.ts";
import { type ChosenDataset, chooseData } from "./choose-data.ts";
import { describePlan } from "./describe-plan.ts";
import { readEvolution } from "./evolution-store.ts";
import type { RunRecordPlan, TrainOptions } from "./options.ts";
import { recipeInput } from "./recipe-input.ts";
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
    const described = await describePlan(context, repo, start, data, plan, ignored, record.snapshotSteps);
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
