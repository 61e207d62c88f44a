import { IngotError } from "../base/errors.ts";
import { hashBytes } from "../base/hash.ts";
import { LIMITS } from "../base/limits.ts";
import { OID_BYTES, type Oid, oidFromBytes } from "../base/oid.ts";

/** Bytes of a pack, as `objects-spec/pack.md` says them. All numbers are little-endian. */

export const PACK_MAGIC = Buffer.from("\x89INGPK\r\n", "latin1");
export const PACK_END = Buffer.from("INGPKEND", "latin1");
export const PACK_VERSION = 1;
export const PACK_HEADER_BYTES = 16;
export const PACK_TRAILER_BYTES = 48;
export const ENTRY_HEADER_BYTES = 84;
const FOOTER_HEADER_BYTES = 8;
const FOOTER_ROW_BYTES = 92;
const FLAG_TRANSIENT = 1;

/** A piece list is larger than a piece where the object is: 40 bytes a piece of 4 MiB, 16 MiB for 1.7 TB. */
export const LIST_BYTES = 16 << 20;

/** What an entry holds. `piece` is a part of a larger object and no object by itself; `list` says of which pieces one consists. */
export type EntryType = "record" | "file" | "piece" | "list";
export const ENTRY_TYPES: readonly (EntryType | undefined)[] = [undefined, "record", "file", "piece", "list"];
const CODE_OF: Readonly<Record<EntryType, number>> = { record: 1, file: 2, piece: 3, list: 4 };

const MAX_RAW: Readonly<Record<EntryType, number>> = {
  record: LIMITS.recordBytes,
  file: LIMITS.pieceBytes,
  piece: LIMITS.pieceBytes,
  list: LIST_BYTES,
};

/** Where an entry lies and how to read it: what an index keeps of it. */
export interface EntryLocation {
  readonly oid: Oid;
  readonly type: EntryType;
  readonly codec: number;
  /** Bytes after decoding. */
  readonly rawBytes: number;
  /** Bytes as stored. */
  readonly storedBytes: number;
  /** Bytes of the object: of the whole one for a list, else `rawBytes`. */
  readonly objectBytes: number;
  /** Where the entry's header starts in the pack. */
  readonly offset: number;
  /** Number of objects that the codec needs to decode it. */
  readonly baseCount: number;
}

/** One entry of a pack, without its bytes. */
export interface PackEntry extends EntryLocation {
  /** BLAKE3 of the stored bytes. */
  readonly checksum: Oid;
  /** Objects that the codec needs to decode it. */
  readonly bases: readonly Oid[];
}

/** Key of a pack. */
export function packKey(pack: Oid): string {
  return `packs/${pack.slice(0, 2)}/${pack}.pack`;
}

/** The 16 bytes at the start of a pack. */
export function encodePackHeader(transient: boolean): Uint8Array {
  const bytes = Buffer.alloc(PACK_HEADER_BYTES);
  PACK_MAGIC.copy(bytes);
  bytes.writeUInt32LE(PACK_VERSION, 8);
  bytes.writeUInt32LE(transient ? FLAG_TRANSIENT : 0, 12);
  return bytes;
}

/** The bytes before an entry's stored bytes. */
export function encodeEntryHeader(entry: Omit<PackEntry, "offset">): Uint8Array {
  const bytes = Buffer.alloc(entryHeaderBytes(entry));
  bytes.write(entry.oid, 0, "hex");
  writeFacts(bytes, OID_BYTES, entry);
  bytes.write(entry.checksum, 52, "hex");
  for (const [i, base] of entry.bases.entries()) bytes.write(base, ENTRY_HEADER_BYTES + i * OID_BYTES, "hex");
  return bytes;
}

/** Writes what a header and a row of the footer have in common, 20 bytes. */
function writeFacts(bytes: Buffer, at: number, entry: Omit<EntryLocation, "offset">): void {
  bytes[at] = CODE_OF[entry.type];
  bytes[at + 1] = entry.codec;
  bytes[at + 2] = entry.baseCount;
  bytes.writeUInt32LE(entry.rawBytes, at + 4);
  bytes.writeUInt32LE(entry.storedBytes, at + 8);
  bytes.writeBigUInt64LE(BigInt(entry.objectBytes), at + 12);
}

/** Bytes of an entry's header. */
export function entryHeaderBytes(entry: Pick<EntryLocation, "baseCount">): number {
  return ENTRY_HEADER_BYTES + entry.baseCount * OID_BYTES;
}

/** Where an entry ends in its pack. */
export function entryEnd(entry: EntryLocation): number {
  return entry.offset + entryHeaderBytes(entry) + entry.storedBytes;
}

