import { IngotError } from "../base/errors.ts";
import type { Oid } from "../base/oid.ts";
import { decodeRecord } from "../objects/encode.ts";
import type { RefEdit } from "../objects/records.ts";
import { references } from "../objects/references.ts";
import type { PackFooter } from "./pack-format.ts";
import { readEntry } from "./pack-reader.ts";
import type { State } from "./state.ts";
import { OBJECT_TYPES, PIECE_TYPES, type Vault } from "./vault.ts";

const ANY_TYPE = [...new Set([...OBJECT_TYPES, ...PIECE_TYPES])];

export interface Reliance {
  /** Objects and pieces outside the session. */
  readonly needs: Iterable<Oid>;
  readonly edits: readonly RefEdit[];
  /** Packs of the session. */
  readonly packs: readonly Oid[];
  /** Condemned packs that the operation brings back by name. */
  readonly back: readonly Oid[];
}

/**
 * Condemned packs that an operation must bring back, so that what it relies on lies in packs in use. The log's put-if-absent makes
 * this the one fence against gc: if gc was faster, the next attempt sees what it condemned. Throws `integrity.reference` for an
 * object that is nowhere, or only in a transient pack, on which nothing may build.
 */
export async function settle(
  vault: Vault,
  state: State,
  { needs, edits, packs, back }: Reliance,
): Promise<Oid[]> {
  const rescued = new Set<Oid>();
  const todo: Oid[] = [...needs];
  for (const pack of back) {
    const footer = await vault.index.footer(pack);
    if (footer === undefined) continue;
    for (const oid of await recordReferences(vault, footer)) todo.push(oid);
  }
  const mayBeTransient = new Set<Oid>();
  for (const edit of edits) {
    if (edit.new === undefined || !("oid" in edit.new)) continue;
    if (edit.ref.startsWith("runs/")) mayBeTransient.add(edit.new.oid);
    todo.push(edit.new.oid);
  }
  const seen = new Set<Oid>();
  for (let oid = todo.pop(); oid !== undefined; oid = todo.pop()) {
    if (seen.has(oid)) continue;
    seen.add(oid);
    const source = await findSource(vault, state, oid, {
      packs: [...packs, ...back],
      transient: mayBeTransient.has(oid),
    });
    if (source === undefined || rescued.has(source.pack)) continue;
    rescued.add(source.pack);
    for (const reference of await recordReferences(vault, source)) todo.push(reference);
  }
  return [...rescued];
}

/** Undefined where the object lies in a pack in use, else the condemned pack that holds it. */
async function findSource(
  vault: Vault,
  state: State,
  oid: Oid,
  { packs, transient }: { packs: readonly Oid[]; transient: boolean },
): Promise<PackFooter | undefined> {
  // What the session wrote itself is not in the state yet: the index knows its packs all the same.
  const rows = await vault.index.find(oid);
  if (rows.some((row) => packs.includes(row.pack))) return undefined;
  const located = await vault.locateCertainly(oid, ANY_TYPE);
  const usable = located.filter((row) => transient || !row.transient);
  if (usable.some((row) => state.packs.status(row.pack)?.state === "live")) return undefined;
  for (const row of usable) {
    const footer =
      state.packs.status(row.pack) === undefined ? undefined : await vault.index.footer(row.pack);
    if (footer !== undefined) return footer;
  }
  throw new IngotError(
    "integrity.reference",
    `the object '${oid}', which this needs, is not in the repository`,
    {
      hint: "run the command again: it stores what is missing",
      data: { where: oid, oid },
    },
  );
}

/** Everything that the records of a pack refer to: a pack in use needs it all, also where only one of its objects was asked for. */
async function recordReferences(vault: Vault, footer: PackFooter): Promise<Oid[]> {
  const found: Oid[] = [];
  for (const entry of footer.entries()) {
    if (entry.type === "record")
      found.push(
        ...references(decodeRecord(await readEntry(vault.storage, footer.pack, entry))).map(({ oid }) => oid),
      );
  }
  return found;
}
