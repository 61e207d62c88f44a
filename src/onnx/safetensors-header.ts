import { IngotError } from "../base/errors.ts";

/** What the header says of one tensor, unchecked but for its form. */
export interface HeaderEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly offsets: readonly [from: number, to: number];
}

const MAX_RANK = 64;
const METADATA_KEY = "__metadata__";

/**
 * Reads the JSON of a safetensors header: one flat form, so one scanner instead of a JSON parser, which would let repeated names, numbers
 * beyond 2^53 and deep nesting pass. Throws `input.safetensors` with the byte, `limit.size` for more than `maxTensors` tensors.
 */
export function scanHeader(
  bytes: Uint8Array,
  startByte: number,
  maxTensors: number,
): { entries: Map<string, HeaderEntry>; metadata: Map<string, string> } {
  const scan = new Scanner(bytes, startByte);
  const entries = new Map<string, HeaderEntry>();
  const metadata = new Map<string, string>();
  let hasMetadata = false;
  if (bytes[0] !== 0x7b) scan.fail("the header does not begin with '{'");
  scan.object((name) => {
    if (name === METADATA_KEY) {
      if (hasMetadata) scan.fail(`'${METADATA_KEY}' stands twice`);
      hasMetadata = true;
      scan.object((key) => {
        if (metadata.has(key)) scan.fail(`the metadata key '${key.slice(0, 100)}' stands twice`);
        metadata.set(key, scan.text());
      });
      return;
    }
    if (entries.has(name)) scan.fail(`the tensor '${name.slice(0, 100)}' stands twice`);
    if (entries.size >= maxTensors) {
      throw new IngotError("limit.size", `a safetensors file of more than ${maxTensors} tensors`, {
        hint: "split the file",
        data: { where: scan.where() },
      });
    }
    entries.set(name, readEntry(scan, name));
  });
  scan.end();
  return { entries, metadata };
}

function readEntry(scan: Scanner, name: string): HeaderEntry {
  let dtype: string | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  scan.object((key) => {
    if (key === "dtype" && dtype === undefined) dtype = scan.text();
    else if (key === "shape" && shape === undefined) shape = scan.integers(MAX_RANK);
    else if (key === "data_offsets" && offsets === undefined) offsets = scan.integers(2);
    else scan.fail(`the tensor '${name.slice(0, 100)}' has a key '${key.slice(0, 40)}' too many`);
  });
  const [from, to] = offsets ?? [];
  if (dtype === undefined || shape === undefined || from === undefined || to === undefined) {
    return scan.fail(`the tensor '${name.slice(0, 100)}' lacks dtype, shape or data_offsets`);
  }
  return { dtype, shape, offsets: [from, to] };
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Reads the few forms of JSON that a header may hold, byte by byte. */
class Scanner {
  readonly #bytes: Uint8Array;
  readonly #startByte: number;
  #at = 0;

  constructor(bytes: Uint8Array, startByte: number) {
    this.#bytes = bytes;
    this.#startByte = startByte;
  }

  where(): string {
    return `byte ${this.#startByte + this.#at}`;
  }

  fail(what: string): never {
    throw new IngotError("input.safetensors", `not a valid safetensors file: ${what}`, {
      hint: "write the file again with a safetensors library",
      data: { where: this.where() },
    });
  }

  /** An object; `read` is called after each key and its colon and reads the value. */
  object(read: (key: string) => void): void {
    this.#expect("{");
    if (this.#take("}")) return;
    do {
      const key = this.text();
      this.#expect(":");
      read(key);
    } while (this.#take(","));
    this.#expect("}");
  }

  /** An array of at most `most` whole numbers from 0 to 2^53 - 1. */
  integers(most: number): number[] {
    const numbers: number[] = [];
    this.#expect("[");
    if (this.#take("]")) return numbers;
    do {
      if (numbers.length >= most) this.fail(`a list of more than ${most} numbers`);
      numbers.push(this.#integer());
    } while (this.#take(","));
    this.#expect("]");
    return numbers;
  }

  text(): string {
    this.#blanks();
    if (this.#bytes[this.#at] !== QUOTE) this.fail("a text was expected");
    const start = this.#at++;
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) this.fail("the header ends inside a text");
      if (byte < 0x20) this.fail("a control character in a text");
      this.#at++;
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) this.#at++;
    }
    const raw = this.#bytes.subarray(start, this.#at);
    try {
      return JSON.parse(utf8.decode(raw)) as string;
    } catch {
      return this.fail("a text that is no JSON in UTF-8");
    }
  }

  /** Nothing but blanks may follow. */
  end(): void {
    this.#blanks();
    if (this.#at < this.#bytes.length) this.fail("bytes after the header's last brace");
  }

  #integer(): number {
    this.#blanks();
    const start = this.#at;
    while (isDigit(this.#bytes[this.#at])) this.#at++;
    const digits = this.#at - start;
    if (digits === 0 || digits > 16 || (digits > 1 && this.#bytes[start] === 0x30))
      this.fail("a whole number was expected");
    if (/[.eE+-]/.test(String.fromCharCode(this.#bytes[this.#at] ?? 0)))
      this.fail("a whole number was expected");
    const value = Number(String.fromCharCode(...this.#bytes.subarray(start, this.#at)));
    if (!Number.isSafeInteger(value)) this.fail("a number above 2^53");
    return value;
  }

  #blanks(): void {
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.#at++;
    }
  }

  #take(character: string): boolean {
    this.#blanks();
    if (this.#bytes[this.#at] !== character.charCodeAt(0)) return false;
    this.#at++;
    return true;
  }

  #expect(character: string): void {
    if (!this.#take(character)) this.fail(`'${character}' was expected`);
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}
