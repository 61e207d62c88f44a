import { IngotError } from "../base/errors.ts";
import { hashBytes } from "../base/hash.ts";
import { OID_BYTES, type Oid, oidFromBytes } from "../base/oid.ts";
import type { RefValue } from "../objects/records.ts";
import type { PackStatus, State, StateRows } from "./state.ts";

/** Bytes of a state file, as `objects-spec/refs.md` says them: everything the log says after one entry, ready to be searched. */

const MAGIC = Buffer.from("\x89INGST\r\n", "latin1");
const VERSION = 1;
const HEADER_BYTES = 80;
const CONDEMNED_BYTES = OID_BYTES + 16;
const KIND_OID = 0;
const KIND_SYMBOLIC = 1;
const LIVE: PackStatus = { state: "live" };

/** Encodes a state, with the hash of the bytes behind them. */
export function encodeState(state: State): Uint8Array {
  if (state.head === undefined) throw new Error("bug: the state of an empty log is not written");
  const refs = state.refs.list("").map(({ name, value }) => encodeRef(name, value));
  const live: Oid[] = [];
  const condemned: [Oid, PackStatus][] = [];
  for (const [pack, status] of state.packs.list())
    status.state === "live" ? live.push(pack) : condemned.push([pack, status]);
  live.sort();
  condemned.sort((a, b) => (a[0] < b[0] ? -1 : 1));
  const counters = Object.entries(state.counters).sort((a, b) => (a[0] < b[0] ? -1 : 1));

  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  const heapBytes = refs.reduce((sum, ref) => sum + ref.length, 0);
  for (const [i, value] of [
    VERSION,
    refs.length,
    counters.length,
    live.length,
    condemned.length,
    heapBytes,
  ].entries()) {
    header.writeUInt32LE(value, 8 + i * 4);
  }
  header.writeBigUInt64LE(BigInt(state.n), 32);
  header.write(state.head, 40, "hex");
  header.writeBigUInt64LE(BigInt(state.timeMs), 72);

  const offsets = Buffer.alloc((refs.length + 1) * 4);
  let at = 0;
  refs.forEach((ref, i) => {
    at += ref.length;
    offsets.writeUInt32LE(at, (i + 1) * 4);
  });
  const body = Buffer.concat([
    header,
    offsets,
    ...refs,
    Buffer.from(live.join(""), "hex"),
    ...condemned.map(([pack, status]) => encodeCondemned(pack, status)),
    ...counters.map(([name, value]) => encodeCounter(name, value)),
  ]);
  return Buffer.concat([body, Buffer.from(hashBytes(body), "hex")]);
}

function encodeRef(name: string, value: RefValue): Buffer {
  const nameBytes = Buffer.from(name);
  const head = Buffer.alloc(3);
  head[0] = "oid" in value ? KIND_OID : KIND_SYMBOLIC;
  head.writeUInt16LE(nameBytes.length, 1);
  return Buffer.concat([
    head,
    nameBytes,
    "oid" in value ? Buffer.from(value.oid, "hex") : Buffer.from(value.symbolic),
  ]);
}

function encodeCondemned(pack: Oid, status: PackStatus): Buffer {
  const row = Buffer.alloc(CONDEMNED_BYTES);
  row.write(pack, 0, "hex");
  if (status.state === "condemned") {
    row.writeBigUInt64LE(BigInt(status.n), OID_BYTES);
    row.writeBigUInt64LE(BigInt(status.atMs), OID_BYTES + 8);
  }
  return row;
}

function encodeCounter(name: string, value: number): Buffer {
  const nameBytes = Buffer.from(name);
  const row = Buffer.alloc(1 + nameBytes.length + 8);
  row[0] = nameBytes.length;
  nameBytes.copy(row, 1);
  row.writeBigUInt64LE(BigInt(value), 1 + nameBytes.length);
  return row;
}

/** The tables of a state file, searched where they lie. */
export class StateTable implements StateRows {
  readonly n: number;
  readonly head: Oid;
  readonly timeMs: number;
  readonly counters: Readonly<Record<string, number>>;
  readonly #bytes: Buffer;
  readonly #refCount: number;
  readonly #heapAt: number;
  readonly #liveAt: number;
  readonly #liveCount: number;
  readonly #condemnedAt: number;
  readonly #condemnedCount: number;

