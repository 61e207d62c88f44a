import { IngotError } from "../base/errors.ts";
import { decodeEntry } from "./decode-entry.ts";
import { type ExternalRef, parseExternalData } from "./external-data.ts";
import type { DType, Tensor, TensorBytes } from "./model.ts";
import { type MessageReader, MessageWriter, WIRE } from "./protobuf.ts";
import { DTYPES, dtypeOfCode, elementCount, nameOfCode, numbersOf, tensorBytes } from "./tensors.ts";

/** A sparse tensor larger than this is refused instead of being written out. */
const MAX_SPARSE_BYTES = 2 ** 28;
const MAX_RANK = 64;

interface TensorParts {
  name: string;
  code: number;
  dims: number[];
  raw?: Uint8Array;
  /** Reader of the whole message, for a second walk over typed data. */
  again: MessageReader;
  typedBytes: number;
  strings: Uint8Array[];
  external: Map<string, string>;
  isExternal: boolean;
}

/**
 * Reads a TensorProto; the bytes of `raw_data` are a view. Text is kept as its encoded `string_data` fields.
 * Throws `input.tensor` where type, dimensions and length do not fit together, `input.model` for external data outside the folder.
 */
export function decodeTensor(reader: MessageReader): { name: string; tensor: Tensor } {
  const parts = readParts(reader);
  const dtype = dtypeOfCode(parts.code);
  if (dtype === undefined)
    fault(parts.name, `has element type ${nameOfCode(parts.code)}, which is not supported`);
  if (elementCount(parts.dims) === undefined)
    fault(parts.name, `has impossible dimensions [${parts.dims.join(", ")}]`);
  return { name: parts.name, tensor: { dtype, dims: parts.dims, data: dataOf(parts, dtype) } };
}

function fault(name: string, what: string): never {
  throw new IngotError("input.tensor", `tensor '${name}' ${what}`, {
    hint: "export the model again",
    data: { where: `tensor '${name}'`, tensor: name },
  });
}

function readParts(reader: MessageReader): TensorParts {
  const parts: TensorParts = {
    name: "",
    code: 0,
    dims: [],
    again: reader.fork(),
    typedBytes: 0,
    strings: [],
    external: new Map(),
    isExternal: false,
  };
  while (reader.next()) {
    if (reader.field === 1) reader.repeatedInt64(parts.dims, MAX_RANK);
    else if (reader.field === 2) parts.code = reader.int32();
    else if (reader.field === 6) parts.strings.push(reader.data());
    else if (reader.field === 8) parts.name = reader.text();
    else if (reader.field === 9) parts.raw = reader.data();
    else if (reader.field === 13) decodeEntry(reader.message(), parts.external);
    else if (reader.field === 14) parts.isExternal = reader.int32() === 1;
    else if (TYPED_FIELDS.has(reader.field)) {
      const start = reader.position;
      reader.skip();
      parts.typedBytes += reader.position - start;
    } else if (reader.field === 3) reader.fail(`tensor '${parts.name}' is stored in segments`);
    else reader.skip();
  }
  return parts;
}

function dataOf(parts: TensorParts, dtype: DType): TensorBytes {
  const { name, dims } = parts;
  if (parts.isExternal || parts.external.size > 0) {
    const ref = parseExternalData(name, parts.external);
    if (parts.isExternal) return externalData(name, dtype, dims, ref);
  }
  if (dtype === "string") return stringData(parts);
  const expected = tensorBytes(dtype, dims) as number;
  if (parts.raw !== undefined) {
    if (parts.raw.length !== expected)
      fault(
        name,
        `holds ${parts.raw.length} bytes, its type and dimensions [${dims.join(", ")}] say ${expected}`,
      );
    return { at: "memory", bytes: parts.raw };
  }
  return { at: "memory", bytes: typedData(parts, dtype, expected) };
}

function externalData(name: string, dtype: DType, dims: readonly number[], ref: ExternalRef): TensorBytes {
  const expected = tensorBytes(dtype, dims);
  if (expected === undefined) fault(name, `of type ${dtype} cannot be external data`);
  if (ref.length !== undefined && ref.length !== expected) {
    fault(
      name,
      `refers to ${ref.length} bytes of '${ref.path}', its type and dimensions [${dims.join(", ")}] say ${expected}`,
    );
  }
  if (!Number.isSafeInteger(ref.offset + expected))
    fault(name, `lies at byte ${ref.offset} of '${ref.path}', beyond any file`);
  return { at: "file", path: ref.path, offset: ref.offset, length: expected };
}

function stringData(parts: TensorParts): TensorBytes {
  const count = elementCount(parts.dims) as number;
  if (parts.raw !== undefined || parts.strings.length !== count)
    fault(parts.name, `holds ${parts.strings.length} texts, its dimensions say ${count}`);
  const writer = new MessageWriter();
  for (const text of parts.strings) writer.data(6, text);
  return { at: "memory", bytes: writer.finish().slice() };
}

const TYPED_FIELDS = new Set([4, 5, 7, 10, 11]);

