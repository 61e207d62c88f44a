import { IngotError } from "../base/errors.ts";
import type { Oid } from "../base/oid.ts";
import { readEntry } from "./pack-reader.ts";
import { decodePieceList } from "./piece-list.ts";
import type { RefTable, Repository } from "./repository.ts";
import { OBJECT_TYPES, type Vault } from "./vault.ts";
import { type Root, reachable, type WalkOptions } from "./walk.ts";

/** Ids that must stay: objects and the pieces of large ones. */
export type Marks = Set<Oid>;

/** Marks everything that refs lead to. Throws `integrity.*` where anything of it can't be read: then nothing may be condemned. */
export async function markRefs(repo: Repository, vault: Vault, refs: RefTable): Promise<Marks> {
  const marks: Marks = new Set();
  const roots: Root[] = [];
  const records: Root[] = [];
  const about: { subject: string; root: Root }[] = [];
  for (const { name, value } of refs.list("")) {
    if (!("oid" in value)) continue;
    const root: Root = { oid: value.oid, expect: "any", from: name };
    const subject = /^about\/([0-9a-f]{64})\//.exec(name)?.[1];
    if (subject !== undefined) about.push({ subject, root });
    else (name.startsWith("dropped/") ? records : roots).push(root);
  }
  await markFrom(repo, vault, roots, marks);
  // Of a deleted version the records stay: its place in the history, not its bytes. What else leads to them was marked above.
  for await (const { oid } of reachable(repo, records, { skip: (each) => marks.has(each), blobs: false }))
    marks.add(oid);
  // What is said about an object lives as long as the object.
  for (let waiting = about; ; ) {
    const due = waiting.filter(({ subject }) => marks.has(subject as Oid));
    if (due.length === 0) return marks;
    await markFrom(
      repo,
      vault,
      due.map(({ root }) => root),
      marks,
    );
    waiting = waiting.filter((each) => !due.includes(each));
  }
}

/** Marks what roots lead to, blobs with their pieces. */
export async function markFrom(
  repo: Repository,
  vault: Vault,
  roots: readonly Root[],
  marks: Marks,
  options: Pick<WalkOptions, "onUnreadable"> = {},
): Promise<void> {
  for await (const { oid, record, from } of reachable(repo, roots, {
    ...options,
    skip: (each) => marks.has(each),
  })) {
    marks.add(oid);
    if (record !== undefined) continue;
    try {
      await markPieces(vault, oid, from, marks);
    } catch (error) {
      if (!(error instanceof IngotError) || options.onUnreadable === undefined) throw error;
    }
  }
}

async function markPieces(vault: Vault, oid: Oid, from: string, marks: Marks): Promise<void> {
  const [entry] = await vault.locate(oid, OBJECT_TYPES);
  if (entry === undefined) {
    throw new IngotError(
      "integrity.reference",
      `'${from}' refers to '${oid}', which is not in the repository`,
      { hint: "ingot fsck", data: { where: from, oid } },
    );
  }
  for (const list of await vault.locate(oid, ["list"])) {
    for (const piece of decodePieceList(
      oid,
      await readEntry(vault.storage, list.pack, list),
      list.objectBytes,
    ))
      marks.add(piece.oid);
  }
}
