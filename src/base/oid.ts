import { IngotError } from "./errors.ts";

/** Id of an object: the BLAKE3-256 of its plain bytes as 64 digits of lower-case hex. */
export type Oid = string & { readonly __oid: unique symbol };

export const OID_BYTES = 32;
const OID_PATTERN = /^[0-9a-f]{64}$/;

/** True for exactly 64 digits of lower-case hex. */
export function isOid(text: string): text is Oid {
  return OID_PATTERN.test(text);
}

/** Reads an id from text. Throws `input.name` for anything else, before it can become part of a path. */
export function parseOid(text: string): Oid {
  if (!isOid(text)) throw new IngotError("input.name", `'${text.slice(0, 80)}' is not an object id`);
  return text;
}

/** Id from its 32 bytes. Throws `integrity.record` for another length. */
export function oidFromBytes(bytes: Uint8Array): Oid {
  if (bytes.length !== OID_BYTES)
    throw new IngotError("integrity.record", `an id of ${bytes.length} bytes, expected ${OID_BYTES}`);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex") as Oid;
}

/** The 32 bytes of an id; a fresh array. */
export function oidToBytes(oid: Oid): Uint8Array {
  return new Uint8Array(Buffer.from(oid, "hex"));
}

/** First digits of an id, for people. */
export function shortOid(oid: Oid, digits = 8): string {
  return oid.slice(0, digits);
}
