import { IngotError } from "../../base/errors.ts";
import type { Oid } from "../../base/oid.ts";
import type { Scratch } from "../../base/ports.ts";
import type { CommitRecord, SnapshotRecord } from "../../objects/records.ts";
import type { Repository } from "../../repo/repository.ts";
import { resolveRevision } from "../../repo/resolve.ts";
import type { AdapterOnDisk, ModelOnDisk } from "../../train/job.ts";
import type { Context } from "../context.ts";
import { materialiseAdapter, materialiseModel, modelScratch } from "../model-cache.ts";

/** The version a training builds on. */
export interface StartPoint {
  readonly commit: Oid;
  readonly record: CommitRecord;
  readonly snapshot: SnapshotRecord;
}

/** Finds it. Throws `ref.missing` where HEAD has no version yet. */
export async function findStart(repo: Repository, on: string | undefined): Promise<StartPoint> {
  if (on === undefined && (await repo.refs()).oid("HEAD") === undefined) {
    throw new IngotError("ref.missing", "there is no base model to train on", { hint: "ingot import MODEL" });
  }
  const commit = await resolveRevision(repo, on ?? "HEAD");
  const record = await repo.readRecord(commit, "commit");
  return { commit, record, snapshot: await repo.readRecord(record.snapshot, "snapshot") };
}

/** Its files, verified into the cache folder of its base. */
export async function materialiseStart(
  context: Context,
  repo: Repository,
  snapshot: SnapshotRecord,
): Promise<{ scratch: Scratch; model: ModelOnDisk; adapters: readonly AdapterOnDisk[] }> {
  const scratch = await modelScratch(context, snapshot.base);
  const model = await materialiseModel(repo, scratch, snapshot.base);
  const adapters = [];
  for (const adapter of snapshot.adapters) adapters.push(await materialiseAdapter(repo, scratch, adapter));
  return { scratch, model, adapters };
}
