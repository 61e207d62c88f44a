import { isVersionName } from "../base/names.ts";
import type { Oid } from "../base/oid.ts";
import type { RefTable } from "../repo/repository.ts";

/** Names and numbers of versions, as the refs give them. */
export interface VersionIndex {
  /** `v3` of a commit; undefined for one that has no number here. */
  name(commit: Oid): string | undefined;
  /** Versions that are listed, highest number first. */
  readonly listed: readonly { readonly name: string; readonly number: number; readonly commit: Oid }[];
  /** True for a version that was deleted: its record stays. */
  isDropped(commit: Oid): boolean;
}

/** Reads the versions out of the refs `tags/v<N>` and `dropped/v<N>`. */
export function indexVersions(refs: RefTable): VersionIndex {
  const names = new Map<Oid, string>();
  const dropped = new Set<Oid>();
  for (const { name, value } of refs.list("dropped/")) {
    if (!("oid" in value)) continue;
    names.set(value.oid, name.slice("dropped/".length));
    dropped.add(value.oid);
  }
  const listed: { name: string; number: number; commit: Oid }[] = [];
  for (const { name: ref, value } of refs.list("tags/v")) {
    const name = ref.slice("tags/".length);
    if (!("oid" in value) || !isVersionName(name)) continue;
    names.set(value.oid, name);
    dropped.delete(value.oid);
    listed.push({ name, number: Number(name.slice(1)), commit: value.oid });
  }
  listed.sort((a, b) => b.number - a.number);
  return { name: (commit) => names.get(commit), listed, isDropped: (commit) => dropped.has(commit) };
}

/** How a version is called where it has no number: the first digits of its id. */
export function callVersion(index: VersionIndex, commit: Oid): string {
  return index.name(commit) ?? commit.slice(0, 8);
}

/** Where HEAD is: on a branch (which may have no commit yet) or on a commit. */
export interface HeadState {
  /** Short name of the branch; absent when detached. */
  readonly branch?: string;
  /** Absent before the first commit. */
  readonly commit?: Oid;
}

/** Where HEAD is, as the refs say. */
export function readHead(refs: RefTable): HeadState {
  const head = refs.get("HEAD");
  const commit = refs.oid("HEAD");
  const branch = head !== undefined && "symbolic" in head ? head.symbolic.replace(/^heads\//, "") : undefined;
  return { ...(branch === undefined ? {} : { branch }), ...(commit === undefined ? {} : { commit }) };
}

/** Refs that a person sees at a commit, short names, HEAD first; version tags are left out (they are the version's name). */
export function indexRefNames(refs: RefTable): ReadonlyMap<Oid, readonly string[]> {
  const names = new Map<Oid, string[]>();
  const add = (oid: Oid | undefined, name: string) => {
    if (oid === undefined) return;
    const list = names.get(oid);
    if (list === undefined) names.set(oid, [name]);
    else list.push(name);
  };
  add(refs.oid("HEAD"), "HEAD");
  for (const { name } of refs.list("heads/")) add(refs.oid(name), name.slice("heads/".length));
  for (const { name } of protectedRefs(refs)) add(refs.oid(name), name);
  for (const { name } of refs.list("tags/")) {
    const short = name.slice("tags/".length);
    if (!isVersionName(short)) add(refs.oid(name), short);
  }
  for (const { name } of refs.list("remotes/"))
    if (!/^remotes\/[^/]+\/(tags|data|about|dropped)\//.test(name))
      add(refs.oid(name), name.slice("remotes/".length).replace("/heads/", "/"));
  return names;
}

/** Refs without a prefix that are not HEAD: `production`, `staging` and their like. */
export function protectedRefs(refs: RefTable): readonly { readonly name: string }[] {
  return refs.list("").filter(({ name }) => !name.includes("/") && name !== "HEAD");
}
