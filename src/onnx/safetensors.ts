import { IngotError } from "../base/errors.ts";
import type { ByteSource } from "../base/ports.ts";
import type { DType, Tensor } from "./model.ts";
import { type HeaderEntry, scanHeader } from "./safetensors-header.ts";
import { bytesInMemory, tensorBytes } from "./tensors.ts";

/** Largest header that is read, as in the reference implementation. */
const MAX_HEADER_BYTES = 100_000_000;
/** Most tensors of one file. */
const MAX_TENSORS = 200_000;

const LENGTH_BYTES = 8;

/** Names of element types in safetensors. */
const TYPES: ReadonlyMap<string, DType> = new Map([
  ["F32", "float32"],
  ["F64", "float64"],
  ["F16", "float16"],
  ["BF16", "bfloat16"],
  ["I8", "int8"],
  ["I16", "int16"],
  ["I32", "int32"],
  ["I64", "int64"],
  ["U8", "uint8"],
  ["U16", "uint16"],
  ["U32", "uint32"],
  ["U64", "uint64"],
  ["BOOL", "bool"],
]);
const NAMES = new Map([...TYPES].map(([name, dtype]) => [dtype, name]));

export interface TensorEntry {
  readonly dtype: DType;
  readonly dims: readonly number[];
  /** Position of the first byte in the file. */
  readonly offset: number;
  readonly length: number;
}

export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: ReadonlyMap<string, string>;
}

function fault(
  what: string,
  where: string,
  code: "input.safetensors" | "limit.size" = "input.safetensors",
): never {
  throw new IngotError(code, `not a valid safetensors file: ${what}`, {
    hint: code === "limit.size" ? "split the file" : "write the file again with a safetensors library",
    data: { where },
  });
}

/**
 * Reads and checks the header of a safetensors file: every name once, known types, shapes that fit their bytes, and bytes that are
 * covered exactly once from the end of the header to the end of the file. Throws `input.safetensors`, and `limit.size` for more than
 * `MAX_TENSORS` tensors.
 */
export async function parseSafetensorsHeader(source: ByteSource): Promise<SafetensorsHeader> {
  if (source.sizeBytes < LENGTH_BYTES)
    fault(`${source.sizeBytes} bytes are shorter than the 8-byte header length`, "byte 0");
  const lengthBytes = await source.read(0, LENGTH_BYTES);
  const length = new DataView(lengthBytes.buffer, lengthBytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES))
    fault(`a header of ${length} bytes, at most ${MAX_HEADER_BYTES} are read`, "byte 0");
  const headerBytes = Number(length);
  if (headerBytes > source.sizeBytes - LENGTH_BYTES) {
    fault(`a header of ${headerBytes} bytes in a file of ${source.sizeBytes}`, "byte 0");
  }
  const { entries, metadata } = scanHeader(
    await source.read(LENGTH_BYTES, headerBytes),
    LENGTH_BYTES,
    MAX_TENSORS,
  );
  const start = LENGTH_BYTES + headerBytes;
  const tensors = new Map(
    [...entries].map(([name, entry]) => [name, tensorEntry(name, entry, start, source.sizeBytes)]),
  );
  checkCoverage(tensors, start, source.sizeBytes);
  return { tensors, metadata };
}

function tensorEntry(
  name: string,
  { dtype: typeName, shape, offsets }: HeaderEntry,
  start: number,
  sizeBytes: number,
): TensorEntry {
  const where = `tensor '${name.slice(0, 200)}'`;
  const dtype = TYPES.get(typeName);
  if (dtype === undefined)
    fault(`${where} has type '${typeName.slice(0, 40)}', known are ${[...TYPES.keys()].join(", ")}`, where);
  const length = tensorBytes(dtype, shape);
  if (length === undefined)
    fault(`${where} has impossible dimensions [${shape.slice(0, 16).join(", ")}]`, where);
  const [from, to] = offsets;
  if (to < from || to - from !== length) {
    fault(`${where} has bytes ${from} to ${to}, its type and dimensions say ${length}`, where);
  }
  if (start + to > sizeBytes) fault(`${where} ends at byte ${start + to} of a file of ${sizeBytes}`, where);
  return { dtype, dims: shape, offset: start + from, length };
}

/** A file that holds anything besides its tensors could be two things at once. */
function checkCoverage(tensors: ReadonlyMap<string, TensorEntry>, start: number, sizeBytes: number): void {
  let at = start;
  for (const [name, { offset, length }] of [...tensors].sort(
    ([, a], [, b]) => a.offset - b.offset || a.length - b.length,
  )) {
    if (offset !== at)
      fault(
        `${offset < at ? "overlapping bytes" : "a hole"} at byte ${Math.min(offset, at)}`,
        `tensor '${name.slice(0, 200)}'`,
      );
    at += length;
  }
  if (at !== sizeBytes) fault(`${sizeBytes - at} bytes after the last tensor`, `byte ${at}`);
}

/** Reads one tensor into memory. Throws `input.tensor` where the file has none of that name. */
export async function readTensor(
  source: ByteSource,
  header: SafetensorsHeader,
  name: string,
): Promise<Tensor> {
  const entry = header.tensors.get(name);
  if (entry === undefined)
    throw new IngotError("input.tensor", `the file has no tensor '${name}'`, {
      data: { where: `tensor '${name}'` },
    });
  return {
    dtype: entry.dtype,
    dims: entry.dims,
    data: { at: "memory", bytes: await source.read(entry.offset, entry.length) },
  };
}

const encoder = new TextEncoder();

/**
 * The bytes of a safetensors file, the same for the same tensors and metadata: tensors and keys in the order of their UTF-8 bytes,
 * the header padded with blanks to a multiple of 8. Throws `input.tensor` for a type that the format lacks.
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> | ReadonlyMap<string, string> = {},
): Uint8Array {
  const entries = sorted([...tensors]);
  const notes = sorted(
    metadata instanceof Map ? [...metadata] : Object.entries(metadata as Record<string, string>),
  );
  const parts: string[] = [];
  if (notes.length > 0)
    parts.push(
      `"__metadata__":{${notes.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(",")}}`,
    );
  let end = 0;
  for (const [name, { dtype, dims, data }] of entries) {
    const type = NAMES.get(dtype);
    if (type === undefined)
      throw new IngotError(
        "input.tensor",
        `the tensor '${name}' of type ${dtype} cannot be written as safetensors`,
      );
    const length = data.at === "memory" ? data.bytes.length : data.length;
    parts.push(
      `${JSON.stringify(name)}:{"dtype":"${type}","shape":[${dims.join(",")}],"data_offsets":[${end},${end + length}]}`,
    );
    end += length;
  }
  const json = encoder.encode(`{${parts.join(",")}}`);
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(LENGTH_BYTES + headerBytes + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + headerBytes);
  bytes.set(json, LENGTH_BYTES);
  let at = LENGTH_BYTES + headerBytes;
  for (const [, tensor] of entries) {
    const data = bytesInMemory(tensor);
    bytes.set(data, at);
    at += data.length;
  }
  return bytes;
}

function sorted<T>(entries: [string, T][]): [string, T][] {
  const keyed = entries.map((entry) => ({ entry, key: Buffer.from(entry[0], "utf8") }));
  return keyed.sort((a, b) => Buffer.compare(a.key, b.key)).map(({ entry }) => entry);
}
