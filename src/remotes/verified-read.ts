import { IngotError } from "../base/errors.ts";
import { hashBytes } from "../base/hash.ts";
import { LIMITS } from "../base/limits.ts";
import type { Oid } from "../base/oid.ts";
import { decodeRecord } from "../objects/encode.ts";
import type { AnyRecord, RecordKind } from "../objects/records.ts";
import type { ObjectSource } from "./port.ts";

/** What a reference promises; `about` refs promise an evaluation or a signature. */
export type Expected = RecordKind | "blob" | "about";

/** Bytes of a record of somebody else, hashed and decoded. Throws `integrity.*`. */
export async function fetchRecord(
  source: ObjectSource,
  oid: Oid,
  expect: Expected,
): Promise<{ readonly bytes: Uint8Array; readonly record: AnyRecord }> {
  const object = await openClaimed(source, oid);
  if (object.sizeBytes > LIMITS.recordBytes)
    throw wrongKind(oid, `an object of ${object.sizeBytes} bytes`, expect);
  const bytes = await object.read(0, object.sizeBytes);
  assertHash(oid, hashBytes(bytes), source.location);
  return { bytes, record: decodeExpected(oid, expect, bytes) };
}

/** Opens an object that a reference says must be there. Throws `integrity.reference` where it is not. */
export async function openClaimed(
  source: ObjectSource,
  oid: Oid,
): Promise<Awaited<ReturnType<ObjectSource["open"]>>> {
  try {
    return await source.open(oid);
  } catch (error) {
    if (!(error instanceof IngotError) || error.code !== "object.missing") throw error;
    throw new IngotError(
      "integrity.reference",
      `'${source.location}' lacks the object '${oid}', which its refs need`,
      {
        hint: `ingot -C ${source.location} fsck`,
        data: { where: oid, oid },
        cause: error,
      },
    );
  }
}

/** Decodes bytes as a record of the kind that was promised. Throws `integrity.record`. */
export function decodeExpected(oid: Oid, expect: Expected | undefined, bytes: Uint8Array): AnyRecord {
  const record = decodeRecord(bytes);
  if (expect !== undefined && !fits(record.kind, expect)) throw wrongKind(oid, `a ${record.kind}`, expect);
  return record;
}

/** True where a record of this kind may stand where the kind was promised. */
export function fits(kind: RecordKind | "blob", expect: Expected): boolean {
  if (expect === "about") return kind === "evaluation" || kind === "signature";
  // The bytes of a file may happen to be a record's.
  return expect === "blob" || kind === expect;
}

/** Throws `integrity.blob` where what was read is not what was asked for. */
export function assertHash(wanted: Oid, found: Oid, location: string): void {
  if (wanted === found) return;
  throw new IngotError("integrity.blob", `'${location}' gave other bytes for the object '${wanted}'`, {
    hint: `ingot -C ${location} fsck --deep`,
    data: { where: wanted, oid: wanted, found },
  });
}

/** The error for an object of another kind than a reference promises. */
export function wrongKind(oid: Oid, what: string, expect: Expected): IngotError {
  return new IngotError(
    "integrity.record",
    `'${oid}' is ${what}, expected a ${expect === "about" ? "signature or evaluation" : expect}`,
    {
      hint: "ingot fsck",
      data: { where: oid, oid, expected: expect },
    },
  );
}
