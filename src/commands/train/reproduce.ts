import { IngotError } from "../../base/errors.ts";
import type { Oid } from "../../base/oid.ts";
import { resolveRevision } from "../../repo/resolve.ts";
import type { TrainEvent } from "../../train/events.ts";
import type { EngineTrainEvent, TrainResult } from "../../train/job.ts";
import type { Context } from "../context.ts";
import { lineageData } from "../data/registry.ts";
import type { RunRecordPlan } from "./options.ts";
import { openRun } from "./plan.ts";
import { storeResult } from "./publish-result.ts";
import { findStart } from "./start-point.ts";

export interface ReproduceResult {
  readonly reproduced: boolean;
  /** Snapshot ids: what the commit holds, and what came out now. */
  readonly expected: Oid;
  readonly actual: Oid;
  readonly steps: number;
  /** Environment that differs from the recorded one: the likely reason of a difference. */
  readonly environment: readonly { readonly name: string; readonly recorded: string; readonly now: string }[];
}

/**
 * Trains a version again in a scratch place and compares what comes out with what it holds, byte for byte. Nothing is kept.
 * Throws `usage.argument` for a version that no training made.
 */
export async function reproduce(
  context: Context,
  options: {
    readonly revision: string;
    readonly threads?: number | undefined;
    readonly onEvent?: (event: TrainEvent | EngineTrainEvent) => void;
  },
): Promise<ReproduceResult> {
  const repo = await context.openRepository();
  const commit = await resolveRevision(repo, options.revision);
  const record = await repo.readRecord(commit, "commit");
  const parent = record.parents[0];
  if (record.recipe === undefined || parent === undefined) {
    throw new IngotError("usage.argument", `'${options.revision}' was imported, not trained`, {
      hint: "its files are verified by: ingot fsck --deep",
      data: { where: options.revision },
    });
  }
  const start = await findStart(repo, parent);
  const trained = record.datasets
    .filter((d) => d.role === "train")
    .map((d) => ({ oid: d.dataset, name: d.name, role: "train" as const }));
  const named = new Set<string>(trained.map((d) => d.oid));
  const earlier = (await lineageData(repo, parent))
    .filter((d) => !named.has(d.oid))
    .map((d) => ({ oid: d.oid, name: d.name, role: "replay" as const }));
  const expectedSnapshot = await repo.readRecord(record.snapshot, "snapshot");
  const plan: RunRecordPlan = {
    given: record.recipe,
    datasets: [...trained, ...earlier],
    probe: "none",
    stack:
      expectedSnapshot.adapters.length > start.snapshot.adapters.length && start.snapshot.adapters.length > 0,
    keep: true,
    message: "",
    regressed: [],
    commandLine: context.commandLine,
  };
  const { engine, job } = await openRun(context, repo, start, plan, options.threads);
  const session = await repo.begin();
  try {
    const result = await engine.client.request<TrainResult>("train.start", {}, (event: EngineTrainEvent) => {
      if (event.event !== "checkpoint") options.onEvent?.(event);
    });
    const stored = await storeResult(session, { start, job }, result);
    const environment = Object.entries(result.environment)
      .map(([name, now]) => ({
        name,
        recorded: String(record.environment[name] ?? "unknown"),
        now: String(now),
      }))
      .filter((e) => e.recorded !== e.now);
    return {
      reproduced: stored.snapshot === record.snapshot,
      expected: record.snapshot,
      actual: stored.snapshot,
      steps: result.step,
      environment,
    };
  } finally {
    await session.abort();
    await engine.close();
  }
}