/** Checksum that an entry's header names; undefined where the bytes are not the header of this entry. */
export function headerChecksum(header: Uint8Array, entry: EntryLocation): Oid | undefined {
  const expected = Buffer.alloc(52);
  expected.write(entry.oid, 0, "hex");
  writeFacts(expected, OID_BYTES, entry);
  return Buffer.compare(expected, header.subarray(0, 52)) === 0
    ? oidFromBytes(header.subarray(52, ENTRY_HEADER_BYTES))
    : undefined;
}

/** Encodes the footer of a pack: its table of entries, sorted by id and type. */
export function encodeFooter(entries: readonly PackEntry[], transient: boolean): Uint8Array {
  const sorted = [...entries].sort((a, b) =>
    a.oid < b.oid ? -1 : a.oid > b.oid ? 1 : CODE_OF[a.type] - CODE_OF[b.type],
  );
  const bases = sorted.flatMap((entry) => entry.bases);
  const bytes = Buffer.alloc(
    FOOTER_HEADER_BYTES + sorted.length * FOOTER_ROW_BYTES + bases.length * OID_BYTES,
  );
  bytes.writeUInt32LE(sorted.length, 0);
  bytes.writeUInt32LE(transient ? FLAG_TRANSIENT : 0, 4);
  sorted.forEach((entry, i) => {
    const at = FOOTER_HEADER_BYTES + i * FOOTER_ROW_BYTES;
    bytes.write(entry.oid, at, "hex");
    writeFacts(bytes, at + OID_BYTES, entry);
    bytes.writeBigUInt64LE(BigInt(entry.offset), at + 52);
    bytes.write(entry.checksum, at + 60, "hex");
  });
  const basesAt = FOOTER_HEADER_BYTES + sorted.length * FOOTER_ROW_BYTES;
  for (const [i, base] of bases.entries()) bytes.write(base, basesAt + i * OID_BYTES, "hex");
  return bytes;
}

/** The 48 bytes at the end of a pack. */
export function encodeTrailer(footerBytes: number, pack: Oid): Uint8Array {
  const bytes = Buffer.alloc(PACK_TRAILER_BYTES);
  bytes.writeBigUInt64LE(BigInt(footerBytes), 0);
  bytes.write(pack, 8, "hex");
  PACK_END.copy(bytes, 40);
  return bytes;
}

/** The table of one pack, found by id without decoding the rows that are not asked for. */
export class PackFooter {
  readonly pack: Oid;
  readonly transient: boolean;
  readonly count: number;
  readonly #bytes: Buffer;

