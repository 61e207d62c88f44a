import { bug } from "../base/errors.ts";
import type { DType, Tensor } from "../onnx/model.ts";
import { numbersOf, numberToFloat16 } from "../onnx/tensors.ts";

const INT64_MAX = 2n ** 63n - 1n;

/** Numbers beyond the range become its ends, as Slice means them. */
function toInt64(value: number): bigint {
  const exact = BigInt(value);
  return exact > INT64_MAX ? INT64_MAX : exact < -INT64_MAX - 1n ? -INT64_MAX - 1n : exact;
}

const ENCODE: Partial<Record<DType, (values: readonly number[]) => ArrayBufferView>> = {
  float32: (v) => Float32Array.from(v),
  float64: (v) => Float64Array.from(v),
  float16: (v) => Uint16Array.from(v, numberToFloat16),
  bfloat16: (v) => Uint16Array.from(new Uint32Array(Float32Array.from(v).buffer), (bits) => bits >>> 16),
  int64: (v) => BigInt64Array.from(v, toInt64),
  int32: (v) => Int32Array.from(v),
  int8: (v) => Int8Array.from(v),
  uint8: (v) => Uint8Array.from(v),
  bool: (v) => Uint8Array.from(v),
};

/** A tensor in memory from plain numbers. */
export function literal(values: ArrayLike<number>, dims: readonly number[], dtype: DType): Tensor {
  const encode = ENCODE[dtype] ?? bug(`no constants of type ${dtype}`);
  const view = encode(Array.from(values));
  return {
    dtype,
    dims,
    data: {
      at: "memory",
      bytes: new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength),
    },
  };
}

/** Numbers of a constant in memory; undefined where its bytes are elsewhere or are no numbers. */
export function numbersIn(tensor: Tensor): number[] | undefined {
  return tensor.data.at === "memory" && tensor.dtype !== "string" ? numbersOf(tensor) : undefined;
}
