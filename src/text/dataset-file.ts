import { IngotError } from "../base/errors.ts";
import { type JsonObject, parseJson } from "../base/json.ts";
import { LIMITS } from "../base/limits.ts";
import { type ByteSource, bytesSource } from "../base/ports.ts";
import { type Container, openContainer } from "./container.ts";
import { readDelimited } from "./delimited.ts";
import { type Example, exampleId } from "./example.ts";
import { isObject, type RowFormat } from "./formats/row-format.ts";
import { detectRowFormat, formatNamed, readingsOf, TENSORS_FORMAT } from "./formats.ts";
import { readJsonElements } from "./json-elements.ts";
import { readParagraphs } from "./paragraphs.ts";
import { isBlank, type RawRow, RowFault, readLines, rowError } from "./rows.ts";
import { collectBytes } from "./source-stream.ts";
import { readTensorExamples } from "./tensor-rows.ts";

/** Names of the user's columns for the fields of a format (`--prompt-col QUESTION`). */
export type ColumnNames = Readonly<Record<string, string>>;

export interface ReadOptions {
  /** Name of a format, where the user says it. */
  readonly as?: string;
  readonly columns?: ColumnNames;
  /** Leaves rows out that cannot be read, instead of stopping at the first. */
  readonly skipBad?: boolean;
  /** Told of every row left out. */
  readonly onSkip?: (error: IngotError) => void;
}

/** Bytes of a packed tensor file that are unpacked into memory. */
const UNPACKED_TENSORS_BYTES = 1024 * 1024 * 1024;

/** A row as an object, or why it is none. */
type Row = { readonly line: number } & ({ readonly object: JsonObject } | { readonly error: IngotError });

/**
 * The examples of a dataset file, streamed in the order of the file: memory is bounded by one row, whatever the size. The
 * format is the one of the first row (or `as`) and holds for the whole file. Throws `input.format` for a file of no known or
 * of more than one reading, `input.row` with FILE:LINE for a bad row.
 */
export async function* readExamples(
  source: ByteSource,
  name: string,
  options: ReadOptions = {},
): AsyncGenerator<Example> {
  const container = await open(source, name, options);
  let count = 0;
  for await (const example of containerExamples(source, container, name, options)) {
    count += 1;
    yield example;
  }
  if (count === 0) throw new IngotError("input.format", `'${name}' holds no rows`, { data: { where: name } });
}

function open(source: ByteSource, name: string, options: ReadOptions): Promise<Container> {
  return openContainer(source, name, {
    paragraphs: options.as === "text",
    delimited: Object.keys(options.columns ?? {}).length > 0,
  });
}

async function* containerExamples(
  source: ByteSource,
  container: Container,
  name: string,
  options: ReadOptions,
): AsyncGenerator<Example> {
  if (container.kind === "safetensors") {
    if (options.as !== undefined && options.as !== TENSORS_FORMAT) formatMismatch(name, options.as);
    if (!container.packed) yield* readTensorExamples(source, name);
    else {
      const bytes = await collectBytes(container.chunks, UNPACKED_TENSORS_BYTES, name);
      yield* readTensorExamples(bytesSource(bytes), name);
    }
    return;
  }
  if (options.as === TENSORS_FORMAT) formatMismatch(name, TENSORS_FORMAT);
  yield* rowExamples(containerRows(container, name), container, name, options);
}

function formatMismatch(name: string, as: string): never {
  throw new IngotError("input.format", `'${name}' cannot be read as '${as}'`, {
    hint: `leave --as ${as} out`,
    data: { where: name },
  });
}

async function* rowExamples(
  rows: AsyncIterable<Row>,
  container: Container,
  name: string,
  options: ReadOptions,
): AsyncGenerator<Example> {
  let format: RowFormat | undefined = options.as === undefined ? undefined : formatNamed(options.as);
  for await (const row of rows) {
    try {
      if ("error" in row) throw row.error;
      const renamed = rename(row.object, options.columns ?? {});
      const object = isTable(container) ? withNumbers(renamed) : renamed;
      if (format === undefined) {
        format = detectRowFormat(object, `${name}:${row.line}`);
        refuseCells(format, container, name);
      } else if (options.as === undefined && !readingsOf(object).includes(format)) {
        throw new RowFault(otherFormat(object, format));
      }
      const fields = format.parse(object);
      yield { id: exampleId(fields), format: format.name, fields, line: row.line };
    } catch (error) {
      const bad = asRowError(error, name, row.line);
      if (options.skipBad !== true || bad.code !== "input.row") throw bad;
      options.onSkip?.(bad);
    }
  }
}

function isTable(container: Container): boolean {
  return container.kind === "csv" || container.kind === "tsv";
}

