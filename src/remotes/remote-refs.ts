import { IngotError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import { assertName, assertRefName } from "../base/names.ts";
import type { Oid } from "../base/oid.ts";
import type { RefEdit } from "../objects/records.ts";
import type { RefTable } from "../repo/repository.ts";
import type { Numbered, Publication, RemoteState } from "./port.ts";
import { sameValue } from "./receiver.ts";
import { expectedAt, isProtected, type NamedRef, versionNumber } from "./tips.ts";
import type { Tip } from "./walk.ts";

/** Checks what another repository says of its refs: how many, their names, symbolic ones. Throws `input.name`, `limit.size`. */
export function checkState(state: RemoteState): RemoteState {
  if (state.refs.length > LIMITS.remoteRefs) {
    throw new IngotError(
      "limit.size",
      `the remote has ${state.refs.length} refs, at most ${LIMITS.remoteRefs} are read`,
    );
  }
  const seen = new Set<string>();
  for (const { name, value } of state.refs) {
    assertRefName(name, "record");
    if (seen.has(name)) throw new IngotError("input.name", `the remote gives the ref '${name}' twice`);
    seen.add(name);
    if ("symbolic" in value) {
      assertRefName(value.symbolic, "record");
      if (name !== "HEAD" || !value.symbolic.startsWith("heads/"))
        throw new IngotError("input.name", `the remote has the symbolic ref '${name}'`);
    }
  }
  return state;
}

/** Tips to fetch from a remote: everything that leaves its repository, checked for its kind on arrival. */
export function tipsOf(refs: readonly NamedRef[]): readonly Tip[] {
  return refs.flatMap(({ name, value }) => {
    const expect = name.startsWith("dropped/") ? undefined : expectedAt(name);
    return expect === undefined || !("oid" in value) ? [] : [{ oid: value.oid, expect }];
  });
}

/** Numbers of versions as a repository gives them, for `Publication.versions`. */
export function versionsOf(refs: readonly NamedRef[]): Publication["versions"] {
  const versions = new Map<Oid, Publication["versions"][number]>();
  for (const { name, value } of refs) {
    const number = versionNumber(name);
    if (number === undefined || !("oid" in value)) continue;
    const dropped = name.startsWith("dropped/");
    if (!dropped || !versions.has(value.oid)) versions.set(value.oid, { commit: value.oid, number, dropped });
  }
  return [...versions.values()];
}

/** Registered datasets among refs. */
export function datasetsOf(refs: readonly NamedRef[]): Publication["datasets"] {
  return refs.flatMap(({ name, value }) =>
    name.startsWith("data/") && "oid" in value ? [{ ref: name, dataset: value.oid }] : [],
  );
}

/** True for refs whose value at a remote is kept as `remotes/<remote>/<ref>`. */
function isTracked(ref: string): boolean {
  return ref.startsWith("heads/") || isProtected(ref);
}

/** Edits that make `remotes/<remote>/...` say what the remote has; with `prune`, refs that are gone there go here too. */
export function trackingEdits(
  local: RefTable,
  remote: string,
  refs: readonly NamedRef[],
  { prune }: { readonly prune: boolean },
): RefEdit[] {
  assertName(remote, "record");
  const prefix = `remotes/${remote}/`;
  const wanted = new Map(
    refs
      .filter(({ name, value }) => isTracked(name) && "oid" in value)
      .map(({ name, value }) => [prefix + name, value]),
  );
  const edits: RefEdit[] = [];
  for (const [ref, value] of wanted) {
    const old = local.get(ref);
    if (!sameValue(old, value)) edits.push({ ref, ...(old === undefined ? {} : { old }), new: value });
  }
  for (const { name, value } of prune ? local.list(prefix) : []) {
    if (isTracked(name.slice(prefix.length)) && !wanted.has(name)) edits.push({ ref: name, old: value });
  }
  return edits;
}

/** Numbers that differ on the two sides, so that both can be told. */
export function renumbered(numbered: readonly Numbered[]): readonly Numbered[] {
  return numbered.filter(({ sent, given }) => sent !== undefined && sent !== given);
}
