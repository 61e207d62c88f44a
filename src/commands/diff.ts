import type { Oid } from "../base/oid.ts";
import type { CommitRecord, Metrics } from "../objects/records.ts";
import type { Repository } from "../repo/repository.ts";
import { canonicalText } from "./canonical-text.ts";
import type { Context } from "./context.ts";
import { diffWeights, type ModuleDifference } from "./diff-weights.ts";
import { resolveCommit } from "./log.ts";
import { callVersion, indexVersions } from "./versions.ts";

export interface DiffSide {
  readonly version: string;
  readonly commit: Oid;
  readonly metrics?: Metrics;
}

export interface KeyDifference {
  readonly key: string;
  /** Absent where that side has no such key. */
  readonly a?: unknown;
  readonly b?: unknown;
}

export interface VersionDiff {
  readonly a: DiffSide;
  readonly b: DiffSide;
  /** b minus a; absent where one side was not measured. */
  readonly metrics?: { readonly loss: number; readonly accuracy: number };
  readonly sameSnapshot: boolean;
  readonly sameBase: boolean;
  readonly recipe: readonly KeyDifference[];
  readonly environment: readonly KeyDifference[];
  /** Data that only one of them was trained on, in its whole line. */
  readonly data: {
    readonly onlyA: readonly DiffData[];
    readonly onlyB: readonly DiffData[];
    readonly both: readonly DiffData[];
  };
  /** By module, largest difference first. */
  readonly weights: readonly ModuleDifference[];
}

export interface DiffData {
  readonly name: string;
  readonly dataset: Oid;
}

/** What differs between two versions (b is HEAD by default): metrics, recipe, data of the line, weights by module. */
export async function diff(
  context: Context,
  { a, b = "HEAD" }: { readonly a: string; readonly b?: string },
): Promise<VersionDiff> {
  const repo = await context.openRepository();
  const index = indexVersions(await repo.refs());
  const ids = [await resolveCommit(repo, a), await resolveCommit(repo, b)] as const;
  const commits = [await repo.readRecord(ids[0], "commit"), await repo.readRecord(ids[1], "commit")] as const;
  const snapshots = [
    await repo.readRecord(commits[0].snapshot, "snapshot"),
    await repo.readRecord(commits[1].snapshot, "snapshot"),
  ] as const;
  const side = (i: 0 | 1): DiffSide => {
    const metrics = commits[i].metrics?.after;
    return {
      version: callVersion(index, ids[i]),
      commit: ids[i],
      ...(metrics === undefined ? {} : { metrics }),
    };
  };
  const [before, after] = [side(0).metrics, side(1).metrics];
  const data = [await lineData(repo, ids[0]), await lineData(repo, ids[1])] as const;
  return {
    a: side(0),
    b: side(1),
    ...(before === undefined || after === undefined
      ? {}
      : { metrics: { loss: after.loss - before.loss, accuracy: after.accuracy - before.accuracy } }),
    sameSnapshot: commits[0].snapshot === commits[1].snapshot,
    sameBase: snapshots[0].base === snapshots[1].base,
    recipe: diffKeys(commits[0].recipe ?? {}, commits[1].recipe ?? {}),
    environment: diffKeys(commits[0].environment, commits[1].environment),
    data: {
      onlyA: [...data[0].values()].filter((d) => !data[1].has(d.dataset)),
      onlyB: [...data[1].values()].filter((d) => !data[0].has(d.dataset)),
      both: [...data[1].values()].filter((d) => data[0].has(d.dataset)),
    },
    weights: await diffWeights(repo, snapshots[0].adapters, snapshots[1].adapters),
  };
}

async function lineData(repo: Repository, from: Oid): Promise<ReadonlyMap<Oid, DiffData>> {
  const found = new Map<Oid, DiffData>();
  const seen = new Set<Oid>();
  const waiting: Oid[] = [from];
  for (let oid = waiting.pop(); oid !== undefined; oid = waiting.pop()) {
    if (seen.has(oid)) continue;
    seen.add(oid);
    const commit: CommitRecord = await repo.readRecord(oid, "commit");
    for (const { dataset, name, role } of commit.datasets)
      if (role === "train") found.set(dataset, { name, dataset });
    for (const parent of commit.parents) waiting.push(parent);
  }
  return found;
}

/** Keys whose values differ, by name. */
export function diffKeys(
  a: Readonly<Record<string, unknown>>,
  b: Readonly<Record<string, unknown>>,
): readonly KeyDifference[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .sort()
    .filter((key) => canonicalText(a[key]) !== canonicalText(b[key]))
    .map((key) => ({
      key,
      ...(a[key] === undefined ? {} : { a: a[key] }),
      ...(b[key] === undefined ? {} : { b: b[key] }),
    }));
}
