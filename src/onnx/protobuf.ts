import { IngotError } from "../base/errors.ts";

/** Deepest nesting of messages that is read. */
export const MAX_DEPTH = 64;
/** Fields read of one file, numbers in packed lists not counted: many times what the largest real models hold. */
const MAX_FIELDS = 8_000_000;
/** Protobuf's own limit on a message. */
export const MAX_MESSAGE_BYTES = 2 ** 31 - 1;

export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads the fields of one protobuf message in place: nothing is copied, every length is checked against the message it
 * stands in before it is used. Errors are `input.onnx` with the byte at which reading stopped.
 */
export class MessageReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  readonly depth: number;
  position: number;
  /** Number and wire type of the field whose value comes next. */
  field = 0;
  wire = 0;
  /** Shared by all readers of one file. */
  readonly #file: { readonly view: DataView; fieldsLeft: number };

  constructor(bytes: Uint8Array, start = 0, end = bytes.length, parent?: MessageReader) {
    // A Buffer's `slice` is a view, a Uint8Array's a copy: the rest of the program counts on the copy.
    this.bytes =
      bytes.constructor === Uint8Array
        ? bytes
        : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = start;
    this.end = end;
    this.depth = parent === undefined ? 0 : parent.depth + 1;
    this.#file =
      parent === undefined
        ? { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), fieldsLeft: MAX_FIELDS }
        : parent.#file;
  }

  /** A second reader of the same message, from its current position. */
  fork(): MessageReader {
    const reader = new MessageReader(this.bytes, this.position, this.end, this);
    return reader;
  }

  /** Moves to the next field; false at the end of the message. */
  next(): boolean {
    if (this.position >= this.end) return false;
    const at = this.position;
    const tag = this.uint32();
    this.field = Math.floor(tag / 8);
    this.wire = tag % 8;
    if (this.field === 0) this.fail("field number 0", at);
    if (this.#file.fieldsLeft-- <= 0) {
      throw new IngotError("limit.size", `a model of more than ${MAX_FIELDS} protobuf fields`, {
        data: { where: `byte ${at}` },
      });
    }
    return true;
  }

  /** Skips the value of the current field. */
  skip(): void {
    if (this.wire === WIRE.varint) this.varint();
    else if (this.wire === WIRE.fixed64) this.#advance(8);
    else if (this.wire === WIRE.bytes) this.#advance(this.#length());
    else if (this.wire === WIRE.fixed32) this.#advance(4);
    else this.fail(`wire type ${this.wire} is not allowed`);
  }

  /** A varint as an unsigned 64-bit number: low and high half. */
  varint(): { low: number; high: number } {
    let low = 0;
    let high = 0;
    const at = this.position;
    for (let i = 0; i < 10; i++) {
      if (this.position >= this.end) this.fail("the file ends inside a number", at);
      const byte = this.bytes[this.position++] as number;
      const bits = byte & 0x7f;
      if (i < 4) low |= bits << (7 * i);
      else if (i === 4) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (7 * i - 32);
      if (byte < 0x80) {
        if (i === 9 && bits > 1) this.fail("a number of more than 64 bits", at);
        return { low: low >>> 0, high: high >>> 0 };
      }
    }
    return this.fail("a number of more than 10 bytes", at);
  }

  /** A varint that must fit 32 bits: tags and lengths. */
  uint32(): number {
    const at = this.position;
    const first = this.bytes[at] as number;
    if (at < this.end && first < 0x80) {
      this.position++;
      return first;
    }
    const { low, high } = this.varint();
    if (high !== 0) this.fail("a number of more than 32 bits", at);
    return low;
  }

  /** A signed 64-bit varint; exact below 2^53, else the nearest double. */
  int64(): number {
    this.expect(WIRE.varint);
    const { low, high } = this.varint();
    if (high < 0x200000) return high * 2 ** 32 + low;
    return (high | 0) * 2 ** 32 + low;
  }

  /** A signed 32-bit varint (negative ones take ten bytes). */
  int32(): number {
    this.expect(WIRE.varint);
    return this.varint().low | 0;
  }

  float32(): number {
    this.expect(WIRE.fixed32);
    const at = this.#advance(4);
    return this.#file.view.getFloat32(at, true);
  }

  /** The next `count` bytes; a view. */
  fixed(count: number): Uint8Array {
    const at = this.#advance(count);
    return this.bytes.subarray(at, at + count);
  }

  /** The bytes of the current field; a view. */
  data(): Uint8Array {
    this.expect(WIRE.bytes);
    const length = this.#length();
    const at = this.#advance(length);
    return this.bytes.subarray(at, at + length);
  }

  text(): string {
    const at = this.position;
    const data = this.data();
    try {
      return utf8.decode(data);
    } catch {
      return this.fail("text that is not UTF-8", at);
    }
  }

  /** A reader of the current field as a message. */
  message(): MessageReader {
    this.expect(WIRE.bytes);
    const length = this.#length();
    const at = this.#advance(length);
    if (this.depth + 1 > MAX_DEPTH) this.fail(`messages nested more than ${MAX_DEPTH} deep`, at);
    return new MessageReader(this.bytes, at, at + length, this);
  }

  /** Adds the numbers of a repeated varint field, packed or not, up to `most` of them in all. */
  repeatedInt64(into: number[], most: number): void {
    for (const reader of this.#elements(WIRE.varint)) {
      do {
        if (into.length >= most) this.fail(`field ${this.field} holds more than ${most} numbers`);
        into.push(reader.int64());
      } while (reader !== this && reader.position < reader.end);
    }
  }

  repeatedFloat32(into: number[], most: number): void {
    for (const reader of this.#elements(WIRE.fixed32)) {
      do {
        if (into.length >= most) this.fail(`field ${this.field} holds more than ${most} numbers`);
        into.push(reader.float32());
      } while (reader !== this && reader.position < reader.end);
    }
  }

  /** The reader of a packed list, set to its elements' wire type; this one where a single element stands; none for an empty list. */
  #elements(wire: number): MessageReader[] {
    if (this.wire !== WIRE.bytes) return [this];
    const inner = this.message();
    inner.wire = wire;
    return inner.position < inner.end ? [inner] : [];
  }

  expect(wire: number): void {
    if (this.wire !== wire) this.fail(`field ${this.field} has wire type ${this.wire}, expected ${wire}`);
  }

  fail(what: string, at = this.position): never {
    throw new IngotError("input.onnx", `not a readable ONNX file: ${what}`, {
      hint: "export the model again, or check that the download is complete",
      data: { where: `byte ${at}`, offset: at },
    });
  }

  #length(): number {
    const at = this.position;
    const length = this.uint32();
    if (length > this.end - this.position) {
      this.fail(`field ${this.field} of ${length} bytes, ${this.end - this.position} are left`, at);
    }
    return length;
  }

  #advance(count: number): number {
    const at = this.position;
    if (count > this.end - at)
      this.fail(`field ${this.field} of ${count} bytes, ${this.end - at} are left`, at);
    this.position = at + count;
    return at;
  }
}

