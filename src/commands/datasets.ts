import type { Oid } from "../base/oid.ts";
import type { RefTable, Repository } from "../repo/repository.ts";
import { indexVersions } from "./versions.ts";

export interface ListedDataset {
  readonly name: string;
  /** `v1`, counted by name. */
  readonly version: string;
  readonly dataset: Oid;
  /** The newest of its name. */
  readonly newest: boolean;
  /** True where a listed version was trained on it. */
  readonly trained: boolean;
}

/** Registered datasets, by name, newest first. */
export async function listDatasets(repo: Repository, refs: RefTable): Promise<readonly ListedDataset[]> {
  const rows: { name: string; version: string; number: number; dataset: Oid }[] = [];
  for (const { name: ref, value } of refs.list("data/")) {
    const at = ref.lastIndexOf("/");
    if (!("oid" in value)) continue;
    rows.push({
      name: ref.slice("data/".length, at),
      version: ref.slice(at + 1),
      number: Number(ref.slice(at + 2)),
      dataset: value.oid,
    });
  }
  if (rows.length === 0) return [];
  const trained = await trainedDatasets(repo, refs, new Set(rows.map((r) => r.dataset)));
  rows.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : b.number - a.number));
  return rows.map(({ name, version, dataset }, i) => ({
    name,
    version,
    dataset,
    newest: rows[i - 1]?.name !== name,
    trained: trained.has(dataset),
  }));
}

// Newest versions first, and no further than needed: what is registered has mostly been trained lately.
async function trainedDatasets(
  repo: Repository,
  refs: RefTable,
  wanted: ReadonlySet<Oid>,
): Promise<ReadonlySet<Oid>> {
  const trained = new Set<Oid>();
  for (const { commit } of indexVersions(refs).listed) {
    if (trained.size === wanted.size) break;
    for (const { dataset } of (await repo.readRecord(commit, "commit")).datasets)
      if (wanted.has(dataset)) trained.add(dataset);
  }
  return trained;
}
