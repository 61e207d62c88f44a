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
  const excluded = without.length === 0 ? new Set<Oid>() : await ancestors(repo, without);
  const seen = new Set<Oid>();
  const waiting: (WalkedCommit & { readonly rank: readonly [number, number] })[] = [];
  const add = async (oid: Oid) => {
    if (seen.has(oid) || excluded.has(oid)) return;
    seen.add(oid);
    const commit = await repo.readRecord(oid, "commit");
    const name = index.name(oid);
    waiting.push({ oid, commit, rank: [name === undefined ? -1 : Number(name.slice(1)), commit.timeMs] });
    waiting.sort((a, b) => a.rank[0] - b.rank[0] || a.rank[1] - b.rank[1]);
  };
  for (const oid of from) await add(oid);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    yield { oid: next.oid, commit: next.commit };
    for (const parent of next.commit.parents) await add(parent);
  }
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
