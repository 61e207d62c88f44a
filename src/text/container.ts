import { IngotError } from "../base/errors.ts";
import type { ByteSource } from "../base/ports.ts";
import { isGzip, streamGunzip, streamSource } from "./source-stream.ts";

/** How a dataset file holds its rows. */
export type ContainerKind = "jsonl" | "json-list" | "csv" | "tsv" | "paragraphs" | "safetensors";

export interface Container {
  readonly kind: ContainerKind;
  /** The unpacked bytes, from the start; can be read once. */
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly packed: boolean;
}

const BY_EXTENSION: ReadonlyMap<string, ContainerKind | "json"> = new Map([
  [".jsonl", "jsonl"],
  [".ndjson", "jsonl"],
  [".json", "json"],
  [".csv", "csv"],
  [".tsv", "tsv"],
  [".txt", "paragraphs"],
  [".text", "paragraphs"],
  [".md", "paragraphs"],
  [".safetensors", "safetensors"],
]);

const CONVERT = "convert it to JSONL: one JSON object a line";

/** Files that look like data and are not read: first bytes, what they are, what to do. */
const REFUSED: readonly {
  readonly magic: readonly number[];
  readonly what: string;
  readonly hint: string;
}[] = [
  { magic: [0x50, 0x41, 0x52, 0x31], what: "a Parquet file, which is not read yet", hint: CONVERT },
  { magic: [0x50, 0x4b, 0x03, 0x04], what: "a zip archive", hint: "unpack it and add the files" },
  { magic: [0x37, 0x7a, 0xbc, 0xaf], what: "a 7z archive", hint: "unpack it and add the files" },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], what: "a zstd file", hint: "unpack it with zstd -d" },
  { magic: [0x42, 0x5a, 0x68], what: "a bzip2 file", hint: "unpack it with bunzip2" },
  { magic: [0xfd, 0x37, 0x7a, 0x58], what: "an xz file", hint: "unpack it with unxz" },
  { magic: [0x47, 0x47, 0x55, 0x46], what: "a GGUF model", hint: "a dataset is rows, not a model" },
  { magic: [0x7f, 0x45, 0x4c, 0x46], what: "a program", hint: CONVERT },
  { magic: [0x41, 0x52, 0x52, 0x4f, 0x57], what: "an Arrow file", hint: CONVERT },
  { magic: [0xff, 0xfe], what: "UTF-16 text", hint: "convert it to UTF-8 with iconv" },
  { magic: [0xfe, 0xff], what: "UTF-16 text", hint: "convert it to UTF-8 with iconv" },
];

/** Pickle from protocol 2: it would have to be run to be read. */
function isPickle(head: Uint8Array): boolean {
  return head[0] === 0x80 && head[1] !== undefined && head[1] >= 2 && head[1] <= 5;
}

/**
 * Opens a dataset file: unpacks gzip, and says by its name and first bytes how it holds its rows. Throws `input.format`
 * for what is empty, packed otherwise, or no data.
 */
export async function openContainer(source: ByteSource, name: string, wanted: Wanted): Promise<Container> {
  const start = await source.read(0, Math.min(8, source.sizeBytes));
  const packed = isGzip(start);
  const stream = packed ? streamGunzip(source, name) : streamSource(source);
  const { head, chunks } = await peek(stream);
  try {
    return { kind: checkedKind(head, name, wanted), chunks, packed };
  } catch (error) {
    await stream.return(undefined);
    throw error;
  }
}

interface Wanted {
  /** Text of no known kind is read as paragraphs. */
  readonly paragraphs: boolean;
  /** Text of no known kind is read as CSV. */
  readonly delimited: boolean;
}

function checkedKind(head: Uint8Array, name: string, wanted: Wanted): ContainerKind {
  if (head.length === 0)
    throw new IngotError("input.format", `'${name}' is empty`, {
      hint: "give a file with at least one example",
      data: { where: name },
    });
  const kind = kindOf(head, name.toLowerCase().replace(/\.gz$/, ""), wanted);
  if (kind !== "safetensors") refuseOther(head, name);
  if (kind !== undefined) return kind;
  throw new IngotError("input.format", `'${name}' is of no known kind`, {
    hint: "known are .jsonl, .json, .csv, .tsv, .txt, .md and .safetensors, each also as .gz",
    data: { where: name },
  });
}

function kindOf(head: Uint8Array, name: string, wanted: Wanted): ContainerKind | undefined {
  const extension = /\.[a-z0-9]+$/.exec(name)?.[0] ?? "";
  const known = BY_EXTENSION.get(extension);
  if (known !== undefined && known !== "json") return known;
  const first = new TextDecoder().decode(head.subarray(0, 4096)).trimStart()[0];
  if (first === "[") return "json-list";
  if (first === "{" || known === "json") return "jsonl";
  if (wanted.delimited) return "csv";
  return wanted.paragraphs ? "paragraphs" : undefined;
}

function refuseOther(head: Uint8Array, name: string): void {
  const refused = REFUSED.find(({ magic }) => magic.every((byte, i) => head[i] === byte));
  if (refused !== undefined) {
    throw new IngotError("input.format", `'${name}' is ${refused.what}`, {
      hint: refused.hint,
      data: { where: name },
    });
  }
  if (isPickle(head)) {
    throw new IngotError("input.format", `'${name}' is a Python pickle, which is never loaded`, {
      hint: "save the data as JSONL or .safetensors from Python",
      data: { where: name },
    });
  }
}

/** The first bytes of a stream, and the whole stream again. */
async function peek(
  stream: AsyncGenerator<Uint8Array>,
): Promise<{ head: Uint8Array; chunks: AsyncIterable<Uint8Array> }> {
  let head: Uint8Array = new Uint8Array();
  for (let next = await stream.next(); ; next = await stream.next()) {
    if (next.done === true) break;
    if (next.value.length === 0) continue;
    head = next.value;
    break;
  }
  async function* again(): AsyncGenerator<Uint8Array> {
    try {
      if (head.length > 0) yield head;
      yield* stream;
    } finally {
      // Also where the reader stops at the head: an inflater must not stay open.
      await stream.return(undefined);
    }
  }
  return { head, chunks: again() };
}
