import { IngotError } from "../base/errors.ts";
import { hashBytes } from "../base/hash.ts";
import { OID_BYTES, type Oid, oidFromBytes } from "../base/oid.ts";
import { decodeRecord, encodeRecord } from "../objects/encode.ts";
import type { OperationRecord } from "../objects/records.ts";
import type { Storage } from "../storage/port.ts";
import { emptyState, extendState, type Operation, type State, stateFromTable } from "./state.ts";
import { encodeState, StateTable } from "./state-file.ts";

/** The operation log: entry n is `log/<n>`, written once by put-if-absent. The layout is `objects-spec/refs.md`. */

const DIGITS = 12;
const NEWEST_STATE_KEY = "log/newest-state";
/** Entries between two state files. */
export const STATE_INTERVAL = 64;
/** Of the older state files one in so many entries stays, so that refs of long ago need no replay from the start. */
const KEPT_INTERVAL = 4096;

/** Key of entry `n` of the log. */
export function entryKey(n: number): string {
  return `log/${String(n).padStart(DIGITS, "0")}`;
}

function stateKey(n: number): string {
  return `log/state-${String(n).padStart(DIGITS, "0")}`;
}

/** Bytes of an entry: the operation record, then its id. */
export function encodeEntry(record: OperationRecord): { readonly bytes: Uint8Array; readonly oid: Oid } {
  const plain = encodeRecord(record);
  const oid = hashBytes(plain);
  return { bytes: Buffer.concat([plain, Buffer.from(oid, "hex")]), oid };
}

/** The record's bytes within an entry. Throws `integrity.log` where the id behind them is not theirs. */
export function entryRecordBytes(n: number, bytes: Uint8Array): Uint8Array {
  const plain = bytes.subarray(0, Math.max(0, bytes.length - OID_BYTES));
  if (plain.length === 0 || hashBytes(plain) !== oidFromBytes(bytes.subarray(plain.length)))
    throw badEntry(n, "is damaged");
  return plain;
}

function decodeEntry(n: number, bytes: Uint8Array): Operation {
  const plain = entryRecordBytes(n, bytes);
  const record = decodeRecord(plain);
  if (record.kind !== "operation" || record.n !== n) throw badEntry(n, "is not that entry");
  return { ...record, oid: oidFromBytes(bytes.subarray(plain.length)) };
}

function badEntry(n: number, what: string): IngotError {
  return new IngotError("integrity.log", `entry ${n} of the operation log ${what}`, {
    hint: "ingot fsck",
    data: { where: entryKey(n), n },
  });
}

const isMissing = (error: unknown) => error instanceof IngotError && error.code === "object.missing";

