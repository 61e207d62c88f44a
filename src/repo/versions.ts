import { isVersionName } from "../base/names.ts";
import type { Oid } from "../base/oid.ts";
import type { RefTable, Repository } from "./repository.ts";

const namesOf = new WeakMap<RefTable, ReadonlyMap<Oid, string>>();

function versionNames(refs: RefTable): ReadonlyMap<Oid, string> {
  let names = namesOf.get(refs);
  if (names === undefined) {
    const found = new Map<Oid, string>();
    for (const { name, value } of refs.list("tags/v")) {
      const version = name.slice("tags/".length);
      if ("oid" in value && isVersionName(version)) found.set(value.oid, version);
    }
    names = found;
    namesOf.set(refs, names);
  }
  return names;
}

/** `v3` of a commit; undefined for one that has no number in this repository. */
export function versionOf(refs: RefTable, commit: Oid): string | undefined {
  return versionNames(refs).get(commit);
}

const numberOf = (version: string) => Number(version.slice(1));

/**
 * `latest`: the commit of the highest-numbered version that a branch or HEAD contains; undefined before the first. A commit is
 * numbered after its parents, so the highest number that a branch contains is that of its tip, where the tip has one.
 */
export async function findLatest(repo: Repository, refs: RefTable): Promise<Oid | undefined> {
  const tips = new Set<Oid>();
  for (const { value } of refs.list("heads/")) if ("oid" in value) tips.add(value.oid);
  const head = refs.oid("HEAD");
  if (head !== undefined) tips.add(head);
  const names = versionNames(refs);
  let best: { readonly oid: Oid; readonly number: number } | undefined;
  const seen = new Set<Oid>();
  const todo = [...tips];
  for (let oid = todo.pop(); oid !== undefined; oid = todo.pop()) {
    if (seen.has(oid)) continue;
    seen.add(oid);
    const version = names.get(oid);
    if (version === undefined) {
      for (const parent of (await repo.readRecord(oid, "commit")).parents) todo.push(parent);
    } else if (best === undefined || numberOf(version) > best.number)
      best = { oid, number: numberOf(version) };
  }
  return best?.oid;
}

/** `base`: the commit that brought in the base model of HEAD's line; undefined before the first commit. */
export async function findBase(repo: Repository, refs: RefTable): Promise<Oid | undefined> {
  let oid = refs.oid("HEAD");
  if (oid === undefined) return undefined;
  let commit = await repo.readRecord(oid, "commit");
  const { base } = await repo.readRecord(commit.snapshot, "snapshot");
  for (;;) {
    const parent: Oid | undefined = commit.parents[0];
    if (parent === undefined) return oid;
    const next = await repo.readRecord(parent, "commit");
    if (next.snapshot !== commit.snapshot && (await repo.readRecord(next.snapshot, "snapshot")).base !== base)
      return oid;
    oid = parent;
    commit = next;
  }
}