  /** Takes the bytes of a footer. Throws `integrity.pack` where they are not the footer of `pack` or break a rule. */
  constructor(pack: Oid, bytes: Uint8Array) {
    if (hashBytes(bytes) !== pack) throw damaged(pack, "has a footer that does not match its name");
    this.pack = pack;
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < FOOTER_HEADER_BYTES) throw damaged(pack, "has a footer that is too short");
    this.count = this.#bytes.readUInt32LE(0);
    const flags = this.#bytes.readUInt32LE(4);
    if (flags > FLAG_TRANSIENT) throw unknown(pack, `flags ${flags}`);
    this.transient = flags === FLAG_TRANSIENT;
    this.#check();
  }

  #row(i: number): number {
    return FOOTER_HEADER_BYTES + i * FOOTER_ROW_BYTES;
  }

  #check(): void {
    const tableEnd = this.#row(this.count);
    if (this.count === 0 || tableEnd > this.#bytes.length)
      throw damaged(this.pack, `names ${this.count} entries, which its footer does not hold`);
    let bases = 0;
    for (let i = 0; i < this.count; i++) {
      const at = this.#row(i);
      if (i > 0) {
        const order = this.#bytes.compare(
          this.#bytes,
          at - FOOTER_ROW_BYTES,
          at - FOOTER_ROW_BYTES + OID_BYTES + 1,
          at,
          at + OID_BYTES + 1,
        );
        if (order <= 0) throw damaged(this.pack, "has a footer that is not sorted");
      }
      const type = ENTRY_TYPES[this.#bytes[at + 32] as number];
      if (type === undefined) throw unknown(this.pack, `entry type ${this.#bytes[at + 32]}`);
      if (this.#bytes[at + 35] !== 0) throw unknown(this.pack, "a filled reserved byte");
      const rawBytes = this.#bytes.readUInt32LE(at + 36);
      if (rawBytes > MAX_RAW[type] || this.#bytes.readUInt32LE(at + 40) > MAX_RAW[type] + 1024)
        throw damaged(this.pack, `has a ${type} of ${rawBytes} bytes`);
      const objectBytes = this.#bytes.readBigUInt64LE(at + 44);
      if (objectBytes > Number.MAX_SAFE_INTEGER || (type !== "list" && objectBytes !== BigInt(rawBytes)))
        throw damaged(this.pack, "has an entry with a wrong size");
      if (this.#bytes.readBigUInt64LE(at + 52) > LIMITS.packBytes)
        throw damaged(this.pack, "has an entry beyond the size of a pack");
      bases += this.#bytes[at + 34] as number;
    }
    if (tableEnd + bases * OID_BYTES !== this.#bytes.length)
      throw damaged(this.pack, "has a footer of the wrong length");
  }

  oidAt(i: number): Oid {
    const at = this.#row(i);
    return oidFromBytes(this.#bytes.subarray(at, at + OID_BYTES));
  }

  entryAt(i: number): PackEntry {
    const at = this.#row(i);
    const row = this.#bytes;
    const baseCount = row[at + 34] as number;
    return {
      oid: this.oidAt(i),
      type: ENTRY_TYPES[row[at + 32] as number] as EntryType,
      codec: row[at + 33] as number,
      rawBytes: row.readUInt32LE(at + 36),
      storedBytes: row.readUInt32LE(at + 40),
      objectBytes: Number(row.readBigUInt64LE(at + 44)),
      offset: Number(row.readBigUInt64LE(at + 52)),
      checksum: oidFromBytes(row.subarray(at + 60, at + 92)),
      baseCount,
      bases: baseCount === 0 ? [] : this.#basesOf(i, baseCount),
    };
  }

  #basesOf(i: number, count: number): Oid[] {
    let before = 0;
    for (let k = 0; k < i; k++) before += this.#bytes[this.#row(k) + 34] as number;
    const at = this.#row(this.count) + before * OID_BYTES;
    return Array.from({ length: count }, (_, k) =>
      oidFromBytes(this.#bytes.subarray(at + k * OID_BYTES, at + (k + 1) * OID_BYTES)),
    );
  }

  entries(): PackEntry[] {
    return Array.from({ length: this.count }, (_, i) => this.entryAt(i));
  }

  /** Index of the first row whose id is not below `bytes`. */
  lowerBound(bytes: Uint8Array): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = this.#row(middle);
      if (this.#bytes.compare(bytes, 0, bytes.length, at, at + OID_BYTES) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Entries of one id: at most one of each type. */
  find(idBytes: Uint8Array): PackEntry[] {
    const found: PackEntry[] = [];
    for (let i = this.lowerBound(idBytes); i < this.count; i++) {
      const at = this.#row(i);
      if (this.#bytes.compare(idBytes, 0, OID_BYTES, at, at + OID_BYTES) !== 0) break;
      found.push(this.entryAt(i));
    }
    return found;
  }
}

/** The error for bytes of a pack that are not as they must be. */
export function damaged(pack: Oid, what: string): IngotError {
  return new IngotError("integrity.pack", `the pack '${pack}' ${what}`, {
    hint: "ingot fsck",
    data: { where: packKey(pack), pack },
  });
}

function unknown(pack: Oid, what: string): IngotError {
  return new IngotError("input.version", `the pack '${pack}' has ${what}, which this program does not know`, {
    hint: "upgrade ingot",
    data: { where: packKey(pack), pack },
  });
}

/** Length of the footer as the trailer of a pack of `packBytes` says. Throws `integrity.pack`. */
export function decodeTrailer(pack: Oid, trailer: Uint8Array, packBytes: number): number {
  const bytes = Buffer.from(trailer.buffer, trailer.byteOffset, trailer.byteLength);
  if (bytes.length !== PACK_TRAILER_BYTES || PACK_END.compare(bytes, 40, 48) !== 0)
    throw damaged(pack, "has no trailer");
  if (bytes.toString("hex", 8, 40) !== pack) throw damaged(pack, "has the trailer of another pack");
  const footerBytes = bytes.readBigUInt64LE(0);
  if (footerBytes > BigInt(packBytes - PACK_HEADER_BYTES - PACK_TRAILER_BYTES))
    throw damaged(pack, "names a footer longer than itself");
  return Number(footerBytes);
}

/** Checks the first bytes of a pack. Throws `integrity.pack`, or `input.version` for a newer format. */
export function checkPackHeader(pack: Oid, header: Uint8Array, transient: boolean): void {
  const bytes = Buffer.from(header.buffer, header.byteOffset, header.byteLength);
  if (bytes.length !== PACK_HEADER_BYTES || PACK_MAGIC.compare(bytes, 0, 8) !== 0)
    throw damaged(pack, "does not start as a pack");
  if (bytes.readUInt32LE(8) !== PACK_VERSION) throw unknown(pack, `format ${bytes.readUInt32LE(8)}`);
  if (bytes.readUInt32LE(12) !== (transient ? FLAG_TRANSIENT : 0))
    throw damaged(pack, "has flags in its header that its footer does not");
}
