import { IngotError } from "../base/errors.ts";
import type { DType } from "../onnx/model.ts";
import type { HostTensor, Session, ValueFacts } from "../runtime/session.ts";

/** One tensor of the key/value cache: the input that takes it and the output that gives it back, longer. */
export interface CacheEntry {
  readonly input: string;
  readonly output: string;
  readonly dtype: DType;
  /** Dimensions; -1 stands for the batch, -2 for the past. */
  readonly dims: readonly number[];
}

const BATCH = -1;
const PAST = -2;

/** How exporters name what goes in and what comes out. */
const PREFIXES: readonly (readonly [input: string, output: string])[] = [
  ["past_key_values.", "present."],
  ["past_key_values.", "present_key_values."],
  ["past_key_values.", "present_key_value."],
  ["past_key_", "present_key_"],
  ["past_value_", "present_value_"],
  ["past.", "present."],
  ["past_", "present_"],
];

/**
 * The cache of a decoder, by the names of its inputs and outputs; undefined where it has none. Throws `input.model` where
 * an input of the cache has no output, or dimensions that the model leaves open.
 */
export function findCache(
  session: Session,
  known: ReadonlyMap<string, ValueFacts>,
): readonly CacheEntry[] | undefined {
  const outputs = new Set(session.outputNames);
  const inputs = session.inputNames.filter((name) => PREFIXES.some(([prefix]) => name.startsWith(prefix)));
  if (inputs.length === 0) return undefined;
  return inputs.map((input) => {
    const output = PREFIXES.filter(([prefix]) => input.startsWith(prefix))
      .map(([from, to]) => to + input.slice(from.length))
      .find((name) => outputs.has(name));
    if (output === undefined) throw refuse(input, "has no output that gives it back");
    const facts = known.get(input);
    if (facts === undefined) throw refuse(input, "has no known shape");
    return { input, output, dtype: facts.dtype ?? "float32", dims: cacheDims(input, facts.dims) };
  });
}

/** The first open dimension is the batch, the other one the past: [batch, heads, past, head size] and its like. */
function cacheDims(input: string, dims: readonly (number | string)[]): readonly number[] {
  const open = dims.flatMap((dim, i) => (typeof dim === "number" && dim >= 0 ? [] : [i]));
  if (open.length !== 2)
    throw refuse(input, `has the dimensions [${dims.join(", ")}], of which two must be open`);
  return dims.map((dim, i) => (i === open[0] ? BATCH : i === open[1] ? PAST : (dim as number)));
}

/** The cache before the first token: no element, whatever the batch. */
export function emptyCache(entries: readonly CacheEntry[], batch: number): Map<string, HostTensor> {
  return new Map(
    entries.map(({ input, dtype, dims }) => [
      input,
      {
        dtype,
        dims: dims.map((dim) => (dim === BATCH ? batch : dim === PAST ? 0 : dim)),
        data: dtype === "float32" ? new Float32Array() : new Uint16Array(),
      },
    ]),
  );
}

/** Rows of a tensor along its batch dimension; a fresh tensor. */
export function selectRows(tensor: HostTensor, entry: CacheEntry, rows: readonly number[]): HostTensor {
  const axis = entry.dims.indexOf(BATCH);
  const outer = tensor.dims.slice(0, axis).reduce((product, dim) => product * dim, 1);
  const inner = tensor.dims.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const batch = tensor.dims[axis] as number;
  const source = tensor.data as Float32Array;
  const Type = source.constructor as new (length: number) => Float32Array;
  const data = new Type(outer * rows.length * inner);
  for (let o = 0; o < outer; o++) {
    rows.forEach((row, i) => {
      const from = (o * batch + row) * inner;
      data.set(source.subarray(from, from + inner), (o * rows.length + i) * inner);
    });
  }
  return { dtype: tensor.dtype, dims: tensor.dims.with(axis, rows.length), data };
}

function refuse(input: string, what: string): IngotError {
  return new IngotError("input.model", `the cache input '${input}' ${what}`, {
    hint: "export the model again with optimum, task text-generation-with-past",
    data: { where: input },
  });
}
