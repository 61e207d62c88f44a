import type { Oid } from "../../base/oid.ts";
import type { DatasetRecord } from "../../objects/records.ts";
import type { Repository } from "../../repo/repository.ts";
import type { Context } from "../context.ts";
import { countIds, readIds } from "../id-lists.ts";
import { callVersion, indexVersions } from "../versions.ts";
import { type ExampleText, exampleTexts } from "./example-text.ts";
import { readDataset, registeredDatasets } from "./registry.ts";

export interface DatasetSummary {
  readonly name: string;
  /** Counted by name, from 1. */
  readonly version: number;
  readonly dataset: Oid;
  readonly format: string;
  /** All of them: `train` and `heldOut`. */
  readonly examples: number;
  readonly train: number;
  readonly heldOut: number;
  readonly sizeBytes: number;
  /** Versions that were trained on it, oldest first. */
  readonly trainedIn: readonly string[];
}

export interface DatasetDetail extends DatasetSummary {
  readonly files: readonly { readonly path: string; readonly id: Oid; readonly sizeBytes: number }[];
  readonly firstExamples: readonly ExampleText[];
}

/** Registered datasets with what they hold and where they were trained, by name. */
export async function listData(context: Context): Promise<readonly DatasetSummary[]> {
  const repo = await context.openRepository();
  const trained = await trainings(repo);
  const rows: DatasetSummary[] = [];
  for (const { name, version, oid } of registeredDatasets(await repo.refs())) {
    rows.push(
      await summarise(repo, {
        name,
        version,
        dataset: oid,
        record: await repo.readRecord(oid, "dataset"),
        trained,
      }),
    );
  }
  return rows;
}

/** One dataset with its files and its first `count` examples. Throws `ref.missing`. */
export async function showData(
  context: Context,
  { data, count = 5 }: { readonly data: string; readonly count?: number },
): Promise<DatasetDetail> {
  const repo = await context.openRepository();
  const { name, version, oid, record } = await readDataset(repo, data);
  const summary = await summarise(repo, {
    name,
    version,
    dataset: oid,
    record,
    trained: await trainings(repo),
  });
  const { entries } = await repo.readRecord(record.tree, "tree");
  const ids = await readIds(repo, record.train, count);
  const texts =
    ids.length === 0 ? new Map<string, ExampleText>() : await exampleTexts(repo, [oid], new Set(ids));
  return {
    ...summary,
    files: entries.map(({ path, blob, sizeBytes }) => ({ path, id: blob, sizeBytes })),
    firstExamples: ids.flatMap((id) => texts.get(id) ?? []),
  };
}

interface Summarised {
  readonly name: string;
  readonly version: number;
  readonly dataset: Oid;
  readonly record: DatasetRecord;
  readonly trained: ReadonlyMap<Oid, readonly string[]>;
}

async function summarise(
  repo: Repository,
  { name, version, dataset, record, trained }: Summarised,
): Promise<DatasetSummary> {
  const { entries } = await repo.readRecord(record.tree, "tree");
  const train = await countIds(repo, record.train);
  const heldOut = await countIds(repo, record.heldOut);
  return {
    name,
    version,
    dataset,
    format: record.format,
    examples: train + heldOut,
    train,
    heldOut,
    sizeBytes: entries.reduce((sum, entry) => sum + entry.sizeBytes, 0),
    trainedIn: trained.get(dataset) ?? [],
  };
}

async function trainings(repo: Repository): Promise<ReadonlyMap<Oid, readonly string[]>> {
  const index = indexVersions(await repo.refs());
  const found = new Map<Oid, string[]>();
  for (const { commit } of [...index.listed].reverse()) {
    for (const { dataset, role } of (await repo.readRecord(commit, "commit")).datasets) {
      if (role === "train") found.set(dataset, [...(found.get(dataset) ?? []), callVersion(index, commit)]);
    }
  }
  return found;
}
