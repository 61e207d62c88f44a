import type { Json, JsonObject } from "../../base/json.ts";
import { RowFault } from "../rows.ts";

/** What an example holds under one name: plain data that has a canonical encoding. */
export type FieldValue = boolean | number | string | Uint8Array | readonly FieldValue[] | FieldRecord;
export interface FieldRecord {
  readonly [key: string]: FieldValue;
}

/** One way to read a row. A new format is a file with one of these and a line in the table of `formats.ts`. */
export interface RowFormat {
  /** As `--as` takes it and as the dataset record holds it. */
  readonly name: string;
  /** A row with all of these keys can be read this way. */
  readonly keys: readonly string[];
  /** Keys that make another, more specific format the reading. */
  readonly unless?: readonly string[];
  /** Columns of a CSV file or names under which `--prompt-col` and its like put them; empty where a cell cannot hold them. */
  readonly columns: readonly string[];
  /**
   * The fields of an example: what the format knows, nothing else, so that columns added for other tools change no id.
   * Throws a `RowFault`.
   */
  parse(row: JsonObject): FieldRecord;
}

/** An object without a prototype. */
export function record(entries: Iterable<readonly [string, FieldValue]>): FieldRecord {
  const fields: Record<string, FieldValue> = Object.create(null);
  for (const [key, value] of entries) fields[key] = value;
  return fields;
}

/** The value of a key, undefined where it is absent or null. */
export function optional(row: JsonObject, key: string): Exclude<Json, null> | undefined {
  const value = Object.hasOwn(row, key) ? row[key] : undefined;
  return value ?? undefined;
}

/** The text under a key. */
export function textOf(row: JsonObject, key: string): string {
  const value = optional(row, key);
  if (value === undefined) throw new RowFault(`no '${key}'`);
  if (typeof value !== "string") throw new RowFault(`'${key}' that is no text`);
  return value;
}

/** The list under a key; never empty. */
export function listOf(row: JsonObject, key: string): readonly Json[] {
  const value = optional(row, key);
  if (value === undefined) throw new RowFault(`no '${key}'`);
  if (!Array.isArray(value)) throw new RowFault(`'${key}' that is no list`);
  if (value.length === 0) throw new RowFault(`an empty '${key}'`);
  return value as readonly Json[];
}

/** True for a JSON object. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A JSON value without its nulls: what has no value has no key, and a null in a list cannot be kept. */
export function withoutNulls(value: Json, key: string): FieldValue {
  if (value === null) throw new RowFault(`a null within the list '${key}'`);
  if (Array.isArray(value)) return value.map((inner: Json) => withoutNulls(inner, key));
  if (!isObject(value)) return value as FieldValue;
  const kept = Object.entries(value).filter(([, inner]) => inner !== null);
  return record(kept.map(([name, inner]) => [name, withoutNulls(inner, name)] as const));
}
