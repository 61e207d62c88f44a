import { IngotError } from "./errors.ts";
import { LIMITS } from "./limits.ts";

const INITIAL_BYTES = 1024;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Growing output; grows by doubling, never past the limit of a record. */
class Output {
  /** Keys and positions down to the value being written, for messages. */
  readonly path: (string | number)[] = [];
  private bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  private length = 0;

  byte(value: number): void {
    const at = this.claim(1);
    this.bytes[at] = value;
  }

  /** A head byte and a big-endian whole number of `size` bytes. */
  head(byte: number, value: number, size: 1 | 2 | 4): void {
    const at = this.claim(1 + size);
    this.bytes[at] = byte;
    this.bytes.writeUIntBE(value, at + 1, size);
  }

  /** A head byte and a 64-bit whole number; a negative one as two's complement. */
  head64(byte: number, value: number): void {
    const at = this.claim(9);
    this.bytes[at] = byte;
    this.bytes.writeBigUInt64BE(BigInt.asUintN(64, BigInt(value)), at + 1);
  }

  float64(value: number): void {
    const at = this.claim(9);
    this.bytes[at] = 0xcb;
    this.bytes.writeDoubleBE(value, at + 1);
  }

  text(text: string, lengthBytes: number): void {
    const at = this.claim(lengthBytes);
    this.bytes.write(text, at, lengthBytes, "utf8");
  }

  binary(bytes: Uint8Array): void {
    const at = this.claim(bytes.length);
    this.bytes.set(bytes, at);
  }

  /** What was written, as a fresh array of exactly that length. */
  take(): Uint8Array {
    return new Uint8Array(this.bytes.subarray(0, this.length));
  }

  private claim(count: number): number {
    const start = this.length;
    const end = start + count;
    if (end > LIMITS.recordBytes) {
      throw new IngotError("limit.size", `a record of more than ${LIMITS.recordBytes} bytes`, {
        hint: "keep long columns in blobs",
      });
    }
    if (end > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(
        Math.min(LIMITS.recordBytes, Math.max(end, this.bytes.length * 2)),
      );
      this.bytes.copy(grown, 0, 0, start);
      this.bytes = grown;
    }
    this.length = end;
    return start;
  }
}

/**
 * Encodes a value canonically; a fresh array. A key whose value is `undefined` is absent. Throws `input.format` (with the
 * place in `where`) for null, NaN, infinity, -0, lone surrogates and values of other types, `limit.size` and `limit.depth`
 * beyond the limits of a record.
 */
export function encodeCanonical(value: unknown): Uint8Array {
  const output = new Output();
  write(output, value, 0);
  return output.take();
}

/** Order of the UTF-8 bytes of two texts, which is that of their code points: the order of keys, tree paths and refs. */
export function compareText(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return utf8Rank(x) - utf8Rank(y);
  }
  return a.length - b.length;
}

/** UTF-16 puts surrogate pairs before U+E000..U+FFFF, UTF-8 after them. */
function utf8Rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

function write(output: Output, value: unknown, depth: number): void {
  if (typeof value === "string") writeText(output, value);
  else if (typeof value === "number") writeNumber(output, value);
  else if (typeof value === "boolean") output.byte(value ? 0xc3 : 0xc2);
  else if (value instanceof Uint8Array) writeBinary(output, value);
  else if (Array.isArray(value)) writeList(output, value, depth + 1);
  else if (isPlainObject(value)) writeMap(output, value, depth + 1);
  else throw unfit(output, value === null ? "null" : `a value of type ${describe(value)}`);
}

function describe(value: unknown): string {
  return typeof value === "object" && value !== null ? (value.constructor?.name ?? "object") : typeof value;
}

function unfit(output: Output, what: string): IngotError {
  return new IngotError("input.format", `${what} cannot stand in a record`, {
    data: { where: place(output) },
  });
}

function place(output: Output): string {
  return output.path.length === 0 ? "the value itself" : output.path.join(".").slice(0, 200);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function writeNumber(output: Output, value: number): void {
  if (Object.is(value, -0)) throw unfit(output, "-0");
  if (!Number.isFinite(value)) throw unfit(output, String(value));
  if (Number.isSafeInteger(value)) writeWhole(output, value);
  else output.float64(value);
}

function writeWhole(output: Output, value: number): void {
  if (value >= 0) {
    if (value < 0x80) output.byte(value);
    else if (value < 0x100) output.head(0xcc, value, 1);
    else if (value < 0x1_0000) output.head(0xcd, value, 2);
    else if (value < 0x1_0000_0000) output.head(0xce, value, 4);
    else output.head64(0xcf, value);
  } else if (value >= -0x20) output.byte(value & 0xff);
  else if (value >= -0x80) output.head(0xd0, value & 0xff, 1);
  else if (value >= -0x8000) output.head(0xd1, value & 0xffff, 2);
  else if (value >= -0x8000_0000) output.head(0xd2, value >>> 0, 4);
  else output.head64(0xd3, value);
}

function writeText(output: Output, text: string): void {
  if (LONE_SURROGATE.test(text)) throw unfit(output, "text with a lone surrogate");
  const length = Buffer.byteLength(text);
  if (length < 0x20) output.byte(0xa0 | length);
  else if (length < 0x100) output.head(0xd9, length, 1);
  else if (length < 0x1_0000) output.head(0xda, length, 2);
  else output.head(0xdb, length, 4);
  output.text(text, length);
}

function writeBinary(output: Output, bytes: Uint8Array): void {
  if (bytes.length < 0x100) output.head(0xc4, bytes.length, 1);
  else if (bytes.length < 0x1_0000) output.head(0xc5, bytes.length, 2);
  else output.head(0xc6, bytes.length, 4);
  output.binary(bytes);
}

function writeCount(output: Output, count: number, fix: number, long: number): void {
  if (count < 16) output.byte(fix | count);
  else if (count < 0x1_0000) output.head(long, count, 2);
  else output.head(long + 1, count, 4);
}

function checkDepth(output: Output, depth: number): void {
  if (depth > LIMITS.recordNesting) {
    throw new IngotError("limit.depth", `a value nested more than ${LIMITS.recordNesting} deep`, {
      data: { where: place(output) },
    });
  }
}

function writeList(output: Output, list: readonly unknown[], depth: number): void {
  checkDepth(output, depth);
  writeCount(output, list.length, 0x90, 0xdc);
  for (let i = 0; i < list.length; i++) {
    output.path.push(i);
    write(output, list[i], depth);
    output.path.pop();
  }
}

function writeMap(output: Output, map: Record<string, unknown>, depth: number): void {
  checkDepth(output, depth);
  const keys = Object.keys(map).filter((key) => map[key] !== undefined);
  keys.sort(compareText);
  writeCount(output, keys.length, 0x80, 0xde);
  for (const key of keys) {
    output.path.push(key);
    writeText(output, key);
    write(output, map[key], depth);
    output.path.pop();
  }
}
