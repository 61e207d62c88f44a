import type { Oid } from "../../base/oid.ts";
import type { CheckpointRecord } from "../../objects/records.ts";
import type { ResumeState } from "../../train/job.ts";
import type { Context } from "../context.ts";
import { modelScratch, putInScratch } from "../model-cache.ts";
import { readEvolution } from "./evolution-store.ts";
import type { Execution } from "./execution.ts";
import type { RunRecordPlan } from "./options.ts";
import { openRun } from "./plan.ts";
import { findRun } from "./runs.ts";
import { findStart } from "./start-point.ts";

/** Lays an unfinished run out again, from its last checkpoint. Throws `run.missing` where there is none. */
export async function planResume(
  context: Context,
  options: { readonly run?: string | undefined; readonly threads?: number | undefined },
): Promise<Execution & { readonly at: { readonly step: number; readonly steps: number } }> {
  const repo = await context.openRepository();
  const run = findRun(await repo.refs(), options.run);
  const last = run.checkpoints.at(-1)!;
  const checkpoint: CheckpointRecord = await repo.readRecord(last.oid, "checkpoint");
  const record = checkpoint.plan as unknown as RunRecordPlan;
  const start = await findStart(repo, checkpoint.on);
  const scratch = await modelScratch(context, start.snapshot.base);
  const progress = checkpoint.progress as {
    readonly tokens: Readonly<Record<string, number>>;
    readonly lastLoss: number;
    readonly elapsedMs: number;
  };
  const put = (oid: Oid): Promise<string> => putInScratch(repo, scratch, oid);
  const state =
    checkpoint.state === undefined
      ? undefined
      : {
          theta: await put(checkpoint.state.theta),
          m: await put(checkpoint.state.m),
          v: await put(checkpoint.state.v),
        };
  const evolution =
    checkpoint.evolution === undefined
      ? undefined
      : await readEvolution(repo, checkpoint.evolution, checkpoint.evolutionTimesMs);
  const resume: ResumeState = {
    step: checkpoint.step,
    tokens: progress.tokens,
    lastLoss: progress.lastLoss,
    ...(state === undefined ? {} : { state }),
    ...(evolution === undefined ? {} : { evolution }),
  };
  const { engine, job, plan } = await openRun(context, repo, start, record, options.threads, resume);
  return {
    start,
    record,
    recipe: checkpoint.recipe,
    engine,
    job,
    resumed: { run: run.run, step: checkpoint.step, elapsedMs: progress.elapsedMs },
    at: { step: checkpoint.step, steps: plan.steps },
  };
}
