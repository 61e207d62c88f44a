import { Unpackr } from "msgpackr/unpack";
import { encodeCanonical } from "./canonical-encoder.ts";
import { IngotError } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import { scanMessagePack } from "./msgpack-scan.ts";

export { compareText, encodeCanonical } from "./canonical-encoder.ts";

/**
 * What canonical MessagePack can say: one value has exactly one encoding. Specification and vectors:
 * `objects-spec/canonical.md`. msgpackr only reads (its writer turns whole numbers from 2^32 into floats); its reader is
 * lenient, so what it read is encoded again and must be the bytes that came.
 */
export type CanonicalValue =
  | boolean
  | number
  | string
  | Uint8Array
  | readonly CanonicalValue[]
  | { readonly [key: string]: CanonicalValue };

// The entry point without the native addon: which of two readers runs must not depend on an optional package.
const reader = new Unpackr({
  useRecords: false,
  mapsAsObjects: false,
  int64AsType: "number",
  copyBuffers: true,
});

/**
 * Decodes canonical bytes. Maps become objects without a prototype, byte strings fresh `Uint8Array`s. Throws
 * `integrity.record` with the reason for anything that is not the canonical encoding of a value.
 */
export function decodeCanonical(bytes: Uint8Array): CanonicalValue {
  if (bytes.length > LIMITS.recordBytes) {
    throw refuse(`is ${bytes.length} bytes long, at most ${LIMITS.recordBytes} are allowed`);
  }
  const fault = scanMessagePack(bytes);
  if (fault !== undefined) throw refuse(fault.reason, fault.byte);

  let value: CanonicalValue;
  let again: Uint8Array;
  try {
    // A view of its own: msgpackr leaves a property behind on the array it reads.
    value = fromDecoded(reader.unpack(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)));
    again = encodeCanonical(value);
  } catch (error) {
    throw refuse(
      error instanceof IngotError ? `is refused: ${error.message}` : "is not MessagePack",
      undefined,
      error,
    );
  }
  const at = firstDifference(bytes, again);
  if (at !== undefined) {
    throw refuse(
      "is not canonical (order or repetition of keys, length of a header, kind of a number, UTF-8)",
      at,
    );
  }
  return value;
}

function refuse(reason: string, byte?: number, cause?: unknown): IngotError {
  return new IngotError("integrity.record", `the record ${reason}`, {
    hint: "ingot fsck",
    data: byte === undefined ? {} : { where: `byte ${byte}`, byte },
    cause,
  });
}

function fromDecoded(value: unknown): CanonicalValue {
  if (value instanceof Map) {
    const object: Record<string, CanonicalValue> = Object.create(null);
    for (const [key, inner] of value) object[key as string] = fromDecoded(inner);
    return object;
  }
  if (Array.isArray(value)) return value.map(fromDecoded);
  if (value instanceof Uint8Array) return new Uint8Array(value);
  return value as CanonicalValue;
}

function firstDifference(a: Uint8Array, b: Uint8Array): number | undefined {
  if (Buffer.compare(a, b) === 0) return undefined;
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) if (a[i] !== b[i]) return i;
  return end;
}
