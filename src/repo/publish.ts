import { IngotError } from "../base/errors.ts";
import { assertRefName } from "../base/names.ts";
import { type Oid, shortOid } from "../base/oid.ts";
import type { OperationRecord, RefEdit, RefValue } from "../objects/records.ts";
import { checkpointPacksToDrop } from "./checkpoint-packs.ts";
import { acquireLease } from "./lease.ts";
import { encodeEntry, entryKey, STATE_INTERVAL, setTornAside, writeStateFile } from "./log.ts";
import { packKey } from "./pack-format.ts";
import type { OperationRequest, RefTable } from "./repository.ts";
import { settle } from "./settle.ts";
import { extendState, type Operation, type State } from "./state.ts";
import type { Vault } from "./vault.ts";

export type BuildOperation = (
  refs: RefTable,
  next: (counter: string) => number,
) => OperationRequest | Promise<OperationRequest>;

export interface Publication {
  readonly build: BuildOperation;
  /** Packs of the session, durable already. */
  readonly packs: readonly Oid[];
  /** Objects outside the session that the operation relies on: what its records refer to and what was not stored again. */
  readonly needs: Iterable<Oid>;
}

const MAX_ATTEMPTS = 200;
const MAX_WAIT_MS = 40;

/** True where two values of a ref are the same; undefined is "no such ref". */
export function sameValue(a: RefValue | undefined, b: RefValue | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return "oid" in a ? "oid" in b && a.oid === b.oid : "symbolic" in b && a.symbolic === b.symbolic;
}

/**
 * Publishes one operation: asks `build` with the newest refs, checks that everything the operation relies on still holds, and puts
 * the next entry of the log if it is absent. Another writer who was faster means: read again, build again. Durable when this
 * returns. Throws `conflict.ref` where an edit's old value no longer holds, `integrity.reference` where a needed object is gone.
 */
export async function publishOperation(vault: Vault, publication: Publication): Promise<Operation> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const state = await vault.refresh();
    if (vault.torn !== undefined) await mendTornEntry(vault, vault.torn);
    const record = await makeRecord(vault, state, publication);
    const { bytes, oid } = encodeEntry(record);
    if (await vault.storage.putIfAbsent(entryKey(record.n), bytes)) {
      const operation = { ...record, oid };
      await vault.adopt(extendState(state, [operation]));
      await afterPublish(vault, operation);
      return operation;
    }
    await new Promise((resolve) => setTimeout(resolve, jitterMs(vault, attempt)));
  }
  throw new IngotError("conflict.ref", `other writers were faster ${MAX_ATTEMPTS} times`, {
    hint: "run the command again",
  });
}

function jitterMs(vault: Vault, attempt: number): number {
  const [byte] = vault.random.bytes(1) as Uint8Array & [number];
  return (Math.min(MAX_WAIT_MS, 1 << Math.min(attempt, 6)) * byte) / 255;
}

async function mendTornEntry(vault: Vault, n: number): Promise<void> {
  const lease = await acquireLease(vault.storage, "log", vault);
  try {
    await setTornAside(vault.storage, n, Buffer.from(vault.random.bytes(4)).toString("hex"));
  } finally {
    await lease.release();
  }
}

async function makeRecord(
  vault: Vault,
  state: State,
  { build, packs, needs }: Publication,
): Promise<OperationRecord> {
  const counters: Record<string, number> = {};
  const next = (counter: string): number => {
    counters[counter] = (counters[counter] ?? state.refs.counter(counter)) + 1;
    return counters[counter];
  };
  const request = await build(state.refs, next);
  const edits = request.edits.filter((edit) => !sameValue(edit.old, edit.new));
  checkEdits(state, edits);
  const added = await settle(vault, state, { needs, edits, packs, back: request.add ?? [] });
  const add = [...new Set([...packs, ...(request.add ?? []), ...added])];
  const drop = [...new Set([...(request.drop ?? []), ...(await checkpointPacksToDrop(vault, state, edits))])];
  await checkPacks(vault, state, {
    add,
    own: packs,
    condemn: request.condemn ?? [],
    drop,
  });
  return {
    kind: "operation",
    n: state.n + 1,
    ...(state.head === undefined ? {} : { previous: state.head }),
    timeMs: Math.max(0, Math.trunc(vault.clock.nowMs())),
    actor: vault.actor,
    command: request.command,
    ...(request.undoes === undefined ? {} : { undoes: request.undoes }),
    housekeeping: request.housekeeping ?? false,
    ...(request.reason === undefined ? {} : { reason: request.reason }),
    edits,
    packs: { add, condemn: [...(request.condemn ?? [])], drop },
    counters,
  };
}

function valueText(value: RefValue | undefined): string {
  if (value === undefined) return "nothing";
  return "oid" in value ? shortOid(value.oid) : value.symbolic;
}

function checkEdits(state: State, edits: readonly RefEdit[]): void {
  for (const { ref, old } of edits) {
    assertRefName(ref, "record");
    const now = state.refs.get(ref);
    if (!sameValue(now, old)) {
      throw new IngotError(
        "conflict.ref",
        `'${ref}' has moved: it is at ${valueText(now)}, expected ${valueText(old)}`,
        {
          hint: "look at ingot reflog, then run the command again",
          data: { where: ref, ref, expected: old, actual: now },
        },
      );
    }
  }
}

interface PackChanges {
  readonly add: readonly Oid[];
  readonly own: readonly Oid[];
  readonly condemn: readonly Oid[];
  readonly drop: readonly Oid[];
}

async function checkPacks(
  vault: Vault,
  state: State,
  { add, own, condemn, drop }: PackChanges,
): Promise<void> {
  const conflict = (pack: Oid, what: string) =>
    new IngotError("conflict.ref", `the pack '${shortOid(pack)}' ${what}`, {
      hint: "run the command again",
      data: { pack },
    });
  for (const pack of add) {
    // A pack of a long session may have been swept meanwhile, one to bring back may be gone for good.
    if (state.packs.status(pack) === undefined && (await vault.storage.stat(packKey(pack))) === undefined)
      throw conflict(pack, own.includes(pack) ? "of this command is gone" : "is gone");
  }
  for (const pack of condemn)
    if (state.packs.status(pack)?.state !== "live") throw conflict(pack, "is not in use any more");
  for (const pack of drop)
    if (state.packs.status(pack) === undefined) throw conflict(pack, "was dropped already");
}

/** What follows an acknowledged operation is derived or tidying: a failure of it must not look like one of the operation. */
async function afterPublish(vault: Vault, operation: Operation): Promise<void> {
  try {
    for (const pack of operation.packs.drop) await vault.storage.delete(packKey(pack));
    if (vault.state.n - vault.state.baseN >= STATE_INTERVAL) await checkpointState(vault);
  } catch (error) {
    if (!(error instanceof IngotError)) throw error;
  }
}

/** Writes the derived files up to the newest state: index first, since a state file says that an index covers it. */
export async function checkpointState(vault: Vault): Promise<void> {
  await vault.index.fold(vault.state);
  await writeStateFile(vault.storage, vault.state);
  await vault.rebase();
}
