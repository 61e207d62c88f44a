import { IngotError } from "./errors.ts";
import { LIMITS } from "./limits.ts";

/** What JSON can say. Objects have no prototype, so a key such as `__proto__` is only data. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

export interface JsonLimits {
  readonly maxBytes?: number;
  /** Objects and lists within each other. */
  readonly maxNesting?: number;
  /** Refuses numbers written with a fraction or an exponent (offsets and sizes). */
  readonly wholeNumbers?: boolean;
  /** What is read, for messages: a file, `data.jsonl:12`. */
  readonly name?: string;
  /** Number of the first line, where the text is a line of a file; 1 by default. */
  readonly firstLine?: number;
  /** Bytes before the text, where it is a part of a file. */
  readonly firstByte?: number;
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const LONE_SURROGATE = /\p{Surrogate}/u;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};
const WORDS: readonly (readonly [string, Json])[] = [
  ["true", true],
  ["false", false],
  ["null", null],
];

/**
 * Reads exactly one JSON value (RFC 8259) from bytes that others wrote. Throws `input.json`, with line, column and byte,
 * for what is no JSON, and beyond the standard for a byte order mark, bad UTF-8, lone surrogates, repeated keys, whole
 * numbers that a double cannot hold exactly and numbers beyond its range; `limit.size` and `limit.depth` beyond the limits.
 * -0 is read as 0.
 */
export function parseJson(bytes: Uint8Array, limits: JsonLimits = {}): Json {
  const maxBytes = limits.maxBytes ?? LIMITS.jsonBytes;
  if (bytes.length > maxBytes) {
    throw new IngotError(
      "limit.size",
      `${subject(limits)} of ${bytes.length} bytes, at most ${maxBytes} are read`,
      {
        data: limits.name === undefined ? {} : { where: limits.name },
      },
    );
  }
  return new Reader(decodeUtf8(bytes, limits), limits).document();
}

function subject(limits: JsonLimits): string {
  return limits.name === undefined ? "JSON" : `'${limits.name}': JSON`;
}

function decodeUtf8(bytes: Uint8Array, limits: JsonLimits): string {
  let text: string;
  try {
    text = UTF8.decode(bytes);
  } catch {
    const byte = firstBadByte(bytes);
    const before = new TextDecoder().decode(bytes.subarray(0, byte));
    throw fault("bytes that are no UTF-8", before, before.length, limits);
  }
  if (text.startsWith("\ufeff")) throw fault("a byte order mark", text, 0, limits);
  return text;
}

/** Position of the first byte that is no UTF-8: the longest prefix that decodes, found by halving. */
function firstBadByte(bytes: Uint8Array): number {
  let good = 0;
  let bad = bytes.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    try {
      UTF8.decode(bytes.subarray(0, middle), { stream: true });
      good = middle;
    } catch {
      bad = middle;
    } finally {
      try {
        UTF8.decode();
      } catch {
        // An unfinished sequence at the cut: the call only resets the decoder.
      }
    }
  }
  return good;
}

function fault(what: string, text: string, at: number, limits: JsonLimits): IngotError {
  const before = text.slice(0, at);
  const newlines = before.split("\n");
  const line = (limits.firstLine ?? 1) + newlines.length - 1;
  const column = [...(newlines.at(-1) as string)].length + 1;
  const byte = (limits.firstByte ?? 0) + Buffer.byteLength(before);
  return new IngotError("input.json", `${subject(limits)} holds ${what}`, {
    data: {
      where: `${limits.name === undefined ? "" : `${limits.name}, `}line ${line}, column ${column}, byte ${byte}`,
      line,
      column,
      byte,
    },
  });
}

class Reader {
  private readonly text: string;
  private readonly limits: JsonLimits;
  private readonly maxNesting: number;
  private at = 0;

  constructor(text: string, limits: JsonLimits) {
    this.text = text;
    this.limits = limits;
    this.maxNesting = limits.maxNesting ?? LIMITS.jsonNesting;
  }

