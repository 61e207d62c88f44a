import { IngotError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";

/** A stretch of a file that is read as one row: a line, an element of a JSON array, a paragraph. */
export interface RawRow {
  /** Fresh; absent where the row is longer than is read. */
  readonly bytes: Uint8Array | undefined;
  /** Line of its first byte, from 1. */
  readonly line: number;
}

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** Collects the pieces of one row and drops them once they exceed the limit of a row. */
export class RowBytes {
  private pieces: Uint8Array[] = [];
  private length = 0;
  private tooLong = false;

  get isEmpty(): boolean {
    return this.length === 0;
  }

  /** Copies, so that the chunk may be reused. */
  add(piece: Uint8Array): void {
    this.length += piece.length;
    if (this.length > LIMITS.lineBytes) {
      this.tooLong = true;
      this.pieces = [];
    }
    if (!this.tooLong && piece.length > 0) this.pieces.push(piece.slice());
  }

  /** What was collected, and starts anew; undefined where it was too long. */
  take(): Uint8Array | undefined {
    const bytes = this.tooLong ? undefined : new Uint8Array(Buffer.concat(this.pieces));
    this.pieces = [];
    this.length = 0;
    this.tooLong = false;
    return bytes;
  }
}

/**
 * The lines of a text, without their ends (LF or CRLF) and without a byte order mark; the last one needs no end. A line of
 * more than 16 MiB comes without its bytes. With `oneBlank` a run of empty lines counts as one (their numbers stay), so
 * that a file of nothing else is read fast. Memory: one line.
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  { oneBlank = false }: { readonly oneBlank?: boolean } = {},
): AsyncGenerator<RawRow> {
  const row = new RowBytes();
  let line = 1;
  let afterBlank = false;
  for await (const chunk of withoutMark(chunks)) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      const blank = end === from && row.isEmpty;
      if (!(blank && afterBlank)) {
        row.add(chunk.subarray(from, end));
        yield { bytes: withoutReturn(row.take()), line };
      }
      afterBlank = blank && oneBlank;
      line += 1;
      from = end + 1;
    }
    row.add(chunk.subarray(from));
  }
  if (!row.isEmpty) yield { bytes: withoutReturn(row.take()), line };
}

function withoutReturn(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes?.at(-1) === RETURN ? bytes.subarray(0, -1) : bytes;
}

/** Drops a UTF-8 byte order mark at the start of a stream, however the stream is cut in chunks. */
export async function* withoutMark(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let head: Uint8Array | undefined = new Uint8Array();
  for await (const chunk of chunks) {
    if (head === undefined) {
      yield chunk;
      continue;
    }
    head = new Uint8Array(Buffer.concat([head, chunk]));
    if (head.length < 3) continue;
    yield hasMark(head) ? head.subarray(3) : head;
    head = undefined;
  }
  if (head !== undefined && head.length > 0) yield head;
}

function hasMark(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

/** True for a row of spaces and tabs only. */
export function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === RETURN || byte === NEWLINE);
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Text of a row. Throws a `RowFault` for bytes that are no UTF-8 and for NUL. */
export function decodeRow(bytes: Uint8Array): string {
  let text: string;
  try {
    text = UTF8.decode(bytes);
  } catch {
    throw new RowFault("bytes that are no UTF-8");
  }
  if (text.includes("\0")) throw new RowFault("a NUL byte, so it is no text");
  return text;
}

/** Why one row cannot be read; `readExamples` adds file and line. */
export class RowFault extends Error {
  override readonly name = "RowFault";
}

/** The error of a bad row: `input.row` with FILE:LINE. */
export function rowError(
  file: string,
  line: number,
  what: string,
  column?: number,
  cause?: unknown,
): IngotError {
  const where = column === undefined ? `${file}:${line}` : `${file}:${line}:${column}`;
  return new IngotError("input.row", `'${where}' ${what}`, {
    hint: "mend the row, or leave bad rows out with --skip-bad",
    data: column === undefined ? { where, file, line } : { where, file, line, column },
    cause,
  });
}