/** Cells of a table hold text and numbers only. */
function refuseCells(format: RowFormat, container: Container, name: string): void {
  if (isTable(container) && format.columns.length === 0) {
    throw new IngotError("input.format", `'${name}' holds '${format.name}' rows, which do not fit in cells`, {
      hint: "write them as JSONL",
      data: { where: name },
    });
  }
}

function otherFormat(row: JsonObject, format: RowFormat): string {
  const missing = format.keys.filter((key) => !Object.hasOwn(row, key) || row[key] === null);
  const others = readingsOf(row).map((other) => `'${other.name}'`);
  const is =
    others.length === 0 ? "" : ` (it reads as ${others.join(", ")}, the rows before it as '${format.name}')`;
  return missing.length > 0 ? `no '${missing.join("' and no '")}'${is}` : `a row of another format${is}`;
}

function asRowError(error: unknown, name: string, line: number): IngotError {
  if (error instanceof RowFault) return rowError(name, line, `holds ${error.message}`);
  if (!(error instanceof IngotError)) throw error;
  const { code, message } = error;
  // The limits are those of an example's record here: it is one row that is too large, not the file.
  const isRow = code === "limit.size" || code === "limit.depth";
  return isRow ? rowError(name, line, `holds ${message}`, undefined, error) : error;
}

/** The row under the names of the formats, holding the named columns only. */
function rename(row: JsonObject, columns: ColumnNames): JsonObject {
  const named = Object.entries(columns);
  if (named.length === 0) return row;
  const renamed: Record<string, JsonObject[string]> = Object.create(null);
  for (const [field, column] of named) {
    if (!Object.hasOwn(row, column)) throw new RowFault(`no column '${column}'`);
    renamed[field] = row[column] as JsonObject[string];
  }
  return renamed;
}

function containerRows(container: Container, name: string): AsyncIterable<Row> {
  const readers: Readonly<Record<Exclude<Container["kind"], "safetensors">, () => AsyncIterable<Row>>> = {
    jsonl: () => jsonRows(readLines(container.chunks, { oneBlank: true }), name, true),
    "json-list": () => jsonRows(readJsonElements(container.chunks, name), name, false),
    csv: () => cellRows(container.chunks, name, ","),
    tsv: () => cellRows(container.chunks, name, "\t"),
    paragraphs: () => paragraphRows(container.chunks, name),
  };
  return readers[container.kind as keyof typeof readers]();
}

async function* jsonRows(
  rows: AsyncIterable<RawRow>,
  name: string,
  wholeLines: boolean,
): AsyncGenerator<Row> {
  for await (const { bytes, line } of rows) {
    if (bytes === undefined) {
      yield { line, error: rowError(name, line, `is longer than the ${LIMITS.lineBytes} bytes of a row`) };
    } else if (!isBlank(bytes)) yield jsonRow(bytes, line, name, wholeLines);
  }
}

function jsonRow(bytes: Uint8Array, line: number, name: string, wholeLine: boolean): Row {
  try {
    const object = parseJson(bytes, { maxBytes: LIMITS.lineBytes, firstLine: line });
    if (!isObject(object)) return { line, error: rowError(name, line, "is no JSON object") };
    return { line, object };
  } catch (error) {
    if (!(error instanceof IngotError)) throw error;
    const at = typeof error.data.line === "number" ? error.data.line : line;
    // An element of a list may start within a line: there its column is unknown.
    const column =
      typeof error.data.column === "number" && (wholeLine || at > line) ? error.data.column : undefined;
    return { line, error: rowError(name, at, error.message.replace(/^JSON /, ""), column, error) };
  }
}

async function* cellRows(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  delimiter: "," | "\t",
): AsyncGenerator<Row> {
  for await (const { cells, fault, line } of readDelimited(chunks, name, delimiter)) {
    if (cells === undefined) yield { line, error: rowError(name, line, fault ?? "is no record") };
    else yield { line, object: cells };
  }
}

/** A cell is text; only a label that is written as a whole number is one, as it would be in JSON. */
function withNumbers(cells: JsonObject): JsonObject {
  const label = Object.hasOwn(cells, "label") ? cells.label : undefined;
  if (typeof label !== "string" || !/^(0|-?[1-9][0-9]{0,14})$/.test(label)) return cells;
  return Object.assign(Object.create(null), cells, { label: Number(label) });
}

async function* paragraphRows(chunks: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Row> {
  for await (const { text, fault, line } of readParagraphs(readLines(chunks, { oneBlank: true }))) {
    if (text === undefined) yield { line, error: rowError(name, line, `holds ${fault}`) };
    else yield { line, object: Object.assign(Object.create(null), { text }) };
  }
}
