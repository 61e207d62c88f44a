import type { Oid } from "../base/oid.ts";
import { KINDS } from "./kinds.ts";
import type { AnyRecord, RecordKind } from "./records.ts";
import type { Fields, Shape } from "./shape.ts";

/** One id that a record holds, and the kind that it promises. */
export interface Reference {
  readonly oid: Oid;
  readonly expect: RecordKind | "blob";
  /** Where it stands: `tree`, `entries.3.blob`. */
  readonly field: string;
}

/**
 * Everything a record refers to, in the order of its table: what walk, gc, fsck and push follow. An operation refers to
 * nothing: it is history, and keeps alive neither the objects of its edits nor its packs.
 */
export function references(record: AnyRecord): readonly Reference[] {
  if (record.kind === "operation") return [];
  const found: Reference[] = [];
  collectFields(KINDS[record.kind].fields, record as unknown as Bag, "", found);
  return found;
}

type Bag = Readonly<Record<string, unknown>>;

function collectFields(fields: Fields, bag: Bag, prefix: string, found: Reference[]): void {
  for (const [name, { shape }] of Object.entries(fields)) {
    const value = bag[name];
    if (value !== undefined) collect(shape, value, prefix + name, found);
  }
}

function collect(shape: Shape, value: unknown, field: string, found: Reference[]): void {
  if (shape.type === "oid") {
    if (shape.to !== "pack" && shape.to !== "any") found.push({ oid: value as Oid, expect: shape.to, field });
  } else if (shape.type === "map") {
    collectFields(shape.fields, value as Bag, `${field}.`, found);
  } else if (shape.type === "list" && holdsOids(shape.of)) {
    for (const [i, inner] of (value as readonly unknown[]).entries())
      collect(shape.of, inner, `${field}.${i}`, found);
  }
}

function holdsOids(shape: Shape): boolean {
  return shape.type === "oid" || shape.type === "map";
}
