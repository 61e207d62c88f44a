import { bug, IngotError } from "../base/errors.ts";
import { type EncodedExample, IGNORED_LABEL, type LabelValues, type TensorValue } from "./encoded.ts";

export interface CollateOptions {
  /** T, tokens every row is filled up to on the right; at least the longest row. */
  readonly length: number;
  /** Filled up length of decoder rows; their longest by default. */
  readonly decoderLength?: number;
  readonly padId: number;
  /** Inputs of the model; only these are made. */
  readonly inputs: Iterable<string>;
}

export interface Batch {
  /** Model inputs by name, B rows each; token inputs are int64 [B, T]. */
  readonly inputs: Map<string, TensorValue>;
  /** Labels [B] or [B, T], -100 where none counts; float targets [B, ...]. */
  readonly labels: LabelValues;
}

interface Column {
  /** What fills up a row. */
  readonly pad: (options: CollateOptions) => number;
  /** The values of a row that does not bring them. */
  readonly derive: (row: EncodedExample) => Int32Array | undefined;
  readonly decoder?: boolean;
}

const zero = (): number => 0;

const COLUMNS: ReadonlyMap<string, Column> = new Map<string, Column>([
  ["input_ids", { pad: ({ padId }) => padId, derive: (row) => row.inputIds }],
  ["attention_mask", { pad: zero, derive: attentionMask }],
  ["token_type_ids", { pad: zero, derive: (row) => new Int32Array(row.inputIds.length) }],
  ["position_ids", { pad: zero, derive: (row) => positionIds(attentionMask(row)) }],
  ["decoder_input_ids", { pad: ({ padId }) => padId, derive: () => undefined, decoder: true }],
  [
    "decoder_attention_mask",
    { pad: zero, derive: (row) => row.columns.get("decoder_input_ids")?.map(() => 1), decoder: true },
  ],
]);

function attentionMask(row: EncodedExample): Int32Array {
  return row.columns.get("attention_mask") ?? new Int32Array(row.inputIds.length).fill(1);
}

/** Positions that follow from a mask: max(0, cumulative sum - 1), so that padding on the left shifts nothing. */
export function positionIds(mask: ArrayLike<number>): Int32Array {
  const positions = new Int32Array(mask.length);
  let read = 0;
  for (let i = 0; i < mask.length; i++) {
    read += mask[i]!;
    positions[i] = Math.max(0, read - 1);
  }
  return positions;
}

/** Longest row in tokens. */
export function longestRow(rows: readonly EncodedExample[]): number {
  return rows.reduce((most, row) => Math.max(most, row.inputIds.length), 0);
}

/**
 * Rows as one batch, filled up on the right. Inputs that a row does not bring are derived: a mask of ones, types of zero,
 * positions from the mask. An input that can be neither is left out for the caller (empty `past_key_values.*`). Throws
 * `input.row` where the rows' tensors differ in shape.
 */
export function collate(rows: readonly EncodedExample[], options: CollateOptions): Batch {
  if (rows.length === 0) bug("an empty batch");
  const inputs = new Map<string, TensorValue>();
  for (const name of options.inputs) {
    const value = collateInput(name, rows, options);
    if (value !== undefined) inputs.set(name, value);
  }
  return { inputs, labels: collateLabels(rows, options) };
}

function collateInput(
  name: string,
  rows: readonly EncodedExample[],
  options: CollateOptions,
): TensorValue | undefined {
  const tensors = rows.map((row) => row.tensors.get(name));
  if (tensors[0] !== undefined) return stack(name, tensors);
  const column = COLUMNS.get(name);
  if (column === undefined || longestRow(rows) === 0) return undefined;
  const values = rows.map((row) => row.columns.get(name) ?? column.derive(row));
  if (values.some((row) => row === undefined)) return undefined;
  const columns = values as Int32Array[];
  const width = column.decoder === true ? (options.decoderLength ?? longest(columns)) : options.length;
  const data = new BigInt64Array(columns.length * width).fill(BigInt(column.pad(options)));
  columns.forEach((row, i) => {
    if (row.length > width) bug(`a row of ${row.length} tokens in a batch of ${width}`);
    for (let t = 0; t < row.length; t++) data[i * width + t] = BigInt(row[t]!);
  });
  return { dtype: "int64", dims: [columns.length, width], data };
}

function longest(rows: readonly Int32Array[]): number {
  return rows.reduce((most, row) => Math.max(most, row.length), 0);
}

function stack(name: string, rows: readonly (TensorValue | undefined)[]): TensorValue {
  const first = rows[0] ?? bug(`no tensor '${name}'`);
  const size = first.data.length;
  const Type = first.data.constructor as new (length: number) => TensorValue["data"];
  const data = new Type(rows.length * size);
  rows.forEach((row, i) => {
    if (row === undefined || row.dtype !== first.dtype || row.dims.join() !== first.dims.join()) {
      throw new IngotError("input.row", `the rows differ in '${name}'`, {
        hint: "rows of one training have equal shapes",
      });
    }
    (data as Float32Array).set(row.data as Float32Array, i * size);
  });
  return { dtype: first.dtype, dims: [rows.length, ...first.dims], data };
}

function collateLabels(rows: readonly EncodedExample[], options: CollateOptions): LabelValues {
  const first = rows[0]?.labels ?? bug("an empty batch");
  const isTokens =
    first.kind === "classes" && first.dims.length === 1 && rows.some((row) => row.inputIds.length > 0);
  if (isTokens) return tokenLabels(rows, options);
  const dims = [rows.length, ...first.dims];
  const size = first.values.length;
  const values =
    first.kind === "floats" ? new Float32Array(rows.length * size) : new Int32Array(rows.length * size);
  rows.forEach(({ labels }, i) => {
    if (labels.kind !== first.kind || labels.dims.join() !== first.dims.join()) throw mixedLabels();
    values.set(labels.values, i * size);
  });
  return values instanceof Float32Array
    ? { kind: "floats", dims, values }
    : { kind: "classes", dims, values };
}

/** Labels have the width of what they label: the decoder's rows where there is a decoder. */
function tokenLabels(rows: readonly EncodedExample[], options: CollateOptions): LabelValues {
  const decoder = rows.flatMap((row) => row.columns.get("decoder_input_ids") ?? []);
  const width = decoder.length === 0 ? options.length : (options.decoderLength ?? longest(decoder));
  const values = new Int32Array(rows.length * width).fill(IGNORED_LABEL);
  rows.forEach(({ labels }, i) => {
    if (labels.kind !== "classes" || labels.dims.length !== 1) throw mixedLabels();
    if (labels.values.length > width) bug(`${labels.values.length} labels in a batch of ${width}`);
    values.set(labels.values, i * width);
  });
  return { kind: "classes", dims: [rows.length, width], values };
}

function mixedLabels(): IngotError {
  return new IngotError("input.row", "some rows have one label and others a label for each token", {
    hint: "train them as datasets of their own",
  });
}
