import type { RefTable, Repository } from "../../repo/repository.ts";
import type { TrainPlan } from "../../train/events.ts";
import type { EnginePlan } from "../../train/job.ts";
import type { Context } from "../context.ts";
import { callVersion, indexVersions } from "../versions.ts";
import type { ChosenData } from "./choose-data.ts";
import { estimateDurationMs } from "./estimate.ts";
import { runChecks } from "./plan-checks.ts";
import { unfinishedRuns } from "./runs.ts";
import type { StartPoint } from "./start-point.ts";

/** A plan as people and programs read it. `ignored`: keys of the recipe without meaning here; `snapshots`: custom steps of the readings. */
export async function describePlan(
  context: Context,
  repo: Repository,
  start: StartPoint,
  data: ChosenData,
  plan: EnginePlan,
  ignored: readonly string[],
  snapshots: readonly number[] | undefined,
): Promise<TrainPlan> {
  const refs = await repo.refs();
  const versions = indexVersions(refs);
  const diskBytes = plan.stateBytes * 4 + plan.trainable * 4;
  return {
    base: {
      version: callVersion(versions, start.commit),
      commit: start.commit,
      model: start.snapshot.base,
      isBase: start.snapshot.adapters.length === 0,
    },
    next: `v${refs.counter("version")}`,
    method: String(plan.recipe.method),
    datasets: data.datasets.map(({ oid, ...d }) => ({ dataset: oid, ...d })),
    parameters: { trainable: plan.trainable, frozen: plan.frozen },
    targets: plan.targets,
    steps: plan.steps,
    tokens: plan.tokens,
    probe: plan.probe,
    replay: Number(plan.recipe.replay),
    estimates: {
      durationMs: estimateDurationMs(plan, snapshots),
      memoryBytes: plan.memoryBytes,
      diskBytes,
    },
    recipe: plan.recipe,
    checks: await runChecks(context, repo, start, data, plan, diskBytes),
    notes: notesOf(plan, data, refs, ignored),
  };
}

/** What a person may want to know before saying yes, though nothing is wrong with it. */
function notesOf(
  plan: EnginePlan,
  data: ChosenData,
  refs: RefTable,
  ignored: readonly string[],
): readonly string[] {
  const notes = [...plan.notes];
  if (ignored.length > 0)
    notes.push(`recipe keys without meaning here are ignored: ${[...new Set(ignored)].join(", ")}`);
  for (const d of data.datasets)
    if (d.role === "train" && d.newExamples < d.examples)
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
  return notes;
}
