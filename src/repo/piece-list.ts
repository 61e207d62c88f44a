import { IngotError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import { OID_BYTES, type Oid, oidFromBytes } from "../base/oid.ts";
import { LIST_BYTES } from "./pack-format.ts";

/** Where a generic object is cut: every 4 MiB from its start. */
export const PIECE_BYTES = 4 << 20;

const VERSION = 1;
const SPLITTER_FIXED = 0;
const HEADER_BYTES = 16;
const ROW_BYTES = 40;

export interface Piece {
  readonly oid: Oid;
  readonly sizeBytes: number;
}

/** Encodes which pieces an object consists of; `objects-spec/pack.md` has the layout. */
export function encodePieceList(pieces: readonly Piece[]): Uint8Array {
  const bytes = Buffer.alloc(HEADER_BYTES + pieces.length * ROW_BYTES);
  if (bytes.length > LIST_BYTES) {
    throw new IngotError(
      "limit.size",
      `an object of ${pieces.length} pieces, at most ${Math.floor((LIST_BYTES - HEADER_BYTES) / ROW_BYTES)} are stored`,
    );
  }
  bytes[0] = VERSION;
  bytes[1] = SPLITTER_FIXED;
  bytes.writeUInt32LE(pieces.length, 4);
  bytes.writeBigUInt64LE(BigInt(pieces.reduce((sum, piece) => sum + piece.sizeBytes, 0)), 8);
  pieces.forEach(({ oid, sizeBytes }, i) => {
    const at = HEADER_BYTES + i * ROW_BYTES;
    bytes.write(oid, at, "hex");
    bytes.writeUInt32LE(sizeBytes, at + OID_BYTES);
  });
  return bytes;
}

/** Decodes a piece list of an object of `objectBytes`. Throws `integrity.blob`, `input.version` for an unknown format. */
export function decodePieceList(oid: Oid, list: Uint8Array, objectBytes: number): Piece[] {
  const bytes = Buffer.from(list.buffer, list.byteOffset, list.byteLength);
  const refuse = (what: string) =>
    new IngotError("integrity.blob", `the piece list of '${oid}' ${what}`, {
      hint: "ingot fsck",
      data: { where: oid },
    });
  if (bytes.length < HEADER_BYTES) throw refuse("is too short");
  if (bytes[0] !== VERSION || bytes[2] !== 0 || bytes[3] !== 0) {
    throw new IngotError(
      "input.version",
      `the piece list of '${oid}' has a format that this program does not know`,
      { hint: "upgrade ingot" },
    );
  }
  const count = bytes.readUInt32LE(4);
  if (bytes.length !== HEADER_BYTES + count * ROW_BYTES)
    throw refuse(`names ${count} pieces and has ${bytes.length} bytes`);
  const pieces: Piece[] = [];
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const at = HEADER_BYTES + i * ROW_BYTES;
    const sizeBytes = bytes.readUInt32LE(at + OID_BYTES);
    if (sizeBytes === 0 || sizeBytes > LIMITS.pieceBytes || bytes.readUInt32LE(at + 36) !== 0)
      throw refuse(`has a bad piece ${i}`);
    sum += sizeBytes;
    pieces.push({ oid: oidFromBytes(bytes.subarray(at, at + OID_BYTES)), sizeBytes });
  }
  if (sum !== objectBytes || bytes.readBigUInt64LE(8) !== BigInt(sum))
    throw refuse(`adds up to ${sum} bytes, expected ${objectBytes}`);
  return pieces;
}
