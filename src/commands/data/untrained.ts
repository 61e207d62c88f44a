import type { Oid } from "../../base/oid.ts";
import type { RefTable, Repository } from "../../repo/repository.ts";
import { indexVersions } from "../versions.ts";
import { registeredDatasets } from "./registry.ts";

/** Datasets, the newest version of each name, that no listed version was trained on; by name. */
export async function untrainedDatasets(
  repo: Repository,
  refs: RefTable,
): Promise<readonly { readonly name: string; readonly dataset: Oid }[]> {
  const newest = new Map(registeredDatasets(refs).map(({ name, oid }) => [name, oid]));
  const waiting = new Set(newest.values());
  // Newest versions first, and no further than needed: what is registered has mostly been trained lately.
  for (const { commit } of indexVersions(refs).listed) {
    if (waiting.size === 0) break;
    for (const { dataset } of (await repo.readRecord(commit, "commit")).datasets) waiting.delete(dataset);
  }
  return [...newest]
    .filter(([, dataset]) => waiting.has(dataset))
    .map(([name, dataset]) => ({ name, dataset }));
}