  /** Takes the bytes of a state file. Throws `integrity.log` for damage, `input.version` for a newer format. */
  constructor(file: Uint8Array) {
    const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
    const bodyBytes = bytes.length - OID_BYTES;
    if (bodyBytes < HEADER_BYTES || MAGIC.compare(bytes, 0, 8) !== 0) throw damaged("is none");
    if (hashBytes(bytes.subarray(0, bodyBytes)) !== oidFromBytes(bytes.subarray(bodyBytes)))
      throw damaged("does not match its checksum");
    const [version, refCount, counterCount, liveCount, condemnedCount, heapBytes] = Array.from(
      { length: 6 },
      (_, i) => bytes.readUInt32LE(8 + i * 4),
    ) as [number, number, number, number, number, number];
    if (version !== VERSION)
      throw new IngotError(
        "input.version",
        `a state file of format ${version}, which this program does not know`,
        { hint: "upgrade ingot" },
      );
    this.#bytes = bytes;
    this.n = Number(bytes.readBigUInt64LE(32));
    this.head = oidFromBytes(bytes.subarray(40, 72));
    this.timeMs = Number(bytes.readBigUInt64LE(72));
    this.#refCount = refCount;
    this.#heapAt = HEADER_BYTES + (refCount + 1) * 4;
    this.#liveAt = this.#heapAt + heapBytes;
    this.#liveCount = liveCount;
    this.#condemnedAt = this.#liveAt + liveCount * OID_BYTES;
    this.#condemnedCount = condemnedCount;
    const countersAt = this.#condemnedAt + condemnedCount * CONDEMNED_BYTES;
    if (countersAt > bodyBytes) throw damaged("is too short for its tables");
    this.counters = decodeCounters(bytes.subarray(countersAt, bodyBytes), counterCount);
  }

  #ref(i: number): { name: string; value: RefValue } {
    const bytes = this.#bytes;
    const start = this.#heapAt + bytes.readUInt32LE(HEADER_BYTES + i * 4);
    const end = this.#heapAt + bytes.readUInt32LE(HEADER_BYTES + (i + 1) * 4);
    const nameEnd = start + 3 + bytes.readUInt16LE(start + 1);
    const name = bytes.toString("latin1", start + 3, nameEnd);
    if (bytes[start] !== KIND_OID)
      return { name, value: { symbolic: bytes.toString("latin1", nameEnd, end) } };
    return { name, value: { oid: bytes.toString("hex", nameEnd, end) as Oid } };
  }

  #nameAt(i: number): string {
    const start = this.#heapAt + this.#bytes.readUInt32LE(HEADER_BYTES + i * 4);
    return this.#bytes.toString("latin1", start + 3, start + 3 + this.#bytes.readUInt16LE(start + 1));
  }

  #lowerBound(name: string): number {
    return searchRows(this.#refCount, (i) => this.#nameAt(i) < name);
  }

  findRef(name: string): RefValue | undefined {
    const i = this.#lowerBound(name);
    return i < this.#refCount && this.#nameAt(i) === name ? this.#ref(i).value : undefined;
  }

  listRefs(prefix: string): { name: string; value: RefValue }[] {
    const found: { name: string; value: RefValue }[] = [];
    for (let i = this.#lowerBound(prefix); i < this.#refCount; i++) {
      const row = this.#ref(i);
      if (!row.name.startsWith(prefix)) break;
      found.push(row);
    }
    return found;
  }

  findPack(pack: Oid): PackStatus | undefined {
    const id = Buffer.from(pack, "hex");
    if (this.#findRow(id, this.#liveAt, this.#liveCount, OID_BYTES) !== undefined) return LIVE;
    const at = this.#findRow(id, this.#condemnedAt, this.#condemnedCount, CONDEMNED_BYTES);
    return at === undefined ? undefined : this.#condemned(at);
  }

  #findRow(id: Buffer, start: number, count: number, rowBytes: number): number | undefined {
    const compare = (i: number) =>
      this.#bytes.compare(id, 0, OID_BYTES, start + i * rowBytes, start + i * rowBytes + OID_BYTES);
    const i = searchRows(count, (row) => compare(row) < 0);
    return i < count && compare(i) === 0 ? start + i * rowBytes : undefined;
  }

  #condemned(at: number): PackStatus {
    return {
      state: "condemned",
      n: Number(this.#bytes.readBigUInt64LE(at + OID_BYTES)),
      atMs: Number(this.#bytes.readBigUInt64LE(at + OID_BYTES + 8)),
    };
  }

  *listPacks(): Iterable<readonly [Oid, PackStatus]> {
    for (let i = 0; i < this.#liveCount; i++) {
      const at = this.#liveAt + i * OID_BYTES;
      yield [oidFromBytes(this.#bytes.subarray(at, at + OID_BYTES)), LIVE];
    }
    for (let i = 0; i < this.#condemnedCount; i++) {
      const at = this.#condemnedAt + i * CONDEMNED_BYTES;
      yield [oidFromBytes(this.#bytes.subarray(at, at + OID_BYTES)), this.#condemned(at)];
    }
  }
}

/** First of `count` sorted rows that is not below what is looked for. */
function searchRows(count: number, isBelow: (row: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBelow(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function decodeCounters(bytes: Buffer, count: number): Record<string, number> {
  const counters: Record<string, number> = Object.create(null);
  let at = 0;
  for (let i = 0; i < count; i++) {
    const nameBytes = bytes[at] ?? 0;
    if (at + 1 + nameBytes + 8 > bytes.length) throw damaged("is too short for its counters");
    counters[bytes.toString("latin1", at + 1, at + 1 + nameBytes)] = Number(
      bytes.readBigUInt64LE(at + 1 + nameBytes),
    );
    at += 1 + nameBytes + 8;
  }
  return counters;
}

function damaged(what: string): IngotError {
  return new IngotError("integrity.log", `a state file that ${what}`, { hint: "ingot fsck" });
}