/** Raw bytes of entry n; undefined where there is none. */
async function findEntry(storage: Storage, n: number): Promise<Uint8Array | undefined> {
  try {
    return await storage.read(entryKey(n));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Reads entry n. Throws `object.missing` where there is none, `integrity.log` where it is damaged. */
export async function readEntryOf(storage: Storage, n: number): Promise<Operation> {
  if (!Number.isSafeInteger(n) || n < 1)
    throw new IngotError("object.missing", `no operation ${n}`, { hint: "ingot reflog" });
  const bytes = await findEntry(storage, n);
  if (bytes === undefined)
    throw new IngotError("object.missing", `no operation ${n}`, {
      hint: "ingot reflog",
      data: { where: entryKey(n), n },
    });
  return decodeEntry(n, bytes);
}

/** What was found after a state. */
export interface Tail {
  readonly operations: readonly Operation[];
  /** Number of a last entry that is damaged, which readers leave out: a crash may have torn it. */
  readonly torn: number | undefined;
}

/**
 * Reads the entries after `state`, up to the newest or up to `until`. Throws `integrity.log` for a damaged or missing entry that
 * others follow, and for one that does not continue the chain.
 */
export async function readTail(
  storage: Storage,
  state: Pick<State, "n" | "head">,
  until = Number.POSITIVE_INFINITY,
): Promise<Tail> {
  const operations: Operation[] = [];
  let previous = state.head;
  for (let n = state.n + 1; n <= until; n++) {
    const bytes = await findEntry(storage, n);
    if (bytes === undefined) {
      // Nobody writes n + 1 before n is there: if it is, n has come in the meantime or was lost.
      if ((await storage.stat(entryKey(n + 1))) !== undefined && (await findEntry(storage, n)) === undefined)
        throw badEntry(n, "is missing");
      if ((await storage.stat(entryKey(n))) === undefined) break;
      n--;
      continue;
    }
    let operation: Operation;
    try {
      operation = decodeEntry(n, bytes);
    } catch (error) {
      const isDamage =
        error instanceof IngotError && (error.code === "integrity.log" || error.code === "integrity.record");
      if (!isDamage || (await storage.stat(entryKey(n + 1))) !== undefined) throw error;
      return { operations, torn: n };
    }
    if (operation.previous !== previous) throw badEntry(n, "does not continue the one before");
    operations.push(operation);
    previous = operation.oid;
  }
  return { operations, torn: undefined };
}

export interface Newest {
  readonly state: State;
  readonly torn: number | undefined;
}

/** The state after the newest entry, reading only what is new since `known`. */
export async function readNewest(storage: Storage, known?: State): Promise<Newest> {
  const start = known ?? (await readStateFile(storage, await newestStateNumber(storage))) ?? emptyState();
  try {
    const { operations, torn } = await readTail(storage, start);
    return { state: extendState(start, operations), torn };
  } catch (error) {
    // A state file is derived: before the log is called damaged it is read without one.
    if (
      known !== undefined ||
      start.n === 0 ||
      !(error instanceof IngotError) ||
      error.code !== "integrity.log"
    )
      throw error;
    const { operations, torn } = await readTail(storage, emptyState());
    return { state: extendState(emptyState(), operations), torn };
  }
}

/** The state after entry `n`. */
export async function readStateAt(storage: Storage, n: number): Promise<State> {
  const base = await nearestState(storage, n);
  const { operations } = await readTail(storage, base, n);
  const state = extendState(base, operations);
  if (state.n !== n)
    throw new IngotError("object.missing", `no operation ${n}`, { hint: "ingot reflog", data: { n } });
  return state;
}

async function nearestState(storage: Storage, n: number): Promise<State> {
  const recent = Math.floor(n / STATE_INTERVAL) * STATE_INTERVAL;
  const kept = Math.floor(n / KEPT_INTERVAL) * KEPT_INTERVAL;
  for (const candidate of [recent, recent - STATE_INTERVAL, kept]) {
    const state = candidate > 0 ? await readStateFile(storage, candidate) : undefined;
    if (state !== undefined) return state;
  }
  return emptyState();
}

/** A state file; undefined where it is absent, damaged, or of a newer format: the log itself says the same. */
async function readStateFile(storage: Storage, n: number | undefined): Promise<State | undefined> {
  if (n === undefined) return undefined;
  try {
    const table = new StateTable(await storage.read(stateKey(n)));
    return table.n === n ? stateFromTable(table) : undefined;
  } catch (error) {
    if (
      error instanceof IngotError &&
      ["object.missing", "integrity.log", "input.version"].includes(error.code)
    )
      return undefined;
    throw error;
  }
}

async function readHint(storage: Storage): Promise<number[]> {
  try {
    const text = Buffer.from(await storage.read(NEWEST_STATE_KEY)).toString("latin1");
    return /^[0-9]{1,15}( [0-9]{1,15})?\n$/.test(text) ? text.trim().split(" ").map(Number) : [];
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function newestStateNumber(storage: Storage): Promise<number | undefined> {
  for (const hinted of await readHint(storage))
    if ((await storage.stat(stateKey(hinted))) !== undefined) return hinted;
  if ((await storage.stat(entryKey(STATE_INTERVAL))) === undefined) return undefined;
  let newest: number | undefined;
  for await (const { key } of storage.list("log/")) {
    const match = /^log\/state-([0-9]{12})$/.exec(key);
    if (match !== null) newest = Math.max(newest ?? 0, Number(match[1]));
  }
  return newest;
}

/** Writes the state file of a state, and removes the one before the last. All of it is derived, so nothing waits for it. */
export async function writeStateFile(storage: Storage, state: State): Promise<void> {
  const [last, beforeLast] = await readHint(storage);
  if (last !== undefined && last >= state.n) return;
  await storage.put(stateKey(state.n), encodeState(state));
  await storage.put(
    NEWEST_STATE_KEY,
    Buffer.from(last === undefined ? `${state.n}\n` : `${state.n} ${last}\n`),
  );
  if (beforeLast !== undefined && beforeLast % KEPT_INTERVAL !== 0)
    await storage.delete(stateKey(beforeLast));
}

/**
 * Puts a torn last entry aside under another name, so that its number can be given again. Called under the lease `log`: nothing
 * but this ever takes an entry away.
 */
export async function setTornAside(storage: Storage, n: number, nonce: string): Promise<void> {
  const bytes = await findEntry(storage, n);
  if (bytes === undefined) return;
  try {
    decodeEntry(n, bytes);
    return;
  } catch (error) {
    if (!(error instanceof IngotError) || (await storage.stat(entryKey(n + 1))) !== undefined) throw error;
  }
  await storage.put(`log/torn-${String(n).padStart(DIGITS, "0")}-${nonce}`, bytes);
  await storage.delete(entryKey(n));
}
