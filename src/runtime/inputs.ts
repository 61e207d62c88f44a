import { IngotError } from "../base/errors.ts";
import type { DType, ValueInfo } from "../onnx/model.ts";
import { elementCount, filledArray } from "../onnx/tensors.ts";
import type { HostTensor } from "./session.ts";

const PAST = /^past_key_values?\b|^past_key_self|^past_/;

/** True for the inputs that hold the cache of earlier positions. */
export function isPastInput(name: string): boolean {
  return PAST.test(name);
}

const TOKENS = /(^|_)(input_ids|decoder_input_ids|tokens)$/;

/** A tensor of zeros (or of another number) in the typed array of its type. */
export function filledTensor(dtype: DType, dims: readonly number[], value = 0): HostTensor {
  const count = elementCount(dims);
  if (count === undefined || dtype === "string")
    throw new IngotError("input.tensor", `no ${dtype} tensor of dimensions [${dims.join(", ")}] can be made`);
  return { dtype, dims, data: filledArray(dtype, count, value) };
}

/**
 * Inputs that follow from others, as transformers makes them: an all-ones `attention_mask` [batch, past + time], `position_ids` =
 * max(0, running sum of the mask - 1) of the last `time` positions, zeros as `token_type_ids`, empty `past_key_values.*`
 * (a past dimension of 0). `given` is returned with what was added; inputs that do not follow from others stay missing.
 */
export function deriveInputs(
  inputs: readonly ValueInfo[],
  given: ReadonlyMap<string, HostTensor>,
): Map<string, HostTensor> {
  const all = new Map(given);
  const tokens =
    [...given].find(([name, tensor]) => TOKENS.test(name) && tensor.dims.length === 2) ??
    [...given].find(([, tensor]) => tensor.dims.length >= 2);
  if (tokens === undefined) return all;
  const [batch, time] = tokens[1].dims as [number, number];
  for (const input of inputs) {
    if (
      all.has(input.name) ||
      !isPastInput(input.name) ||
      input.dims === undefined ||
      input.dtype === undefined
    )
      continue;
    all.set(input.name, filledTensor(input.dtype, emptyPast(input, batch)));
  }
  const past = pastLength(inputs, all);
  for (const input of inputs) {
    if (all.has(input.name) || input.dtype === undefined) continue;
    if (input.name === "attention_mask")
      all.set(input.name, filledTensor(input.dtype, [batch, past + time], 1));
    else if (input.name === "token_type_ids") all.set(input.name, filledTensor(input.dtype, [batch, time]));
    else if (input.name === "use_cache_branch") all.set(input.name, filledTensor(input.dtype, [1]));
  }
  for (const input of inputs) {
    if (input.name !== "position_ids" || all.has(input.name)) continue;
    all.set(input.name, positionIds(input, all.get("attention_mask"), batch, time, past));
  }
  return all;
}

/** Batch where the first dimension is symbolic, 0 where another is. */
function emptyPast(input: ValueInfo, batch: number): number[] {
  return (input.dims ?? []).map((dim, axis) => (typeof dim === "number" ? dim : axis === 0 ? batch : 0));
}

function pastLength(inputs: readonly ValueInfo[], given: ReadonlyMap<string, HostTensor>): number {
  const input = inputs.find(({ name }) => isPastInput(name) && given.has(name));
  const axis = input?.dims?.findIndex((dim, i) => i > 0 && typeof dim !== "number") ?? -1;
  return input === undefined || axis < 0 ? 0 : (given.get(input.name)?.dims[axis] ?? 0);
}

function positionIds(
  input: ValueInfo,
  mask: HostTensor | undefined,
  batch: number,
  time: number,
  past: number,
): HostTensor {
  const tensor = filledTensor(input.dtype ?? "int64", [batch, time]);
  const total = past + time;
  for (let row = 0; row < batch; row++) {
    let seen = 0;
    for (let column = 0; column < total; column++) {
      seen += mask === undefined ? 1 : Number(mask.data[row * total + column]);
      if (column < past) continue;
      const position = Math.max(0, seen - 1);
      const data = tensor.data as BigInt64Array | Int32Array;
      data[row * time + column - past] = (
        data instanceof BigInt64Array ? BigInt(position) : position
      ) as never;
    }
  }
  return tensor;
}

/** Values of the right type and shape for every input, to run a graph when only its shapes matter. */
export function dummyInputs(
  inputs: ReadonlyMap<string, { readonly dtype: DType; readonly dims: readonly number[] }>,
): Map<string, HostTensor> {
  return new Map([...inputs].map(([name, { dtype, dims }]) => [name, dummy(name, dtype, dims)]));
}

function dummy(name: string, dtype: DType, dims: readonly number[]): HostTensor {
  if (/mask/.test(name)) return filledTensor(dtype, dims, dtype === "float16" ? 0x3c00 : 1);
  const tensor = filledTensor(dtype, dims);
  if (/position_ids/.test(name) && tensor.data instanceof BigInt64Array) {
    const time = dims.at(-1) ?? 1;
    for (let i = 0; i < tensor.data.length; i++) tensor.data[i] = BigInt(i % time);
  }
  return tensor;
}
