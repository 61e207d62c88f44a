import { IngotError } from "../base/errors.ts";
import type { Oid } from "../base/oid.ts";
import type { RefEdit, RefValue } from "../objects/records.ts";
import type { RefTable } from "../repo/repository.ts";

export interface NewVersion {
  readonly commit: Oid;
  /** Commit it builds on; undefined for a base. */
  readonly onto: Oid | undefined;
  /** True where no branch may move (a keep gate found it worse). */
  readonly aside: boolean;
  /** A name beside its number. */
  readonly name?: string | undefined;
}

export interface VersionEdits {
  readonly version: string;
  readonly edits: readonly RefEdit[];
  /** Branch that moves, or HEAD itself where it is detached; undefined where nothing moves. */
  readonly moved: string | undefined;
}

/**
 * Edits that make a commit the next version: tag `v<N>` (the first of a repository is v0), and the branch of HEAD where HEAD
 * is what the version builds on or the branch has no commit yet. Throws `conflict.exists` where the name is taken.
 */
export function versionEdits(
  refs: RefTable,
  next: (counter: string) => number,
  made: NewVersion,
): VersionEdits {
  const version = `v${next("version") - 1}`;
  const edits: RefEdit[] = [{ ref: `tags/${version}`, new: { oid: made.commit } }];
  if (made.name !== undefined) {
    if (refs.get(`tags/${made.name}`) !== undefined)
      throw new IngotError("conflict.exists", `a version is called '${made.name}' already`, {
        hint: "choose another --name",
      });
    edits.push({ ref: `tags/${made.name}`, new: { oid: made.commit } });
  }
  const head: RefValue = refs.get("HEAD") ?? { symbolic: "heads/main" };
  const current = "oid" in head ? head.oid : refs.oid(head.symbolic);
  if (made.aside || (current !== undefined && current !== made.onto))
    return { version, edits, moved: undefined };
  const ref = "oid" in head ? "HEAD" : head.symbolic;
  const old = refs.get(ref);
  edits.push({ ref, ...(old === undefined ? {} : { old }), new: { oid: made.commit } });
  return { version, edits, moved: ref };
}
