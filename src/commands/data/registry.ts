import { IngotError } from "../../base/errors.ts";
import { nearest } from "../../base/nearest.ts";
import type { Oid } from "../../base/oid.ts";
import type { DatasetRecord } from "../../objects/records.ts";
import type { RefTable, Repository } from "../../repo/repository.ts";

/** One registered version of a dataset: ref `data/<name>/v<N>`. */
export interface RegisteredDataset {
  readonly name: string;
  readonly version: number;
  readonly oid: Oid;
}

const REF = /^data\/(.+)\/v(0|[1-9][0-9]*)$/;

/** All registered datasets, by name, oldest version first. */
export function registeredDatasets(refs: RefTable): readonly RegisteredDataset[] {
  const found: RegisteredDataset[] = [];
  for (const { name: ref, value } of refs.list("data/")) {
    const match = REF.exec(ref);
    if (match !== null && "oid" in value)
      found.push({ name: match[1]!, version: Number(match[2]), oid: value.oid });
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.version - b.version));
}

/** A dataset by name (newest version) or `name:v2`; undefined where none is registered so. */
export function findDataset(refs: RefTable, word: string): RegisteredDataset | undefined {
  const match = /^(?:data\/)?(.+?)(?:[:/]v(0|[1-9][0-9]*))?$/.exec(word);
  if (match === null) return undefined;
  const versions = registeredDatasets(refs).filter((d) => d.name === match[1]);
  return match[2] === undefined ? versions.at(-1) : versions.find((d) => d.version === Number(match[2]));
}

/** Same, or `ref.missing` with the nearest name. */
export function dataset(refs: RefTable, word: string): RegisteredDataset {
  const found = findDataset(refs, word);
  if (found !== undefined) return found;
  const near = nearest(
    word,
    registeredDatasets(refs).map((d) => d.name),
  );
  throw new IngotError("ref.missing", `no dataset '${word}'`, {
    hint: near === undefined ? "ingot data add FILE" : `did you mean '${near}'?`,
    data: { where: word },
  });
}

/** Training datasets of a commit's line and their names, oldest first; each dataset once. */
export async function lineageData(
  repo: Repository,
  commit: Oid,
): Promise<readonly { readonly oid: Oid; readonly name: string; readonly commit: Oid }[]> {
  const seen = new Set<string>();
  const found: { oid: Oid; name: string; commit: Oid }[] = [];
  const visited = new Set<Oid>();
  const queue: Oid[] = [commit];
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    if (visited.has(at)) continue;
    visited.add(at);
    const record = await repo.readRecord(at, "commit");
    for (const trained of [...record.datasets].reverse()) {
      if (trained.role !== "train" || seen.has(trained.dataset)) continue;
      seen.add(trained.dataset);
      found.push({ oid: trained.dataset, name: trained.name, commit: at });
    }
    for (const parent of record.parents) queue.push(parent);
  }
  return found.reverse();
}

/** A dataset record by word. */
export async function readDataset(
  repo: Repository,
  word: string,
): Promise<RegisteredDataset & { readonly record: DatasetRecord }> {
  const found = dataset(await repo.refs(), word);
  return { ...found, record: await repo.readRecord(found.oid, "dataset") };
}
