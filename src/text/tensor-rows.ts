import { IngotError } from "../base/errors.ts";
import type { ByteSource } from "../base/ports.ts";
import { parseSafetensorsHeader, type TensorEntry } from "../onnx/safetensors.ts";
import { type Example, exampleId } from "./example.ts";
import { type FieldRecord, record } from "./formats/row-format.ts";
import { TENSORS_FORMAT } from "./formats.ts";
import { rowError } from "./rows.ts";

/** Bytes of one tensor that are read at once. */
const BLOCK_BYTES = 4 * 1024 * 1024;

/**
 * The rows of a safetensors file: row i holds, for each tensor, `{dtype, shape, data}` of its i-th entry along the first
 * dimension (data little-endian, shape without that dimension). Memory: a block of rows. Throws `input.safetensors` for a
 * file that is none and `input.format` for tensors that do not all have the same first dimension.
 */
export async function* readTensorExamples(source: ByteSource, name: string): AsyncGenerator<Example> {
  const { tensors } = await parseSafetensorsHeader(source);
  const rows = countRows(tensors, name);
  let largest = 0;
  for (const { length } of tensors.values()) largest = Math.max(largest, length / rows);
  const block = Math.max(1, Math.floor(BLOCK_BYTES / Math.max(1, largest)));
  for (let from = 0; from < rows; from += block) {
    const count = Math.min(block, rows - from);
    const bytes = new Map<string, Uint8Array>();
    for (const [tensor, entry] of tensors) {
      const rowBytes = entry.length / rows;
      bytes.set(tensor, await source.read(entry.offset + from * rowBytes, count * rowBytes));
    }
    for (let i = 0; i < count; i++) yield example(tensors, bytes, count, i, from + i + 1, name);
  }
}

function countRows(tensors: ReadonlyMap<string, TensorEntry>, name: string): number {
  const refuse = (what: string): IngotError =>
    new IngotError("input.format", `'${name}' ${what}`, {
      hint: "the first dimension of every tensor is the examples",
      data: { where: name },
    });
  let rows: number | undefined;
  for (const [tensor, { dims }] of tensors) {
    const [first] = dims;
    if (first === undefined) throw refuse(`holds '${tensor.slice(0, 80)}', which has no dimension`);
    if (rows !== undefined && rows !== first)
      throw refuse(`holds ${rows} rows, but ${first} of '${tensor.slice(0, 80)}'`);
    rows = first;
  }
  if (rows === undefined || rows === 0) throw refuse("holds no rows");
  return rows;
}

function example(
  tensors: ReadonlyMap<string, TensorEntry>,
  bytes: ReadonlyMap<string, Uint8Array>,
  count: number,
  i: number,
  line: number,
  name: string,
): Example {
  const fields: FieldRecord = record(
    [...tensors].map(([tensor, { dtype, dims }]) => {
      const block = bytes.get(tensor) as Uint8Array;
      const size = block.length / count;
      const data = block.slice(i * size, (i + 1) * size);
      return [
        tensor,
        record([
          ["dtype", dtype],
          ["shape", dims.slice(1)],
          ["data", data],
        ]),
      ] as const;
    }),
  );
  try {
    return { id: exampleId(fields), format: TENSORS_FORMAT, fields, line };
  } catch (error) {
    if (!(error instanceof IngotError)) throw error;
    throw rowError(name, line, `holds ${error.message}`, undefined, error);
  }
}
