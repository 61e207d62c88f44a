import type { Oid } from "../base/oid.ts";
import type { CommitRecord } from "../objects/records.ts";
import type { Repository } from "../repo/repository.ts";
import type { VersionIndex } from "./versions.ts";

export interface WalkedCommit {
  readonly oid: Oid;
  readonly commit: CommitRecord;
}

/** Every listed version, highest number first; a child always comes before its parents, which were numbered earlier. */
export async function* walkVersions(repo: Repository, index: VersionIndex): AsyncGenerator<WalkedCommit> {
  for (const { commit: oid } of index.listed) yield { oid, commit: await repo.readRecord(oid, "commit") };
}

/** What leads to `from` and not to `without`, newest first (by number, then time), children before parents. */
export async function* walkBack(
  repo: Repository,
  index: VersionIndex,
  from: readonly Oid[],
  without: readonly Oid[],
): AsyncGenerator<WalkedCommit> {
  const excluded = new Set<Oid>();
  const seen = new Set<Oid>();
  const waiting: (WalkedCommit & { readonly rank: readonly [number, number] })[] = [];
  const add = async (oid: Oid) => {
    if (seen.has(oid)) return;
    seen.add(oid);
    const commit = await repo.readRecord(oid, "commit");
    waiting.push({ oid, commit, rank: [numberOf(index, oid), commit.timeMs] });
    waiting.sort((a, b) => a.rank[0] - b.rank[0] || a.rank[1] - b.rank[1]);
  };
  const exclude = async (oid: Oid) => {
    // A number says that all that leads to it has lower ones, so it is met in time; what has none is followed at once.
    for (const each of numberOf(index, oid) < 0 ? await ancestors(repo, [oid]) : [oid]) excluded.add(each);
    await add(oid);
  };
  for (const oid of without) await exclude(oid);
  for (const oid of from) await add(oid);
  while (waiting.some(({ oid }) => !excluded.has(oid))) {
    const { oid, commit } = waiting.pop()!;
    const isExcluded = excluded.has(oid);
    if (!isExcluded) yield { oid, commit };
    for (const parent of commit.parents) await (isExcluded ? exclude(parent) : add(parent));
  }
}

/** Number of a version; -1 for a commit that has none here. */
function numberOf(index: VersionIndex, oid: Oid): number {
  const name = index.name(oid);
  return name === undefined ? -1 : Number(name.slice(1));
}

/** Commits and all that they came from. */
export async function ancestors(repo: Repository, from: readonly Oid[]): Promise<ReadonlySet<Oid>> {
  const seen = new Set<Oid>(from);
  const waiting = [...from];
  for (let oid = waiting.pop(); oid !== undefined; oid = waiting.pop()) {
    for (const parent of (await repo.readRecord(oid, "commit")).parents) {
      if (seen.has(parent)) continue;
      seen.add(parent);
      waiting.push(parent);
    }
  }
  return seen;
}

/** Versions trained directly on a commit. */
export async function childrenOf(
  repo: Repository,
  index: VersionIndex,
  commit: Oid,
): Promise<readonly WalkedCommit[]> {
  const children: WalkedCommit[] = [];
  for (const version of index.listed) {
    const record = await repo.readRecord(version.commit, "commit");
    if (record.parents.includes(commit)) children.push({ oid: version.commit, commit: record });
  }
  return children;
}
