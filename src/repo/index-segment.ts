import { hashBytes } from "../base/hash.ts";
import { OID_BYTES, type Oid, oidFromBytes } from "../base/oid.ts";
import type { Storage } from "../storage/port.ts";
import { ENTRY_TYPES, type EntryLocation, type EntryType } from "./pack-format.ts";

/**
 * One segment of the derived index: the entries of many packs, sorted by id, in buckets that are read and checked one by one.
 * Its layout is private; a file that is missing, damaged or of another version is read again from the packs.
 */

const MAGIC = Buffer.from("\x89INGIX\r\n", "latin1");
const VERSION = 1;
const HEADER_BYTES = 24;
const PACK_BYTES = OID_BYTES + 1;
const BUCKET_BYTES = 12;
export const SEGMENT_ROW_BYTES = 64;
const ROWS_PER_BUCKET = 128;
const MAX_BITS = 20;

/** A row of the index: an entry, and the pack it lies in. */
export interface IndexRow extends EntryLocation {
  readonly pack: Oid;
  readonly transient: boolean;
}

export interface SegmentPack {
  readonly pack: Oid;
  readonly transient: boolean;
}

/** Encodes one row; `pack` is a number in the segment's list of packs. */
export function encodeRow(entry: EntryLocation, pack: number): Uint8Array {
  const bytes = Buffer.alloc(SEGMENT_ROW_BYTES);
  bytes.write(entry.oid, 0, "hex");
  bytes[32] = ENTRY_TYPES.indexOf(entry.type);
  bytes[33] = entry.codec;
  bytes[34] = entry.baseCount;
  bytes.writeUInt32LE(entry.rawBytes, 36);
  bytes.writeUInt32LE(entry.storedBytes, 40);
  bytes.writeBigUInt64LE(BigInt(entry.objectBytes), 44);
  bytes.writeBigUInt64LE(BigInt(entry.offset), 52);
  bytes.writeUInt32LE(pack, 60);
  return bytes;
}

function bucketOf(id: Uint8Array, bits: number): number {
  return bits === 0
    ? 0
    : (((id[0] as number) << 16) | ((id[1] as number) << 8) | (id[2] as number)) >>> (24 - bits);
}

/** Encodes a segment from rows in any order. */
export function encodeSegment(packs: readonly SegmentPack[], rows: readonly Uint8Array[]): Uint8Array {
  const sorted = [...rows].sort(Buffer.compare);
  let bits = 0;
  while (bits < MAX_BITS && sorted.length >> bits > ROWS_PER_BUCKET) bits++;
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  for (const [i, value] of [VERSION, packs.length, sorted.length, bits].entries()) {
    header.writeUInt32LE(value, 8 + i * 4);
  }
  const packBytes = Buffer.alloc(packs.length * PACK_BYTES);
  packs.forEach(({ pack, transient }, i) => {
    packBytes.write(pack, i * PACK_BYTES, "hex");
    packBytes[i * PACK_BYTES + OID_BYTES] = transient ? 1 : 0;
  });
  const body = Buffer.concat(sorted);
  const buckets = Buffer.alloc((1 << bits) * BUCKET_BYTES);
  let row = 0;
  for (let bucket = 0; bucket < 1 << bits; bucket++) {
    const first = row;
    while (row < sorted.length && bucketOf(sorted[row] as Uint8Array, bits) === bucket) row++;
    buckets.writeUInt32LE(row, bucket * BUCKET_BYTES);
    checksum(body.subarray(first * SEGMENT_ROW_BYTES, row * SEGMENT_ROW_BYTES)).copy(
      buckets,
      bucket * BUCKET_BYTES + 4,
    );
  }
  const head = Buffer.concat([header, packBytes, buckets]);
  return Buffer.concat([head, Buffer.from(hashBytes(head), "hex"), body]);
}

function checksum(bytes: Uint8Array): Buffer {
  return Buffer.from(hashBytes(bytes).slice(0, 16), "hex");
}

/** A segment that was opened: its head in memory, its buckets read when asked for. */
export class IndexSegment {
  readonly key: string;
  readonly packCount: number;
  readonly rowCount: number;
  readonly #storage: Storage;
  readonly #bits: number;
  readonly #head: Buffer;
  readonly #bucketsAt: number;
  readonly #buckets = new Map<number, Buffer>();

  private constructor(storage: Storage, key: string, head: Buffer) {
    this.#storage = storage;
    this.key = key;
    this.#head = head;
    this.packCount = head.readUInt32LE(12);
    this.rowCount = head.readUInt32LE(16);
    this.#bits = head.readUInt32LE(20);
    this.#bucketsAt = HEADER_BYTES + this.packCount * PACK_BYTES;
  }

