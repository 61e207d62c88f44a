import { encodeCanonical } from "../base/canonical.ts";
import { hashBytes } from "../base/hash.ts";
import type { Oid } from "../base/oid.ts";
import type { FieldRecord } from "./formats/row-format.ts";

/** One row of a dataset, read. */
export interface Example {
  readonly id: Oid;
  /** Name of the format it was read as. */
  readonly format: string;
  /** What the format knows of the row, without a prototype. */
  readonly fields: FieldRecord;
  /** Line in its file (from 1); number of the row (from 1) in a tensor file. */
  readonly line: number;
}

/**
 * Id of an example: the BLAKE3 of the canonical record of its fields, so that neither the order of keys nor the layout of
 * the line counts. Throws what `encodeCanonical` throws for values that no record can hold.
 */
export function exampleId(fields: FieldRecord): Oid {
  return hashBytes(encodeCanonical(fields));
}
