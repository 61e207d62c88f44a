import type { Oid } from "../base/oid.ts";
import type { RefEdit } from "../objects/records.ts";
import type { State } from "./state.ts";
import { OBJECT_TYPES, type Vault } from "./vault.ts";

const RUNS = "runs/";

/**
 * Transient packs that no ref of a run leads into any more once `edits` are made: they are dropped in the same operation. Nothing outside
 * refers into a transient pack, and `undo` leaves the refs of runs alone, so nobody can miss them.
 */
export async function checkpointPacksToDrop(
  vault: Vault,
  state: State,
  edits: readonly RefEdit[],
): Promise<Oid[]> {
  const left = new Map<string, Oid>();
  for (const { name, value } of state.refs.list(RUNS)) if ("oid" in value) left.set(name, value.oid);
  const released: Oid[] = [];
  for (const { ref, new: next } of edits) {
    if (!ref.startsWith(RUNS)) continue;
    const before = left.get(ref);
    if (before !== undefined) released.push(before);
    left.delete(ref);
    if (next !== undefined && "oid" in next) left.set(ref, next.oid);
  }
  if (released.length === 0) return [];
  const needed = new Set<Oid>();
  for (const oid of new Set(left.values()))
    for (const pack of await transientPacks(vault, state, oid)) needed.add(pack);
  const dropped = new Set<Oid>();
  for (const oid of released) {
    for (const pack of await transientPacks(vault, state, oid)) if (!needed.has(pack)) dropped.add(pack);
  }
  return [...dropped];
}

async function transientPacks(vault: Vault, state: State, oid: Oid): Promise<Oid[]> {
  const found = await vault.locate(oid, OBJECT_TYPES);
  return found
    .filter((entry) => entry.transient && state.packs.status(entry.pack)?.state === "live")
    .map(({ pack }) => pack);
}