  /** Opens a segment; undefined where it is damaged or of another version. Throws `object.missing`, `environment.*`. */
  static async open(storage: Storage, key: string): Promise<IndexSegment | undefined> {
    const sizeBytes = (await storage.stat(key))?.sizeBytes ?? 0;
    if (sizeBytes < HEADER_BYTES) return undefined;
    const start = Buffer.from(await storage.readRange(key, 0, HEADER_BYTES));
    const bits = start.readUInt32LE(20);
    if (MAGIC.compare(start, 0, 8) !== 0 || start.readUInt32LE(8) !== VERSION || bits > MAX_BITS)
      return undefined;
    const headBytes = HEADER_BYTES + start.readUInt32LE(12) * PACK_BYTES + (1 << bits) * BUCKET_BYTES;
    if (headBytes + OID_BYTES + start.readUInt32LE(16) * SEGMENT_ROW_BYTES !== sizeBytes) return undefined;
    const head = Buffer.from(await storage.readRange(key, 0, headBytes + OID_BYTES));
    if (hashBytes(head.subarray(0, headBytes)) !== oidFromBytes(head.subarray(headBytes))) return undefined;
    return new IndexSegment(storage, key, head);
  }

  packAt(i: number): SegmentPack {
    const at = HEADER_BYTES + i * PACK_BYTES;
    return {
      pack: oidFromBytes(this.#head.subarray(at, at + OID_BYTES)),
      transient: this.#head[at + OID_BYTES] === 1,
    };
  }

  /** Rows of one bucket; undefined where they are damaged. */
  async #bucket(bucket: number): Promise<Buffer | undefined> {
    const known = this.#buckets.get(bucket);
    if (known !== undefined) return known;
    const at = this.#bucketsAt + bucket * BUCKET_BYTES;
    const first = bucket === 0 ? 0 : this.#head.readUInt32LE(at - BUCKET_BYTES);
    const end = this.#head.readUInt32LE(at);
    if (end < first || end > this.rowCount) return undefined;
    const bytes = Buffer.from(
      await this.#storage.readRange(
        this.key,
        this.#head.length + first * SEGMENT_ROW_BYTES,
        (end - first) * SEGMENT_ROW_BYTES,
      ),
    );
    if (checksum(bytes).compare(this.#head, at + 4, at + 12) !== 0) return undefined;
    this.#buckets.set(bucket, bytes);
    return bytes;
  }

  /** Rows of one id; undefined where the bucket is damaged. */
  async find(id: Uint8Array): Promise<IndexRow[] | undefined> {
    const rows = await this.#bucket(bucketOf(id, this.#bits));
    return rows === undefined
      ? undefined
      : this.#rowsFrom(rows, id, (at) => rows.compare(id, 0, OID_BYTES, at, at + OID_BYTES) === 0);
  }

  #rowsFrom(rows: Buffer, id: Uint8Array, isWanted: (at: number) => boolean): IndexRow[] {
    let low = 0;
    let high = rows.length / SEGMENT_ROW_BYTES;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = middle * SEGMENT_ROW_BYTES;
      if (rows.compare(id, 0, id.length, at, at + OID_BYTES) < 0) low = middle + 1;
      else high = middle;
    }
    const found: IndexRow[] = [];
    for (let at = low * SEGMENT_ROW_BYTES; at < rows.length && isWanted(at); at += SEGMENT_ROW_BYTES)
      found.push(this.#decode(rows.subarray(at, at + SEGMENT_ROW_BYTES)));
    return found;
  }

  /** Rows whose id starts with `prefix` (hex digits); buckets that are damaged give none. */
  async findPrefix(prefix: string): Promise<IndexRow[]> {
    const low = Buffer.from(prefix.padEnd(64, "0"), "hex");
    const high = Buffer.from(prefix.padEnd(64, "f"), "hex");
    const found: IndexRow[] = [];
    for (let bucket = bucketOf(low, this.#bits); bucket <= bucketOf(high, this.#bits); bucket++) {
      const rows = await this.#bucket(bucket);
      if (rows === undefined) continue;
      for (const row of this.#rowsFrom(
        rows,
        low,
        (at) => rows.compare(high, 0, OID_BYTES, at, at + OID_BYTES) >= 0,
      ))
        found.push(row);
    }
    return found;
  }

  /** All rows as they are, with the number of their pack replaced; undefined where one bucket is damaged. */
  async rawRows(renumber: (pack: number) => number | undefined): Promise<Uint8Array[] | undefined> {
    const all: Uint8Array[] = [];
    for (let bucket = 0; bucket < 1 << this.#bits; bucket++) {
      const rows = await this.#bucket(bucket);
      if (rows === undefined) return undefined;
      for (let at = 0; at < rows.length; at += SEGMENT_ROW_BYTES) {
        const pack = renumber(rows.readUInt32LE(at + 60));
        if (pack === undefined) continue;
        const row = Buffer.from(rows.subarray(at, at + SEGMENT_ROW_BYTES));
        row.writeUInt32LE(pack, 60);
        all.push(row);
      }
    }
    return all;
  }

  #decode(row: Buffer): IndexRow {
    const pack = row.readUInt32LE(60);
    if (pack >= this.packCount) throw new Error("bug: an index row of a pack that its segment does not list");
    return {
      ...this.packAt(pack),
      oid: oidFromBytes(row.subarray(0, OID_BYTES)),
      type: ENTRY_TYPES[row[32] as number] as EntryType,
      codec: row[33] as number,
      baseCount: row[34] as number,
      rawBytes: row.readUInt32LE(36),
      storedBytes: row.readUInt32LE(40),
      objectBytes: Number(row.readBigUInt64LE(44)),
      offset: Number(row.readBigUInt64LE(52)),
    };
  }
}
