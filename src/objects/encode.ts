import { decodeCanonical, encodeCanonical } from "../base/canonical.ts";
import { IngotError } from "../base/errors.ts";
import { hashBytes } from "../base/hash.ts";
import type { Oid } from "../base/oid.ts";
import { KINDS, type Kind } from "./kinds.ts";
import type { AnyRecord, RecordKind } from "./records.ts";
import { changeFields, type Direction, misfit } from "./wire.ts";

type Bag = Record<string, unknown>;

/** Encodes a record; a fresh array. Throws `input.format` naming the field that does not fit its kind. */
export function encodeRecord(record: AnyRecord): Uint8Array {
  const { kind, ...rest } = record;
  const table = tableOf(kind, "encode");
  const fields = changeFields(table.fields, rest, "", "encode");
  checkRule(table, record, "encode");
  return encodeCanonical({ kind, v: table.v, ...fields });
}

/**
 * Decodes a record. Throws `input.version` for a kind or a format version that this program does not know,
 * `integrity.record` for bytes that are not canonical and fields that are missing, unknown or ill-typed, `input.path` and
 * `input.name` for paths and ref names that are refused everywhere.
 */
export function decodeRecord(bytes: Uint8Array): AnyRecord {
  const value = decodeCanonical(bytes);
  if (typeof value !== "object" || Array.isArray(value) || value instanceof Uint8Array) {
    throw new IngotError("integrity.record", "a record that is no map", { hint: "ingot fsck" });
  }
  const { kind, v, ...rest } = value as Bag;
  if (typeof kind !== "string") throw misfit("kind", "is missing or no text", "decode");
  if (!Number.isSafeInteger(v)) throw misfit("v", "is missing or no whole number", "decode");
  const table = tableOf(kind, "decode");
  if (v !== table.v) throw unknownFormat(`version ${v} of the record '${kind}'`, { kind, v });
  const record = { kind, ...changeFields(table.fields, rest, "", "decode") } as unknown as AnyRecord;
  checkRule(table, record, "decode");
  return record;
}

/** Id of a record: the BLAKE3-256 of its bytes. */
export function recordId(record: AnyRecord): Oid {
  return hashBytes(encodeRecord(record));
}

/** True for the name of a kind of record. */
export function isRecordKind(text: string): text is RecordKind {
  return Object.hasOwn(KINDS, text);
}

function tableOf(kind: string, direction: Direction): Kind<AnyRecord> {
  if (isRecordKind(kind)) return KINDS[kind] as unknown as Kind<AnyRecord>;
  if (direction === "encode")
    throw misfit("kind", `is no kind of record: '${String(kind).slice(0, 40)}'`, direction);
  throw unknownFormat(`a record of the kind '${kind.slice(0, 40)}'`, { kind: kind.slice(0, 40) });
}

function unknownFormat(what: string, data: Record<string, unknown>): IngotError {
  return new IngotError("input.version", `${what}, which this program does not know`, {
    hint: "upgrade ingot",
    data,
  });
}

function checkRule(table: Kind<AnyRecord>, record: AnyRecord, direction: Direction): void {
  const fault = table.rule?.(record);
  if (fault !== undefined) throw misfit(fault.field, fault.what, direction);
}