/** The typed field that each element type uses. */
const FIELD_OF = new Map<DType, number>([
  ["float32", 4],
  ["float64", 10],
  ["int64", 7],
  ["uint32", 11],
  ["uint64", 11],
]);
const INT32_FIELD = 5;
const ELEMENT_WIRE = new Map<number, number>([
  [4, WIRE.fixed32],
  [10, WIRE.fixed64],
]);

function typedData(parts: TensorParts, dtype: DType, expected: number): Uint8Array {
  const field = FIELD_OF.get(dtype) ?? INT32_FIELD;
  const elementBytes = Math.max(1, (DTYPES[dtype].bits as number) / 8);
  const said = `its dimensions [${parts.dims.join(", ")}]`;
  if (expected / elementBytes > parts.typedBytes) fault(parts.name, `holds less data than ${said} say`);
  const out = new Uint8Array(expected);
  const view = new DataView(out.buffer);
  let at = 0;
  const reader = parts.again;
  while (reader.next()) {
    if (!TYPED_FIELDS.has(reader.field)) {
      reader.skip();
      continue;
    }
    if (reader.field !== field)
      fault(parts.name, `of type ${dtype} keeps its data in field ${reader.field}, expected ${field}`);
    if (reader.wire !== WIRE.bytes) reader.expect(ELEMENT_WIRE.get(field) ?? WIRE.varint);
    const source = reader.wire === WIRE.bytes ? reader.message() : reader;
    const end = source === reader ? source.position + 1 : source.end;
    while (source.position < end) {
      if (at + elementBytes > expected) fault(parts.name, `holds more data than ${said} say`);
      writeElement(view, at, elementBytes, field, source);
      at += elementBytes;
    }
  }
  if (at !== expected) fault(parts.name, `holds ${at} bytes, its type and dimensions say ${expected}`);
  return out;
}

function writeElement(
  view: DataView,
  at: number,
  elementBytes: number,
  field: number,
  reader: MessageReader,
): void {
  if (field === 4 || field === 10) {
    const bytes = reader.fixed(field === 4 ? 4 : 8);
    for (let i = 0; i < bytes.length; i++) view.setUint8(at + i, bytes[i] as number);
    return;
  }
  const { low, high } = reader.varint();
  if (elementBytes === 1) view.setUint8(at, low & 255);
  else if (elementBytes === 2) view.setUint16(at, low & 65535, true);
  else {
    view.setUint32(at, low, true);
    if (elementBytes === 8) view.setUint32(at + 4, high, true);
  }
}

/** Reads a SparseTensorProto and writes it out as an ordinary tensor of at most `MAX_SPARSE_BYTES`. */
export function decodeSparse(reader: MessageReader): { name: string; tensor: Tensor } {
  let values: { name: string; tensor: Tensor } | undefined;
  let indices: Tensor | undefined;
  const dims: number[] = [];
  while (reader.next()) {
    if (reader.field === 1) values = decodeTensor(reader.message());
    else if (reader.field === 2) indices = decodeTensor(reader.message()).tensor;
    else if (reader.field === 3) reader.repeatedInt64(dims, MAX_RANK);
    else reader.skip();
  }
  const name = values?.name ?? "";
  const total = values === undefined ? undefined : tensorBytes(values.tensor.dtype, dims);
  if (values === undefined || total === undefined)
    fault(name, `is sparse with impossible dimensions [${dims.join(", ")}]`);
  if (total > MAX_SPARSE_BYTES)
    fault(name, `is sparse and would take ${total} bytes written out, at most ${MAX_SPARSE_BYTES} are read`);
  const { dtype, data } = values.tensor;
  const bits = DTYPES[dtype].bits as number;
  if (data.at !== "memory" || (indices !== undefined && indices.data.at !== "memory"))
    fault(name, "is sparse with external data, which is not supported");
  if (bits < 8) fault(name, `is sparse with element type ${dtype}, which is not supported`);
  const out = new Uint8Array(total);
  const width = bits / 8;
  flatIndices(name, indices, dims, data.bytes.length / width).forEach((index, i) => {
    out.set(data.bytes.subarray(i * width, (i + 1) * width), index * width);
  });
  return { name, tensor: { dtype, dims, data: { at: "memory", bytes: out } } };
}

function flatIndices(
  name: string,
  indices: Tensor | undefined,
  dims: readonly number[],
  count: number,
): number[] {
  if (indices === undefined || indices.dtype !== "int64") fault(name, "is sparse without indices");
  const rank = indices.dims.length === 2 ? (indices.dims[1] as number) : 1;
  if (indices.dims[0] !== count || (rank !== 1 && rank !== dims.length))
    fault(name, "is sparse with indices that do not fit its values");
  const size = elementCount(dims) as number;
  const numbers = numbersOf(indices);
  return Array.from({ length: count }, (_, i) => {
    let index = 0;
    for (let axis = 0; axis < rank; axis++) {
      const part = numbers[i * rank + axis] as number;
      const bound = indices.dims.length === 2 && rank > 1 ? (dims[axis] as number) : size;
      if (part < 0 || part >= bound) fault(name, `is sparse with index ${part} outside its dimensions`);
      index = rank === 1 ? part : index * (dims[axis] as number) + part;
    }
    return index;
  });
}
