import { bug } from "../../base/errors.ts";
import type { Oid } from "../../base/oid.ts";
import type { AdapterRecord, CommitRecord, TrainedDataset } from "../../objects/records.ts";
import type { Repository, WriteSession } from "../../repo/repository.ts";
import { openScratch } from "../../storage/scratch.ts";
import type { TrainEvent } from "../../train/events.ts";
import { countStatuses } from "../../train/evolution.ts";
import type { TrainResult } from "../../train/job.ts";
import { judgeKeep, KEEP_LIMITS, type KeepLimits, type KeepVerdict } from "../../train/keep-gate.ts";
import type { Context } from "../context.ts";
import { programEnvironment } from "../environment.ts";
import { withScratch } from "../model-cache.ts";
import { versionEdits } from "../publish-version.ts";
import { storeEvolution } from "./evolution-store.ts";
import type { Execution } from "./execution.ts";

/** Adapter and snapshot of a result: what `reproduce` compares. */
export interface StoredResult {
  readonly adapter: Oid;
  readonly snapshot: Oid;
  readonly sizeBytes: number;
}

/** Stores the trained files and what the version is. The base and the adapters below stay what they were. */
export async function storeResult(
  session: WriteSession,
  execution: Pick<Execution, "start" | "job">,
  result: TrainResult,
): Promise<StoredResult> {
  const { snapshot } = execution.start;
  const scratch = await openScratch(execution.job.model.folder);
  const entries = [];
  for (const file of result.files) {
    const stored = await withScratch(scratch, file.name, (source) => session.putSource(source));
    entries.push({ path: file.path, blob: stored.oid, sizeBytes: stored.sizeBytes });
    await scratch.remove(file.name);
  }
  entries.sort((a, b) => (a.path < b.path ? -1 : 1));
  const tree = await session.putRecord({ kind: "tree", entries });
  const record: AdapterRecord = {
    kind: "adapter",
    method: result.method,
    model: snapshot.base,
    tree,
    entry: result.entry,
  };
  const adapter = await session.putRecord(record);
  const below = execution.job.stack ? snapshot.adapters : snapshot.adapters.slice(0, -1);
  return {
    adapter,
    snapshot: await session.putRecord({
      kind: "snapshot",
      base: snapshot.base,
      adapters: [...below, adapter],
    }),
    sizeBytes: entries.reduce((sum, e) => sum + e.sizeBytes, 0),
  };
}

/** Turns the result of a finished run into a version, by one operation: tag, branch (unless kept aside), end of the run. */
export async function publishResult(
  context: Context,
  repo: Repository,
  execution: Execution,
  run: string,
  result: TrainResult,
  durationMs: number,
): Promise<TrainEvent> {
  const { start, record } = execution;
  const session = await repo.begin();
  try {
    const stored = await storeResult(session, execution, result);
    const verdict = judge(context, result, record.keep);
    const datasetIds = record.datasets.map((d) => d.oid as Oid);
    const evolution =
      result.evolution === undefined
        ? undefined
        : await storeEvolution(session, result.evolution, datasetIds, result.rule);
    const commitRecord: CommitRecord = {
      kind: "commit",
      snapshot: stored.snapshot,
      parents: [start.commit],
      author: context.actor,
      timeMs: context.clock.nowMs(),
      message: record.message,
      datasets: trainedDatasets(execution, result),
      recipe: execution.recipe as NonNullable<CommitRecord["recipe"]>,
      environment: programEnvironment(result.environment),
      training: { steps: result.step, loss: result.loss, durationMs: Math.round(durationMs), run },
      ...(result.metrics === undefined ? {} : { metrics: result.metrics }),
      ...(evolution === undefined
        ? {}
        : { evolution, evolutionTimesMs: (result.evolution?.timesMs ?? []).map(Math.round) }),
      ...(verdict.keep ? {} : { aside: verdict.reasons.join("; ") }),
    };
    const commit = await session.putRecord(commitRecord);
    let made: ReturnType<typeof versionEdits> | undefined;
    await session.publish((refs, next) => {
      made = versionEdits(refs, next, {
        commit,
        onto: start.commit,
        aside: !verdict.keep,
        name: record.name,
      });
      const ended = refs.list(`runs/${run}/`).map(({ name, value }) => ({ ref: name, old: value }));
      return { command: record.commandLine, edits: [...made.edits, ...ended] };
    });
    const { version, moved } = made ?? bug("published nothing");
    return {
      event: "done",
      version,
      commit,
      snapshot: stored.snapshot,
      adapter: stored.adapter,
      steps: result.step,
      loss: result.loss,
      durationMs: Math.round(durationMs),
      adapterBytes: stored.sizeBytes,
      ...(verdict.keep ? {} : { aside: verdict.reasons.join("; ") }),
      ...(moved === undefined ? {} : { branch: moved.replace(/^heads\//, "") }),
      ...(result.metrics === undefined ? {} : { metrics: result.metrics }),
      ...(result.evolution === undefined ? {} : { statuses: countStatuses(result.evolution) }),
    };
  } catch (error) {
    await session.abort();
    throw error;
  }
}

function judge(context: Context, result: TrainResult, overruled: boolean): KeepVerdict {
  if (overruled || result.evolution === undefined) return { keep: true, reasons: [], forgotten: [] };
  const limits: KeepLimits = {
    loss_rise: context.settings.number("gate.keep.loss_rise") ?? KEEP_LIMITS.loss_rise,
    forgotten: context.settings.number("gate.keep.forgotten") ?? KEEP_LIMITS.forgotten,
  };
  return judgeKeep(result.evolution, result.heldOut, limits);
}

function trainedDatasets({ record }: Execution, result: TrainResult): readonly TrainedDataset[] {
  const fresh = record.datasets.filter((d) => d.role === "train");
  const earlier = record.datasets.filter((d) => d.role === "replay");
  const share = (from: "new" | "earlier", count: number): number =>
    Math.round((result.tokens[from] ?? 0) / Math.max(1, count));
  return [
    ...fresh.map((d) => ({
      dataset: d.oid as Oid,
      role: d.role,
      name: d.name,
      tokens: share("new", fresh.length),
    })),
    ...earlier
      .filter(() => (result.tokens.earlier ?? 0) > 0)
      .map((d) => ({
        dataset: d.oid as Oid,
        role: d.role,
        name: d.name,
        tokens: share("earlier", earlier.length),
      })),
  ];
}
