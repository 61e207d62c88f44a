import { IngotError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import type { Oid } from "../base/oid.ts";
import type { CommitRecord, RefValue } from "../objects/records.ts";
import type { RefTable } from "../repo/repository.ts";
import type { Context } from "./context.ts";
import { resolveKept } from "./kept-version.ts";
import { editTo, type RefsChanged, refsChanged } from "./ref-changes.ts";
import { callVersion, indexVersions } from "./versions.ts";

export interface PromoteOptions {
  /** `staging` by default. */
  readonly revision?: string;
  /** `production` by default. */
  readonly ref?: string;
  readonly reason?: string;
}

export interface PromoteWarning {
  readonly code: "no-evaluation" | "just-trained" | "not-better" | "aside";
  readonly message: string;
}

export interface PromotePlan {
  readonly ref: string;
  readonly old?: { readonly version: string; readonly commit: Oid };
  readonly new: { readonly version: string; readonly commit: Oid };
  readonly warnings: readonly PromoteWarning[];
  readonly reason?: string;
  /** What the ref held when the plan was made. */
  readonly seen?: RefValue;
}

/** Trained less long ago than this, nobody can have tried it much. */
const JUST_TRAINED_MS = 60 * 60 * 1000;

/** Refs that only `promote`, `rollback` and the question after a training move. */
export function protectedNames(context: Context, refs: RefTable): readonly string[] {
  const gated = [...context.settings.under("gate").keys()]
    .map((key) => key.split(".")[0]!)
    .filter((name) => name !== "keep");
  const present = refs
    .list("")
    .map(({ name }) => name)
    .filter((name) => !name.includes("/") && name !== "HEAD");
  return [...new Set(["production", "staging", ...gated, ...present])];
}

/** Throws `ref.missing` for a name that is no protected ref, with the nearest one. */
export function assertProtected(context: Context, refs: RefTable, ref: string): void {
  const names = protectedNames(context, refs);
  if (names.includes(ref)) return;
  throw new IngotError("ref.missing", `'${ref}' is not a ref that promote moves`, {
    hint: `did you mean ${nearest(ref, names) ?? names[0]}? (${names.join(", ")})`,
    data: { name: ref },
  });
}

/** What a promotion would do, and what speaks against it. Throws `ref.missing`. */
export async function planPromote(
  context: Context,
  { revision = "staging", ref = "production", reason }: PromoteOptions,
): Promise<PromotePlan> {
  const repo = await context.openRepository();
  const refs = await repo.refs();
  assertProtected(context, refs, ref);
  if (revision === "staging" && refs.oid("staging") === undefined) {
    throw new IngotError("ref.missing", "there is no staging version to promote", {
      hint: "name one: ingot promote v1, or first ingot promote v1 staging",
    });
  }
  const index = indexVersions(refs);
  const oid = await resolveKept(repo, revision);
  const old = refs.oid(ref);
  const seen = refs.get(ref);
  const commit = await repo.readRecord(oid, "commit");
  const oldCommit = old === undefined ? undefined : await repo.readRecord(old, "commit");
  return {
    ref,
    ...(old === undefined ? {} : { old: { version: callVersion(index, old), commit: old } }),
    new: { version: callVersion(index, oid), commit: oid },
    warnings:
      old === oid
        ? []
        : warningsFor(commit, {
            oldCommit,
            oldName: old === undefined ? "" : callVersion(index, old),
            nowMs: context.clock.nowMs(),
          }),
    ...(reason === undefined ? {} : { reason }),
    ...(seen === undefined ? {} : { seen }),
  };
}

function warningsFor(
  commit: CommitRecord,
  { oldCommit, oldName, nowMs }: { oldCommit: CommitRecord | undefined; oldName: string; nowMs: number },
): readonly PromoteWarning[] {
  const warnings: PromoteWarning[] = [];
  const after = commit.metrics?.after;
  const before = oldCommit?.metrics?.after;
  if (commit.aside !== undefined)
    warnings.push({ code: "aside", message: `it was put aside: ${commit.aside}` });
  if (after === undefined) warnings.push({ code: "no-evaluation", message: "it has no evaluation" });
  const ageMs = nowMs - commit.timeMs;
  if (commit.training !== undefined && ageMs < JUST_TRAINED_MS)
    warnings.push({
      code: "just-trained",
      message: `it was trained ${Math.max(0, Math.round(ageMs / 60_000))} min ago`,
    });
  if (
    after !== undefined &&
    before !== undefined &&
    after.accuracy <= before.accuracy &&
    after.loss >= before.loss
  ) {
    warnings.push({
      code: "not-better",
      message: `it is not better than ${oldName}: accuracy ${percent(after.accuracy)} against ${percent(before.accuracy)}, loss ${after.loss.toFixed(2)} against ${before.loss.toFixed(2)}`,
    });
  }
  return warnings;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** Moves the ref, if it still holds what the plan saw. Throws `conflict.ref`. */
export async function executePromote(context: Context, plan: PromotePlan): Promise<RefsChanged> {
  const repo = await context.openRepository();
  return refsChanged(
    await repo.operate(() => ({
      command: context.commandLine,
      edits: [editTo(plan.ref, plan.seen, plan.new.commit)],
      ...(plan.reason === undefined ? {} : { reason: plan.reason }),
    })),
  );
}
