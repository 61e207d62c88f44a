import { IngotError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import type { Oid } from "../base/oid.ts";
import type { RefTable, Repository } from "../repo/repository.ts";
import type { Context } from "./context.ts";
import { resolveKept } from "./kept-version.ts";
import type { PromotePlan } from "./promote.ts";
import { protectedNames } from "./promote.ts";
import { editTo, type RefsChanged, refsChanged } from "./ref-changes.ts";
import { callVersion, indexVersions, type VersionIndex } from "./versions.ts";

export interface RollbackOptions {
  /** `production` by default; any protected ref or branch. */
  readonly ref?: string;
  /** Where to; what the ref held before by default. */
  readonly to?: string;
  readonly reason?: string;
}

/** What a rollback would do. */
export type RollbackPlan = Omit<PromotePlan, "warnings" | "old"> & {
  readonly old: { readonly version: string; readonly commit: Oid };
  /** Full name of the ref. */
  readonly fullRef: string;
};

/** Throws `ref.missing` for a name that is no protected ref or branch, `undo.nothing` where the ref had no value before. */
export async function planRollback(
  context: Context,
  { ref = "production", to, reason }: RollbackOptions,
): Promise<RollbackPlan> {
  const repo = await context.openRepository();
  const refs = await repo.refs();
  const fullRef = fullName(context, refs, ref);
  const old = refs.oid(fullRef);
  const seen = refs.get(fullRef);
  if (old === undefined || seen === undefined) {
    throw new IngotError("ref.missing", `'${ref}' points at nothing yet`, {
      hint: ref === "production" ? "ingot promote moves it there first" : "ingot show-ref",
    });
  }
  const index = indexVersions(refs);
  const oid =
    to === undefined
      ? await previousValue(repo, fullRef, { current: old, index })
      : await resolveKept(repo, to);
  if (oid === undefined)
    throw new IngotError("undo.nothing", `'${ref}' held nothing else before`, {
      hint: `name a version: ingot rollback ${ref} --to v1, or take the last move back: ingot undo`,
    });
  await repo.readRecord(oid, "commit");
  return {
    ref,
    fullRef,
    old: { version: callVersion(index, old), commit: old },
    new: { version: callVersion(index, oid), commit: oid },
    seen,
    ...(reason === undefined ? {} : { reason }),
  };
}

/** Moves the ref, if it still holds what the plan saw. Throws `conflict.ref`. */
export async function executeRollback(context: Context, plan: RollbackPlan): Promise<RefsChanged> {
  const repo = await context.openRepository();
  return refsChanged(
    await repo.operate(() => ({
      command: context.commandLine,
      edits: [editTo(plan.fullRef, plan.seen, plan.new.commit)],
      ...(plan.reason === undefined ? {} : { reason: plan.reason }),
    })),
  );
}

function fullName(context: Context, refs: RefTable, ref: string): string {
  const names = protectedNames(context, refs);
  if (names.includes(ref)) return ref;
  const branch = ref.startsWith("heads/") ? ref : `heads/${ref}`;
  if (refs.get(branch) !== undefined) return branch;
  const branches = refs.list("heads/").map(({ name }) => name.slice("heads/".length));
  const near = nearest(ref, [...names, ...branches]);
  throw new IngotError("ref.missing", `'${ref}' is no branch and no ref that rollback moves`, {
    hint: near === undefined ? `one of ${[...names, ...branches].join(", ")}` : `did you mean ${near}?`,
    data: { name: ref },
  });
}

// The value before the one it has now was given forward: what a rollback or undo put back does not count, else a second
// rollback would only take the first one back. A version that was deleted since is left out: its bytes may be gone.
async function previousValue(
  repo: Repository,
  ref: string,
  { current, index }: { readonly current: Oid; readonly index: VersionIndex },
): Promise<Oid | undefined> {
  let sought = current;
  for await (const operation of repo.operations()) {
    const edit = operation.edits.find((e) => e.ref === ref);
    if (edit?.new === undefined || !("oid" in edit.new) || edit.new.oid !== sought) continue;
    if (operation.undoes !== undefined || operation.command.startsWith("rollback")) continue;
    if (edit.old === undefined || !("oid" in edit.old)) return undefined;
    if (!index.isDropped(edit.old.oid)) return edit.old.oid;
    sought = edit.old.oid;
  }
  return undefined;
}
