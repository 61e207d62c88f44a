import { IngotError } from "../base/errors.ts";
import { assertName } from "../base/names.ts";
import type { Oid } from "../base/oid.ts";
import type { RefValue } from "../objects/records.ts";
import type { RefTable } from "../repo/repository.ts";
import type { Context } from "./context.ts";
import { resolveKept } from "./kept-version.ts";
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

/**
 * Moves HEAD: onto a branch by its name, also where a tag is called the same, else detached onto a version; `HEAD` stays where it is.
 * Throws `ref.missing`, `conflict.exists`, `usage.name`.
 */
export async function checkout(
  context: Context,
  { revision = "HEAD", newBranch }: CheckoutOptions,
): Promise<CheckoutResult> {
  if (newBranch !== undefined) assertName(newBranch, "typed");
  const repo = await context.openRepository();
  const before = await repo.refs();
  if (newBranch !== undefined && revision === "HEAD" && before.oid("HEAD") === undefined)
    return renameUnborn(context, newBranch);
  const named = namedBranch(before, revision);
  const oid = await resolveKept(repo, newBranch === undefined ? (named ?? revision) : revision);
  const branch = newBranch ?? named?.slice("heads/".length);
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
    if (newBranch !== undefined && refs.get(`heads/${newBranch}`) !== undefined)
      throw alreadyThere(newBranch);
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

/** Full name of the branch that a word means; HEAD means the one that it is on. */
function namedBranch(refs: RefTable, word: string): string | undefined {
  const head = refs.get("HEAD");
  const isHead = word === "HEAD" && head !== undefined && "symbolic" in head;
  const full = isHead ? head.symbolic : word.startsWith("heads/") ? word : `heads/${word}`;
  return refs.get(full) === undefined ? undefined : full;
}

/** Before the first commit a branch is only the name that HEAD holds. */
async function renameUnborn(context: Context, branch: string): Promise<CheckoutResult> {
  const repo = await context.openRepository();
  const operation = await repo.operate((refs) => {
    const head = refs.get("HEAD");
    if (refs.get(`heads/${branch}`) !== undefined) throw alreadyThere(branch);
    return {
      command: context.commandLine,
      edits: [
        { ref: "HEAD", ...(head === undefined ? {} : { old: head }), new: { symbolic: `heads/${branch}` } },
      ],
    };
  });
  return { branch, ...refsChanged(operation), unchanged: false };
}

function alreadyThere(name: string): IngotError {
  return new IngotError("conflict.exists", `there is a branch '${name}' already`, {
    hint: `ingot checkout ${name}`,
  });
}

function isSame(a: RefValue | undefined, b: RefValue): boolean {
  if (a === undefined) return false;
  return "oid" in a ? "oid" in b && a.oid === b.oid : "symbolic" in b && a.symbolic === b.symbolic;
}
