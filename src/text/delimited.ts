import { IngotError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import { decodeRow, isBlank, type RawRow, RowFault, readLines, rowError } from "./rows.ts";

const QUOTE = 0x22;

/** A record of a delimited file: cells by column name. */
export interface DelimitedRow {
  readonly cells: Readonly<Record<string, string>> | undefined;
  /** Why the record cannot be read, where it cannot. */
  readonly fault: string | undefined;
  readonly line: number;
}

/**
 * The records of a CSV (RFC 4180) or TSV text whose first record names the columns. A quoted cell may hold delimiters,
 * line ends (read as LF) and doubled quotes. Memory: one record. Throws `input.format` for a header that is missing or
 * names a column twice.
 */
export async function* readDelimited(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  delimiter: "," | "\t",
): AsyncGenerator<DelimitedRow> {
  let columns: readonly string[] | undefined;
  for await (const record of readRecords(readLines(chunks), name)) {
    if (record.bytes !== undefined && isBlank(record.bytes)) continue;
    if (columns === undefined) {
      columns = readHeader(record, name, delimiter);
      continue;
    }
    yield readRecord(record, columns, delimiter);
  }
  if (columns === undefined) throw badHeader(name, 1, "has no header: its first line names the columns");
}

function badHeader(name: string, line: number, what: string): IngotError {
  return new IngotError("input.format", `'${name}' ${what}`, {
    data: { where: `${name}:${line}`, file: name, line },
  });
}

function readHeader(record: RawRow, name: string, delimiter: string): readonly string[] {
  try {
    const columns = splitCells(decodeBytes(record), delimiter).map((cell) => cell.trim());
    const twice = columns.find((column, i) => columns.indexOf(column) !== i);
    if (twice !== undefined) throw badHeader(name, record.line, `names the column '${twice}' twice`);
    return columns;
  } catch (error) {
    if (error instanceof RowFault) throw rowError(name, record.line, `holds ${error.message}`);
    throw error;
  }
}

function decodeBytes(record: RawRow): string {
  if (record.bytes === undefined) throw new RowFault(`more than ${LIMITS.lineBytes} bytes`);
  return decodeRow(record.bytes);
}

function readRecord(record: RawRow, columns: readonly string[], delimiter: string): DelimitedRow {
  try {
    const cells = splitCells(decodeBytes(record), delimiter);
    if (cells.length !== columns.length) {
      throw new RowFault(`${cells.length} cells where the header has ${columns.length}`);
    }
    const row: Record<string, string> = Object.create(null);
    for (const [i, column] of columns.entries()) row[column] = cells[i] as string;
    return { cells: row, fault: undefined, line: record.line };
  } catch (error) {
    if (!(error instanceof RowFault)) throw error;
    return { cells: undefined, fault: `holds ${error.message}`, line: record.line };
  }
}

/** Joins lines while a quote is open. */
async function* readRecords(lines: AsyncIterable<RawRow>, name: string): AsyncGenerator<RawRow> {
  let open: { pieces: Uint8Array[]; bytes: number; line: number } | undefined;
  for await (const { bytes, line } of lines) {
    if (open === undefined) {
      if (bytes === undefined || !hasOddQuotes(bytes)) yield { bytes, line };
      else open = { pieces: [bytes], bytes: bytes.length, line };
      continue;
    }
    const added: Uint8Array = bytes ?? new Uint8Array();
    open.pieces.push(Uint8Array.of(0x0a), added);
    open.bytes += added.length + 1;
    if (bytes === undefined || open.bytes > LIMITS.lineBytes)
      throw rowError(name, open.line, "opens a quote that is not closed");
    if (hasOddQuotes(added)) {
      yield { bytes: new Uint8Array(Buffer.concat(open.pieces)), line: open.line };
      open = undefined;
    }
  }
  if (open !== undefined) throw rowError(name, open.line, "opens a quote that is not closed");
}

function hasOddQuotes(bytes: Uint8Array): boolean {
  let odd = false;
  for (let at = bytes.indexOf(QUOTE); at >= 0; at = bytes.indexOf(QUOTE, at + 1)) odd = !odd;
  return odd;
}

/** Cells of one record. Throws a `RowFault` for a quote that stands within an unquoted cell or before more text. */
function splitCells(text: string, delimiter: string): string[] {
  const cells: string[] = [];
  let at = 0;
  for (;;) {
    if (text[at] === '"') {
      const [cell, after] = quotedCell(text, at);
      cells.push(cell);
      at = after;
    } else {
      const end = text.indexOf(delimiter, at);
      const cell = text.slice(at, end < 0 ? text.length : end);
      if (cell.includes('"')) throw new RowFault("a quote within a cell that is not quoted");
      cells.push(cell);
      at += cell.length;
    }
    if (at >= text.length) return cells;
    if (text[at] !== delimiter) throw new RowFault("text after the closing quote of a cell");
    at += 1;
  }
}

function quotedCell(text: string, start: number): readonly [cell: string, after: number] {
  let cell = "";
  let from = start + 1;
  for (;;) {
    const end = text.indexOf('"', from);
    if (end < 0) throw new RowFault("a quote that is not closed");
    cell += text.slice(from, end);
    if (text[end + 1] !== '"') return [cell, end + 1];
    cell += '"';
    from = end + 2;
  }
}