  document(): Json {
    this.space();
    const value = this.value(0);
    this.space();
    if (this.at < this.text.length) throw this.fault("something after its end");
    return value;
  }

  private fault(what: string, at = this.at): IngotError {
    return fault(what, this.text, at, this.limits);
  }

  private space(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.at += 1;
    }
  }

  private value(depth: number): Json {
    const first = this.text[this.at];
    if (first === '"') return this.string();
    if (first === "{") return this.object(depth + 1);
    if (first === "[") return this.list(depth + 1);
    for (const [word, value] of WORDS) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    return this.number();
  }

  private number(): number {
    NUMBER.lastIndex = this.at;
    const match = NUMBER.exec(this.text);
    if (match === null) {
      throw this.fault(
        this.at >= this.text.length ? "no value where one must stand" : "something that is no value",
      );
    }
    const [token, fraction, exponent] = match;
    const value = Number(token);
    if (!Number.isFinite(value)) throw this.fault(`the number ${token.slice(0, 40)}, which no double holds`);
    if (fraction === undefined && exponent === undefined) {
      if (!Number.isSafeInteger(value)) {
        throw this.fault(`the whole number ${token.slice(0, 40)}, which no double holds exactly`);
      }
    } else if (this.limits.wholeNumbers === true) {
      throw this.fault(`the number ${token.slice(0, 40)} where a whole one must stand`);
    }
    this.at += token.length;
    return value === 0 ? 0 : value;
  }

  private string(): string {
    const start = this.at;
    this.at += 1;
    let result = "";
    let from = this.at;
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (Number.isNaN(code)) throw this.fault("a text without its end", start);
      if (code === 0x22) break;
      if (code < 0x20) throw this.fault("a control character within a text");
      if (code !== 0x5c) {
        this.at += 1;
        continue;
      }
      result += this.text.slice(from, this.at) + this.escape();
      from = this.at;
    }
    result += this.text.slice(from, this.at);
    this.at += 1;
    if (LONE_SURROGATE.test(result)) throw this.fault("a lone surrogate", start);
    return result;
  }

  private escape(): string {
    const letter = this.text[this.at + 1] ?? "";
    if (letter === "u") {
      const digits = this.text.slice(this.at + 2, this.at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.fault("an escape without four digits");
      this.at += 6;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const character = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
    if (character === undefined) throw this.fault("an unknown escape");
    this.at += 2;
    return character;
  }

  private enter(depth: number): void {
    if (depth > this.maxNesting) {
      throw new IngotError(
        "limit.depth",
        `${subject(this.limits)} is nested more than ${this.maxNesting} deep`,
        {
          data: this.fault("").data,
        },
      );
    }
    this.at += 1;
    this.space();
  }

  private list(depth: number): Json[] {
    this.enter(depth);
    const list: Json[] = [];
    if (this.takes("]")) return list;
    for (;;) {
      list.push(this.value(depth));
      this.space();
      if (this.takes("]")) return list;
      if (!this.takes(",")) throw this.fault("a list without ',' or ']'");
      this.space();
    }
  }

  private object(depth: number): JsonObject {
    this.enter(depth);
    const object: Record<string, Json> = Object.create(null);
    if (this.takes("}")) return object;
    for (;;) {
      const keyAt = this.at;
      if (this.text[this.at] !== '"') throw this.fault("an object without a key in quotes");
      const key = this.string();
      if (Object.hasOwn(object, key)) throw this.fault(`the key '${key.slice(0, 80)}' twice`, keyAt);
      this.space();
      if (!this.takes(":")) throw this.fault("a key without ':'");
      this.space();
      object[key] = this.value(depth);
      this.space();
      if (this.takes("}")) return object;
      if (!this.takes(",")) throw this.fault("an object without ',' or '}'");
      this.space();
    }
  }

  private takes(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at += 1;
    return true;
  }
}
