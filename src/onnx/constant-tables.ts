import type { Model, Tensor } from "./model.ts";
import { elementCount, typedArray } from "./tensors.ts";

/** First values of tensors whose bytes are not in memory. */
export type Samples = ReadonlyMap<Tensor, Float32Array>;

/** As many bytes of a tensor tell what it is. */
const SAMPLE_BYTES = 1 << 16;

/** Operators whose operand can be a table that is no parameter, and those that may stand between. */
const TABLE_USERS = new Set([
  ...["Gather", "Add", "Sub", "Mul", "Div", "Concat", "Where", "Max", "Min"],
  ...["Identity", "Cast", "CastLike", "Reshape", "Unsqueeze", "Squeeze", "Expand", "Slice", "Flatten"],
]);

/** Reads the beginning of the float32 tensors in files that could be masks or tables. `read` gives the bytes of a tensor. */
export async function sampleTables(
  model: Model,
  read: (tensor: Tensor) => Promise<Uint8Array>,
): Promise<Samples> {
  const names = new Set(
    model.graph.nodes.filter(({ op }) => TABLE_USERS.has(op)).flatMap(({ inputs }) => inputs),
  );
  const samples = new Map<Tensor, Float32Array>();
  for (const name of names) {
    const tensor = model.graph.initializers.get(name);
    if (tensor?.dtype !== "float32" || tensor.data.at !== "file") continue;
    const width = tensor.dims.at(-1) ?? 1;
    const bytes = Math.min(tensor.data.length, Math.max(SAMPLE_BYTES, 5 * 4 * width));
    const part = { ...tensor, dims: [bytes / 4], data: { ...tensor.data, length: bytes } };
    samples.set(tensor, typedArray("float32", await read(part)) as Float32Array);
  }
  return samples;
}

function valuesOf(tensor: Tensor, samples: Samples): Float32Array | undefined {
  if (tensor.dtype !== "float32") return undefined;
  if (tensor.data.at === "memory") return typedArray(tensor.dtype, tensor.data.bytes) as Float32Array;
  return samples.get(tensor);
}

/** Additive attention masks: zeros and large negative numbers, at least one of the latter. */
export function isMask(tensor: Tensor, samples: Samples): boolean {
  const values = valuesOf(tensor, samples);
  return (
    values?.some((value) => value <= -1e4) === true && values.every((value) => value === 0 || value <= -1e4)
  );
}

/** Whether a tensor that is read in full holds one number everywhere. */
export function isFilledWith(tensor: Tensor, number: number, samples: Samples): boolean {
  const values = valuesOf(tensor, samples);
  if (values === undefined || values.length !== elementCount(tensor.dims)) return false;
  return values.every((value) => value === number);
}

/**
 * Tables of sines, cosines or both, a row a position: angles of rotary positions and the fixed positions of Marian, M2M100 and
 * Whisper. Told by sin(2x)^2 = 4 sin(x)^2 (1 - sin(x)^2) and cos(2x) = 2 cos(x)^2 - 1 between rows 1 and 2, or 2 and 4 (a row for
 * padding is zeros), in every column; row 0 holds 0 and 1 only.
 */
export function isWaveTable(tensor: Tensor, samples: Samples): boolean {
  const values = valuesOf(tensor, samples);
  const width = tensor.dims.at(-1) ?? 1;
  if (values === undefined || tensor.dims.length < 2 || values.length < 3 * width) return false;
  const row = (at: number) => values.subarray(at * width, (at + 1) * width);
  if (!row(0).every((value) => value === 0 || value === 1)) return false;
  return doubles(row(1), row(2)) || (values.length >= 5 * width && doubles(row(2), row(4)));
}

const ROUNDING = 1e-3;

/** Whether each number of `twice` is the sine or the cosine of the double angle of that in `once`, and most of them move. */
function doubles(once: Float32Array, twice: Float32Array): boolean {
  let moving = 0;
  for (let i = 0; i < once.length; i++) {
    const [x, y] = [once[i] as number, twice[i] as number];
    const isSine = Math.abs(y * y - 4 * x * x * (1 - x * x)) < ROUNDING;
    const isCosine = Math.abs(y - (2 * x * x - 1)) < ROUNDING;
    if (Math.abs(x) > 1 || Math.abs(y) > 1 || (!isSine && !isCosine)) return false;
    if (x !== 0) moving++;
  }
  return moving * 2 > once.length;
}
