import type { Oid } from "../base/oid.ts";
import type { OperationRecord, RefValue } from "../objects/records.ts";
import type { RefTable } from "./repository.ts";

/** Entry of the log with its id. */
export type Operation = OperationRecord & { readonly oid: Oid };

/** A pack in use, or condemned by entry `n` at `atMs`. A pack that was dropped or never added has no status. */
export type PackStatus =
  | { readonly state: "live" }
  | { readonly state: "condemned"; readonly n: number; readonly atMs: number };

const LIVE: PackStatus = { state: "live" };

/** What a state file says, looked up without reading it whole. */
export interface StateRows {
  readonly n: number;
  readonly head: Oid;
  readonly timeMs: number;
  readonly counters: Readonly<Record<string, number>>;
  findRef(name: string): RefValue | undefined;
  /** Refs whose name starts with `prefix`, sorted. */
  listRefs(prefix: string): readonly RefRow[];
  findPack(pack: Oid): PackStatus | undefined;
  listPacks(): Iterable<readonly [Oid, PackStatus]>;
}

/** Packs after one operation; a value. */
export interface PackTable {
  status(pack: Oid): PackStatus | undefined;
  list(): Iterable<readonly [Oid, PackStatus]>;
  /** Packs whose status changed since the state file that this table started from. */
  readonly recent: readonly Oid[];
}

/** Everything the operation log says after entry `n`. */
export interface State {
  readonly n: number;
  /** Id of entry n; undefined while the log is empty. */
  readonly head: Oid | undefined;
  /** Time of entry n. */
  readonly timeMs: number;
  readonly refs: RefTable;
  readonly packs: PackTable;
  /** Number of the state file it was read from; 0 where it was replayed from the start. */
  readonly baseN: number;
  readonly counters: Readonly<Record<string, number>>;
}

interface Layers {
  readonly base: StateRows | undefined;
  readonly refs: ReadonlyMap<string, RefValue | undefined>;
  readonly packs: ReadonlyMap<Oid, PackStatus | undefined>;
}

const layersOf = new WeakMap<State, Layers>();

/** The state before the first operation. */
export function emptyState(): State {
  return makeState(
    { n: 0, head: undefined, timeMs: 0, baseN: 0, counters: Object.create(null) },
    { base: undefined, refs: new Map(), packs: new Map() },
  );
}

/** The state that a state file holds. */
export function stateFromTable(base: StateRows): State {
  return makeState(
    { n: base.n, head: base.head, timeMs: base.timeMs, baseN: base.n, counters: base.counters },
    { base, refs: new Map(), packs: new Map() },
  );
}

/** The state after some further operations, in order; the given one stays as it is. */
export function extendState(state: State, operations: readonly Operation[]): State {
  const last = operations.at(-1);
  if (last === undefined) return state;
  const before = layersOf.get(state) as Layers;
  const refs = new Map(before.refs);
  const packs = new Map(before.packs);
  const counters: Record<string, number> = Object.assign(Object.create(null), state.counters);
  for (const operation of operations) {
    for (const edit of operation.edits) refs.set(edit.ref, edit.new);
    for (const pack of operation.packs.add) packs.set(pack, LIVE);
    for (const pack of operation.packs.condemn)
      packs.set(pack, { state: "condemned", n: operation.n, atMs: operation.timeMs });
    for (const pack of operation.packs.drop) packs.set(pack, undefined);
    Object.assign(counters, operation.counters);
  }
  return makeState(
    { n: last.n, head: last.oid, timeMs: last.timeMs, baseN: state.baseN, counters },
    { base: before.base, refs, packs },
  );
}

function makeState(facts: Omit<State, "refs" | "packs">, layers: Layers): State {
  const state: State = { ...facts, refs: refTable(facts, layers), packs: packTable(layers) };
  layersOf.set(state, layers);
  return state;
}

function refTable({ n, counters }: Pick<State, "n" | "counters">, { base, refs }: Layers): RefTable {
  const get = (ref: string): RefValue | undefined => (refs.has(ref) ? refs.get(ref) : base?.findRef(ref));
  const oid = (ref: string): Oid | undefined => {
    const value = get(ref);
    if (value === undefined || "oid" in value) return value?.oid;
    const branch = get(value.symbolic);
    return branch !== undefined && "oid" in branch ? branch.oid : undefined;
  };
  // Values never change, and commands ask for the same lists again and again.
  const lists = new Map<string, readonly RefRow[]>();
  return {
    n,
    get,
    oid,
    list: (prefix) => {
      let rows = lists.get(prefix);
      if (rows === undefined) {
        rows = mergeRows(base?.listRefs(prefix) ?? [], refs, prefix);
        lists.set(prefix, rows);
      }
      return rows;
    },
    counter: (name) => (Object.hasOwn(counters, name) ? (counters[name] as number) : 0),
  };
}

interface RefRow {
  readonly name: string;
  readonly value: RefValue;
}

/** Sorted rows of a state file with the changes since. */
function mergeRows(
  base: readonly RefRow[],
  changes: ReadonlyMap<string, RefValue | undefined>,
  prefix: string,
): readonly RefRow[] {
  const changed = [...changes]
    .filter(([name]) => name.startsWith(prefix))
    .sort((a, b) => (a[0] < b[0] ? -1 : 1));
  if (changed.length === 0) return base;
  const merged: RefRow[] = [];
  let at = 0;
  for (const [name, value] of changed) {
    for (let row = base[at]; row !== undefined && row.name < name; row = base[++at]) merged.push(row);
    if (base[at]?.name === name) at++;
    if (value !== undefined) merged.push({ name, value });
  }
  for (; at < base.length; at++) merged.push(base[at] as RefRow);
  return merged;
}

function packTable({ base, packs }: Layers): PackTable {
  return {
    status: (pack) => (packs.has(pack) ? packs.get(pack) : base?.findPack(pack)),
    *list() {
      for (const row of base?.listPacks() ?? []) if (!packs.has(row[0])) yield row;
      for (const [pack, status] of packs) if (status !== undefined) yield [pack, status] as const;
    },
    recent: [...packs.keys()],
  };
}
