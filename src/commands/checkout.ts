import { IngotError } from "../base/errors.ts";
import { assertName } from "../base/names.ts";
import type { Oid } from "../base/oid.ts";
import type { RefValue } from "../objects/records.ts";
import type { Context } from "./context.ts";
import { resolveCommit } from "./log.ts";
import { type RefsChanged, refsChanged } from "./ref-changes.ts";
import { callVersion, indexVersions } from "./versions.ts";

export interface CheckoutOptions {
  /** Branch or revision; HEAD by default. */
  readonly revision?: string;
  /** Branch to make there and check out. */
  readonly newBranch?: string;
}

export interface CheckoutResult extends RefsChanged {
  /** Absent when HEAD is detached. */
  readonly branch?: string;
  /** Absent before the first commit. */
  readonly version?: string;
  readonly commit?: Oid;
  /** True where HEAD was there already; then there is no operation. */
  readonly unchanged: boolean;
}

/** Moves HEAD: onto a branch by its name, else detached onto a version. Throws `ref.missing`, `conflict.exists`, `usage.name`. */
export async function checkout(
  context: Context,
  { revision = "HEAD", newBranch }: CheckoutOptions,
): Promise<CheckoutResult> {
  if (newBranch !== undefined) assertName(newBranch, "typed");
  const repo = await context.openRepository();
  const before = await repo.refs();
  if (newBranch !== undefined && revision === "HEAD" && before.oid("HEAD") === undefined)
    return renameUnborn(context, newBranch);
  const oid = await resolveCommit(repo, revision);
  const named = revision.startsWith("heads/") ? revision : `heads/${revision}`;
  const branch = newBranch ?? (before.get(named) === undefined ? undefined : named.slice("heads/".length));
  const target: RefValue = branch === undefined ? { oid } : { symbolic: `heads/${branch}` };
  const result = {
    ...(branch === undefined ? {} : { branch }),
    version: callVersion(indexVersions(before), oid),
    commit: oid,
  };
  if (newBranch === undefined && isSame(before.get("HEAD"), target))
    return { ...result, operation: before.n, refs: [], unchanged: true };
  const operation = await repo.operate((refs) => {
    const head = refs.get("HEAD");
    if (newBranch !== undefined && refs.get(`heads/${newBranch}`) !== undefined) {
      throw new IngotError("conflict.exists", `there is a branch '${newBranch}' already`, {
        hint: `ingot checkout ${newBranch}`,
      });
    }
    return {
      command: context.commandLine,
      edits: [
        ...(newBranch === undefined ? [] : [{ ref: `heads/${newBranch}`, new: { oid } }]),
        { ref: "HEAD", ...(head === undefined ? {} : { old: head }), new: target },
      ],
    };
  });
  return { ...result, ...refsChanged(operation), unchanged: false };
}

/** Before the first commit a branch is only the name that HEAD holds. */
async function renameUnborn(context: Context, branch: string): Promise<CheckoutResult> {
  const repo = await context.openRepository();
  const operation = await repo.operate((refs) => {
    const head = refs.get("HEAD");
    return {
      command: context.commandLine,
      edits: [
        { ref: "HEAD", ...(head === undefined ? {} : { old: head }), new: { symbolic: `heads/${branch}` } },
      ],
    };
  });
  return { branch, ...refsChanged(operation), unchanged: false };
}

function isSame(a: RefValue | undefined, b: RefValue): boolean {
  if (a === undefined) return false;
  return "oid" in a ? "oid" in b && a.oid === b.oid : "symbolic" in b && a.symbolic === b.symbolic;
}