const encoder = new TextEncoder();

/** Writes protobuf messages into one growing buffer. */
export class MessageWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  /** `capacityBytes` is a guess of the final size: a good one saves copies of large tensors. */
  constructor(capacityBytes = 4096) {
    this.#bytes = new Uint8Array(capacityBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** What was written; a view of the buffer. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  tag(field: number, wire: number): void {
    this.varint(field * 8 + wire);
  }

  /** An unsigned number below 2^53. */
  varint(value: number): void {
    this.#reserve(10);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  /** A field that holds a signed 64-bit number; numbers beyond its range become its ends. */
  int64(field: number, value: number): void {
    this.tag(field, WIRE.varint);
    this.rawInt64(value);
  }

  rawInt64(value: number): void {
    if (value >= 0 && value <= Number.MAX_SAFE_INTEGER) {
      this.varint(value);
      return;
    }
    this.#reserve(10);
    let rest = BigInt.asUintN(64, clampInt64(value));
    while (rest >= 0x80n) {
      this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#length++] = Number(rest);
  }

  float32(field: number, value: number): void {
    this.tag(field, WIRE.fixed32);
    this.rawFloat32(value);
  }

  rawFloat32(value: number): void {
    this.#reserve(4);
    this.#view.setFloat32(this.#length, value, true);
    this.#length += 4;
  }

  text(field: number, value: string): void {
    this.data(field, encoder.encode(value));
  }

  data(field: number, value: Uint8Array): void {
    this.tag(field, WIRE.bytes);
    this.varint(value.length);
    this.raw(value);
  }

  /** Bytes that are already encoded. */
  raw(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** A nested message: what `write` writes, with its length before it. */
  message(field: number, write: () => void): void {
    this.tag(field, WIRE.bytes);
    this.#reserve(1);
    const start = this.#length++;
    write();
    const length = this.#length - start - 1;
    const extra = varintBytes(length) - 1;
    if (extra > 0) {
      this.#reserve(extra);
      this.#bytes.copyWithin(start + 1 + extra, start + 1, this.#length);
    }
    const end = this.#length + extra;
    this.#length = start;
    this.varint(length);
    this.#length = end;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    if (needed > MAX_MESSAGE_BYTES) {
      throw new IngotError("limit.size", "an ONNX file of more than 2 GB", {
        hint: "keep the weights in a file of their own (external data)",
      });
    }
    const grown = new Uint8Array(Math.min(Math.max(needed, this.#bytes.length * 2), MAX_MESSAGE_BYTES));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

function varintBytes(value: number): number {
  let count = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) count++;
  return count;
}

function clampInt64(value: number): bigint {
  if (value >= 2 ** 63) return 2n ** 63n - 1n;
  if (value <= -(2 ** 63)) return -(2n ** 63n);
  return BigInt(value);
}
