import { IngotError } from "../base/errors.ts";
import type { Oid } from "../base/oid.ts";
import type { AnyRecord, RecordKind } from "../objects/records.ts";
import { references } from "../objects/references.ts";
import type { Repository } from "./repository.ts";

/** An object to start from; `any` where nothing says of which kind it is. */
export interface Root {
  readonly oid: Oid;
  readonly expect: RecordKind | "blob" | "any";
  /** Ref or record that names it. */
  readonly from: string;
}

export interface Reached extends Root {
  /** The record; undefined for a blob, whose bytes are not read. */
  readonly record: AnyRecord | undefined;
}

export interface WalkOptions {
  /** True for objects that need no visit: they and what they refer to are left out. */
  readonly skip?: (oid: Oid) => boolean;
  /** False leaves out the blobs. */
  readonly blobs?: boolean;
  /** Asked for what can't be read; where it returns, the walk goes on without. Throws by default. */
  readonly onUnreadable?: (root: Root, error: IngotError) => void;
}

/** Every object that roots lead to, each once, parents before what they refer to. Reads records, and of blobs only the id. */
export async function* reachable(
  repo: Repository,
  roots: Iterable<Root>,
  { skip = () => false, blobs = true, onUnreadable }: WalkOptions = {},
): AsyncGenerator<Reached> {
  const seen = new Set<Oid>();
  const todo = [...roots].reverse();
  for (let root = todo.pop(); root !== undefined; root = todo.pop()) {
    if (seen.has(root.oid) || skip(root.oid)) continue;
    seen.add(root.oid);
    if (root.expect === "blob") {
      if (blobs) yield { ...root, record: undefined };
      continue;
    }
    let record: AnyRecord | undefined;
    try {
      record = await readExpected(repo, root);
    } catch (error) {
      if (!(error instanceof IngotError) || onUnreadable === undefined) throw error;
      onUnreadable(root, error);
      continue;
    }
    if (record === undefined && !blobs) continue;
    yield { ...root, record };
    const found = record === undefined ? [] : references(record);
    for (let i = found.length - 1; i >= 0; i--) {
      const reference = found[i] as (typeof found)[number];
      if (!seen.has(reference.oid))
        todo.push({ oid: reference.oid, expect: reference.expect, from: root.oid });
    }
  }
}

async function readExpected(repo: Repository, { oid, expect, from }: Root): Promise<AnyRecord | undefined> {
  try {
    return expect === "any" ? await repo.findRecord(oid) : await repo.readRecord(oid, expect as RecordKind);
  } catch (error) {
    if (!(error instanceof IngotError) || error.code !== "object.missing") throw error;
    throw new IngotError(
      "integrity.reference",
      `'${from}' refers to '${oid}', which is not in the repository`,
      { hint: "ingot fsck", data: { where: from, oid }, cause: error },
    );
  }
}
