import path from "node:path";
import { bug, IngotError } from "../../base/errors.ts";
import type { Oid } from "../../base/oid.ts";
import type { Repository } from "../../repo/repository.ts";
import { userPathKind } from "../../storage/files.ts";
import type { Context } from "../context.ts";
import { addData } from "../data/add.ts";
import { dataset, findDataset, lineageData, registeredDatasets } from "../data/registry.ts";
import { readIds } from "../id-lists.ts";
import type { TrainOptions } from "./options.ts";

export interface ChosenDataset {
  readonly oid: Oid;
  readonly name: string;
  readonly role: "train" | "replay";
  readonly examples: number;
  /** Examples that this line was not trained on. */
  readonly newExamples: number;
  readonly heldOut: number;
}

export interface ChosenData {
  readonly datasets: readonly ChosenDataset[];
  /** Datasets named that this line was trained on already. */
  readonly repeated: readonly string[];
}

/**
 * Datasets of a training: those named (a file is added first), else what was added and not trained on this line; and the
 * line's earlier ones, for replay and for the probe. Throws `ref.missing` where there is nothing to train on.
 */
export async function chooseData(
  context: Context,
  repo: Repository,
  { data: words, dryRun }: Pick<TrainOptions, "data" | "dryRun">,
  commit: Oid,
): Promise<ChosenData> {
  const lineage = await lineageData(repo, commit);
  const trained = new Set(lineage.map((d) => d.oid));
  const refs = await repo.refs();
  const chosen: { oid: Oid; name: string }[] = [];
  for (const word of words) {
    const known = findDataset(refs, word);
    if (known !== undefined) {
      chosen.push({ oid: known.oid, name: known.name });
    } else if (userPathKind(path.resolve(context.cwd, word)) === "file") {
      if (dryRun === true) {
        throw new IngotError("usage.argument", `'${word}' is no dataset yet, and --dry-run adds nothing`, {
          hint: `ingot data add ${word}`,
        });
      }
      const added = await addData(context, { paths: [word] });
      chosen.push({ oid: added.dataset, name: added.name });
    } else {
      dataset(refs, word);
    }
  }
  if (words.length === 0) {
    const newest = new Map(registeredDatasets(refs).map((d) => [d.name, d]));
    for (const d of newest.values()) if (!trained.has(d.oid)) chosen.push({ oid: d.oid, name: d.name });
    if (chosen.length === 0)
      throw new IngotError("ref.missing", "there is no data that this line was not trained on", {
        hint: "ingot data add FILE, or name a dataset: ingot train NAME",
      });
  }
  const seen = new Set<string>();
  for (const d of lineage)
    for (const id of await readIds(repo, (await repo.readRecord(d.oid, "dataset")).train)) seen.add(id);
  const describe = async (oid: Oid, name: string, role: "train" | "replay"): Promise<ChosenDataset> => {
    const record = await repo.readRecord(oid, "dataset");
    const ids = await readIds(repo, record.train);
    const heldOut = (await readIds(repo, record.heldOut)).length;
    return {
      oid,
      name,
      role,
      examples: ids.length,
      newExamples: role === "replay" ? 0 : ids.filter((id) => !seen.has(id)).length,
      heldOut,
    };
  };
  const named = new Set(chosen.map((d) => d.oid));
  const datasets: ChosenDataset[] = [];
  for (const d of chosen) datasets.push(await describe(d.oid, d.name, "train"));
  for (const d of lineage) if (!named.has(d.oid)) datasets.push(await describe(d.oid, d.name, "replay"));
  if (datasets.length === 0) bug("no dataset");
  return { datasets, repeated: chosen.filter((d) => trained.has(d.oid)).map((d) => d.name) };
}
