import { IngotError } from "../base/errors.ts";
import type { Oid } from "../base/oid.ts";
import type { ByteSource } from "../base/ports.ts";
import { decodeRecord } from "../objects/encode.ts";
import type { AnyRecord, RecordKind, RecordOf } from "../objects/records.ts";
import { entryKey, entryRecordBytes, readEntryOf } from "./log.ts";
import { decodePieceList, type Piece } from "./piece-list.ts";
import { missing, OBJECT_TYPES, PIECE_TYPES, type Vault } from "./vault.ts";

const DEFAULT_MAX_BYTES = 16 << 20;
const CACHED_RECORDS = 4096;
const CACHED_RECORD_BYTES = 16 << 10;

/** Verified reading of objects: whole, as sources, as records. */
export class ObjectReader {
  readonly #vault: Vault;
  readonly #records = new Map<Oid, AnyRecord>();

  constructor(vault: Vault) {
    this.#vault = vault;
  }

  async has(oid: Oid): Promise<boolean> {
    return (await this.#vault.locate(oid, OBJECT_TYPES)).length > 0;
  }

  /** Throws `limit.size` where the object is larger than `maxBytes`. */
  async readBytes(oid: Oid, maxBytes = DEFAULT_MAX_BYTES): Promise<Uint8Array> {
    const source = await this.open(oid);
    if (source.sizeBytes > maxBytes) {
      throw new IngotError(
        "limit.size",
        `the object '${oid}' has ${source.sizeBytes} bytes, at most ${maxBytes} are read at once`,
        { data: { where: oid, sizeBytes: source.sizeBytes } },
      );
    }
    return source.read(0, source.sizeBytes);
  }

  async open(oid: Oid): Promise<ByteSource> {
    const found = await this.#find(oid);
    if (found.type !== "list") return memorySource(found.bytes);
    const pieces = decodePieceList(oid, found.bytes, found.objectBytes);
    return new PieceSource(this.#vault, oid, pieces, found.objectBytes);
  }

  async #find(
    oid: Oid,
  ): Promise<{ readonly type: string; readonly bytes: Uint8Array; readonly objectBytes: number }> {
    try {
      const { entry, bytes } = await this.#vault.read(oid, OBJECT_TYPES);
      return { type: entry.type, bytes, objectBytes: entry.objectBytes };
    } catch (error) {
      if (!(error instanceof IngotError) || error.code !== "object.missing") throw error;
      const operation = await findOperationBytes(this.#vault, oid);
      if (operation === undefined) throw error;
      return { type: "record", bytes: operation, objectBytes: operation.length };
    }
  }

  async findRecord(oid: Oid): Promise<AnyRecord | undefined> {
    const known = this.#records.get(oid);
    if (known !== undefined) return known;
    const { type, bytes } = await this.#find(oid);
    if (type !== "record") return undefined;
    const record = decodeRecord(bytes);
    if (bytes.length <= CACHED_RECORD_BYTES) this.#remember(oid, record);
    return record;
  }

  #remember(oid: Oid, record: AnyRecord): void {
    if (this.#records.size >= CACHED_RECORDS) this.#records.delete(this.#records.keys().next().value as Oid);
    this.#records.set(oid, record);
  }

  async readRecord<K extends RecordKind>(oid: Oid, kind: K): Promise<RecordOf[K]> {
    const record = await this.findRecord(oid);
    if (record?.kind === kind) return record as RecordOf[K];
    throw new IngotError("integrity.record", `'${oid}' is a ${record?.kind ?? "blob"}, expected a ${kind}`, {
      hint: "ingot fsck",
      data: { where: oid, oid, expected: kind },
    });
  }
}

/** An operation is no object of a pack; its id still finds its bytes, in the log. */
async function findOperationBytes(vault: Vault, oid: Oid): Promise<Uint8Array | undefined> {
  for (let n = vault.state.n; n >= 1; n--) {
    const operation = await readEntryOf(vault.storage, n);
    if (operation.oid === oid) return entryRecordBytes(n, await vault.storage.read(entryKey(n)));
  }
  return undefined;
}

function memorySource(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.length,
    read: async (offset, length) => {
      checkRange(offset, length, bytes.length);
      return new Uint8Array(bytes.subarray(offset, offset + length));
    },
  };
}

function checkRange(offset: number, length: number, sizeBytes: number): void {
  if (offset < 0 || length < 0 || offset + length > sizeBytes)
    throw new RangeError(`read of ${length} bytes at ${offset} of ${sizeBytes}`);
}

/** A large object: every piece is hashed when it is read, and the last one kept for reads that go on from there. */
class PieceSource implements ByteSource {
  readonly sizeBytes: number;
  readonly #vault: Vault;
  readonly #oid: Oid;
  readonly #pieces: readonly Piece[];
  readonly #starts: readonly number[];
  #kept: { readonly index: number; readonly bytes: Uint8Array } | undefined;

  constructor(vault: Vault, oid: Oid, pieces: readonly Piece[], sizeBytes: number) {
    this.#vault = vault;
    this.#oid = oid;
    this.#pieces = pieces;
    this.sizeBytes = sizeBytes;
    let at = 0;
    this.#starts = pieces.map((piece) => {
      at += piece.sizeBytes;
      return at - piece.sizeBytes;
    });
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    checkRange(offset, length, this.sizeBytes);
    const result = new Uint8Array(length);
    for (let index = this.#pieceAt(offset), done = 0; done < length; index++) {
      const bytes = await this.#piece(index);
      const from = offset + done - (this.#starts[index] as number);
      const part = bytes.subarray(from, Math.min(bytes.length, from + length - done));
      result.set(part, done);
      done += part.length;
    }
    return result;
  }

  #pieceAt(offset: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#starts[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  async #piece(index: number): Promise<Uint8Array> {
    if (this.#kept?.index === index) return this.#kept.bytes;
    const piece = this.#pieces[index] as Piece;
    const { bytes } = await this.#readPiece(piece);
    if (bytes.length !== piece.sizeBytes) {
      throw new IngotError(
        "integrity.blob",
        `the piece list of '${this.#oid}' names a wrong size for '${piece.oid}'`,
        { hint: "ingot fsck", data: { where: this.#oid } },
      );
    }
    this.#kept = { index, bytes };
    return bytes;
  }

  async #readPiece(piece: Piece): Promise<{ readonly bytes: Uint8Array }> {
    try {
      return await this.#vault.read(piece.oid, PIECE_TYPES);
    } catch (error) {
      if (!(error instanceof IngotError) || error.code !== "object.missing") throw error;
      throw new IngotError("integrity.blob", `a piece of '${this.#oid}' is missing`, {
        hint: "ingot fsck",
        data: { where: this.#oid, piece: piece.oid },
        cause: missing(piece.oid),
      });
    }
  }
}
