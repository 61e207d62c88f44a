import { IngotError } from "../base/errors.ts";
import type { Oid } from "../base/oid.ts";
import type { RefEdit } from "../objects/records.ts";
import type { RefTable, Repository } from "../repo/repository.ts";
import type { Context } from "./context.ts";
import { childrenOf } from "./history.ts";
import { resolveCommit } from "./log.ts";
import { editAway, editTo, type RefsChanged, refsChanged } from "./ref-changes.ts";
import { callVersion, indexVersions, protectedRefs, readHead, type VersionIndex } from "./versions.ts";

/** Why a version must not go without force. */
export interface RemovalLock {
  readonly code: "base" | "children" | "active" | "protected";
  readonly message: string;
}

export interface PlannedRemoval {
  readonly version: string;
  readonly commit: Oid;
  readonly message: string;
  readonly locks: readonly RemovalLock[];
  /** Names that go or move with it, for people. */
  readonly effects: readonly string[];
}

export interface RemovalPlan {
  readonly removals: readonly PlannedRemoval[];
  readonly edits: readonly RefEdit[];
  readonly reason?: string;
}

/** What deleting versions would do. Throws `ref.missing`, `refused.lock` where one is locked and `force` is not given. */
export async function planRemoval(
  context: Context,
  {
    versions,
    force = false,
    reason,
  }: { readonly versions: readonly string[]; readonly force?: boolean; readonly reason?: string },
): Promise<RemovalPlan> {
  const repo = await context.openRepository();
  const refs = await repo.refs();
  const index = indexVersions(refs);
  const going = new Map<Oid, string>();
  for (const word of versions) {
    const oid = await resolveCommit(repo, word);
    const name = index.name(oid);
    if (name === undefined || index.isDropped(oid))
      throw new IngotError("ref.missing", `'${word}' is no version`, { hint: "ingot log" });
    going.set(oid, name);
  }
  const removals: PlannedRemoval[] = [];
  const edits = new Map<string, RefEdit>();
  for (const [oid, name] of going) {
    const commit = await repo.readRecord(oid, "commit");
    const survivor = await survivingParent(repo, oid, (each) => going.has(each) || index.isDropped(each));
    const moves = planRefs(refs, oid, survivor, index);
    for (const edit of moves.edits) edits.set(edit.ref, edit);
    edits.set(`dropped/${name}`, editTo(`dropped/${name}`, refs.get(`dropped/${name}`), oid));
    removals.push({
      version: name,
      commit: oid,
      message: commit.message,
      locks: await locksOf({ repo, refs, index, oid, going }),
      effects: moves.effects,
    });
  }
  const locked = removals.filter((r) => r.locks.length > 0);
  if (locked.length > 0 && !force) {
    const [first] = locked;
    throw new IngotError(
      "refused.lock",
      `${first!.version} is locked: ${first!.locks.map((l) => l.message).join("; ")}`,
      {
        hint: `to delete it all the same: ingot rm ${versions.join(" ")} --force`,
        data: { locks: locked.map(({ version, locks }) => ({ version, locks })) },
      },
    );
  }
  return { removals, edits: [...edits.values()], ...(reason === undefined ? {} : { reason }) };
}

/** Deletes: the tags go, `dropped/v<N>` keeps the record. One operation, so `undo` brings it back until gc has freed the blobs. */
export async function executeRemoval(
  context: Context,
  plan: RemovalPlan,
): Promise<RefsChanged & { readonly removed: readonly string[] }> {
  const repo = await context.openRepository();
  const operation = await repo.operate(() => ({
    command: context.commandLine,
    edits: plan.edits,
    ...(plan.reason === undefined ? {} : { reason: plan.reason }),
  }));
  return { ...refsChanged(operation), removed: plan.removals.map((r) => r.version) };
}

interface LockQuestion {
  readonly repo: Repository;
  readonly refs: RefTable;
  readonly index: VersionIndex;
  readonly oid: Oid;
  readonly going: ReadonlyMap<Oid, string>;
}

async function locksOf({ repo, refs, index, oid, going }: LockQuestion): Promise<readonly RemovalLock[]> {
  const locks: RemovalLock[] = [];
  const commit = await repo.readRecord(oid, "commit");
  const snapshot = await repo.readRecord(commit.snapshot, "snapshot");
  if (snapshot.adapters.length === 0) locks.push({ code: "base", message: "it is a base model" });
  const children = (await childrenOf(repo, index, oid)).filter((child) => !going.has(child.oid));
  if (children.length > 0)
    locks.push({
      code: "children",
      message: `${children.map((child) => callVersion(index, child.oid)).join(", ")} ${children.length === 1 ? "was" : "were"} trained on it`,
    });
  const head = readHead(refs);
  if (head.commit === oid)
    locks.push({
      code: "active",
      message: head.branch === undefined ? "it is checked out" : `it is checked out (branch ${head.branch})`,
    });
  for (const { name } of protectedRefs(refs))
    if (refs.oid(name) === oid) locks.push({ code: "protected", message: `it is ${name}` });
  return locks;
}

/** The nearest ancestor by first parents that is not deleted as well, now or before. */
async function survivingParent(
  repo: Repository,
  oid: Oid,
  isDeleted: (oid: Oid) => boolean,
): Promise<Oid | undefined> {
  let at: Oid | undefined = oid;
  while (at !== undefined && isDeleted(at)) at = (await repo.readRecord(at, "commit")).parents[0];
  return at;
}

function planRefs(
  refs: RefTable,
  oid: Oid,
  survivor: Oid | undefined,
  index: VersionIndex,
): { readonly edits: readonly RefEdit[]; readonly effects: readonly string[] } {
  const edits: RefEdit[] = [];
  const effects: string[] = [];
  const to = survivor === undefined ? "nothing" : callVersion(index, survivor);
  for (const { name, value } of refs.list("")) {
    if (!("oid" in value) || value.oid !== oid) continue;
    if (name.startsWith("tags/")) {
      edits.push(editAway(name, value));
      if (name !== `tags/${index.name(oid)}`) effects.push(`tag ${name.slice("tags/".length)} goes`);
    } else if (name === "HEAD") {
      // Detached on what goes away: where nothing is left to stand on, back to a branch without a commit.
      edits.push(
        survivor === undefined
          ? { ref: name, old: value, new: { symbolic: "heads/main" } }
          : editTo(name, value, survivor),
      );
      effects.push(`HEAD moves to ${to}`);
    } else if (name.startsWith("heads/")) {
      edits.push(survivor === undefined ? editAway(name, value) : editTo(name, value, survivor));
      effects.push(`branch ${name.slice("heads/".length)} moves to ${to}`);
    } else if (!name.includes("/")) {
      edits.push(editAway(name, value));
      effects.push(`${name} points at nothing afterwards`);
    }
  }
  return { edits, effects };
}
