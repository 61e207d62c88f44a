import { IngotError } from "../base/errors.ts";
import type { Oid } from "../base/oid.ts";
import type { RefEdit } from "../objects/records.ts";
import { packKey } from "./pack-format.ts";
import type { OperationRequest, RefTable, Repository } from "./repository.ts";
import type { Operation } from "./state.ts";
import { OBJECT_TYPES, type Vault, vaultOf } from "./vault.ts";
import { type Root, reachable } from "./walk.ts";

export interface UndoOptions {
  /** Number of the operation to take back; the last one that is no housekeeping where absent. */
  readonly operation?: number;
  /** Takes back the last undo, and nothing else. */
  readonly redo?: boolean;
}

export interface UndoPlan {
  /** What is taken back. */
  readonly undone: Operation;
  /** To publish by `Repository.operate`. */
  readonly request: OperationRequest;
}

/**
 * Plans the operation that takes another one back: its edits turned round, and the condemned packs that they need brought back. `runs/`
 * and the counters stay as they are. Throws `undo.nothing`, and `undo.gone` where gc has dropped what would be needed.
 */
export async function planUndo(repo: Repository, options: UndoOptions = {}): Promise<UndoPlan> {
  const undone = await findOperation(repo, options);
  const vault = vaultOf(repo);
  const edits = undone.edits.filter(isUndoable).map(turnRound);
  const add = new Set(await packsToRestore(vault, undone));
  for (const pack of await packsOfRestored(repo, vault, edits)) add.add(pack);
  if (edits.length === 0 && add.size === 0)
    throw nothing(
      undone.packs.condemn.length > 0
        ? `the ${undone.command.split(" ")[0]} of operation ${undone.n} was taken back already`
        : `operation ${undone.n} changed nothing that can be taken back`,
    );
  return {
    undone,
    request: {
      command: `undo ${undone.n}`,
      edits,
      undoes: undone.n,
      ...(add.size === 0 ? {} : { add: [...add] }),
    },
  };
}

function nothing(what: string): IngotError {
  return new IngotError("undo.nothing", what, {
    hint: "ingot reflog lists the operations; ingot undo NUMBER takes one of them back",
  });
}

const isUndoable = (edit: RefEdit) => !edit.ref.startsWith("runs/");

function turnRound({ ref, old, new: next }: RefEdit): RefEdit {
  return { ref, ...(next === undefined ? {} : { old: next }), ...(old === undefined ? {} : { new: old }) };
}

async function findOperation(
  repo: Repository,
  { operation: n, redo = false }: UndoOptions,
): Promise<Operation> {
  if (n !== undefined) {
    const found = await readNumbered(repo, n);
    if (found.housekeeping) throw nothing(`operation ${n} is housekeeping, which is not taken back`);
    return found;
  }
  for await (const operation of repo.operations()) {
    if (operation.housekeeping || (!operation.edits.some(isUndoable) && operation.packs.condemn.length === 0))
      continue;
    if (redo && operation.undoes === undefined) break;
    return operation;
  }
  throw nothing(redo ? "the last operation is no undo" : "there is no operation to take back");
}

async function readNumbered(repo: Repository, n: number): Promise<Operation> {
  try {
    return await repo.readOperation(n);
  } catch (error) {
    if (error instanceof IngotError && error.code === "object.missing")
      throw nothing(`there is no operation ${n}`);
    throw error;
  }
}

function gone(undone: string, oids: readonly string[]): IngotError {
  return new IngotError("undo.gone", `${undone} can't be taken back: gc has dropped what it needs`, {
    hint: "ingot pull may bring it back",
    data: { where: oids[0], gone: oids.slice(0, 100) },
  });
}

/** Packs that the operation condemned (gc) and that are still there. */
async function packsToRestore(vault: Vault, undone: Operation): Promise<Oid[]> {
  const back: Oid[] = [];
  const lost: Oid[] = [];
  for (const pack of undone.packs.condemn) {
    const status = vault.state.packs.status(pack);
    if (status?.state === "live") continue;
    if (status !== undefined && (await vault.storage.stat(packKey(pack))) !== undefined) back.push(pack);
    else lost.push(pack);
  }
  if (lost.length > 0) throw gone(`operation ${undone.n}`, lost);
  return back;
}

/** Condemned packs that hold what the restored refs lead to. */
async function packsOfRestored(repo: Repository, vault: Vault, edits: readonly RefEdit[]): Promise<Oid[]> {
  const roots: Root[] = [];
  for (const { ref, new: value } of edits) {
    if (value !== undefined && "oid" in value && !ref.startsWith("dropped/"))
      roots.push({ oid: value.oid, expect: "any", from: ref });
  }
  if (roots.length === 0) return [];
  const held = heldByRefs(vault.state.refs);
  const packs = new Set<Oid>();
  const lost: Oid[] = [];
  const onUnreadable = ({ oid }: Root, error: IngotError) => {
    if (error.code !== "integrity.reference") throw error;
    lost.push(oid);
  };
  for await (const { oid } of reachable(repo, roots, { skip: (each) => held.has(each), onUnreadable })) {
    const found = await vault.locate(oid, OBJECT_TYPES);
    if (found.some((entry) => entry.status.state === "live")) continue;
    const there = await firstPresent(
      vault,
      found.map((entry) => entry.pack),
    );
    if (there === undefined) lost.push(oid);
    else packs.add(there);
  }
  if (lost.length > 0) throw gone("this", lost);
  return [...packs];
}

async function firstPresent(vault: Vault, packs: readonly Oid[]): Promise<Oid | undefined> {
  for (const pack of packs) if ((await vault.storage.stat(packKey(pack))) !== undefined) return pack;
  return undefined;
}

/** What a ref other than `dropped/` points at is kept with everything that it leads to. */
function heldByRefs(refs: RefTable): ReadonlySet<Oid> {
  const held = new Set<Oid>();
  for (const { name, value } of refs.list(""))
    if ("oid" in value && !name.startsWith("dropped/")) held.add(value.oid);
  return held;
}
