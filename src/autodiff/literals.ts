import { bug } from "../base/errors.ts";
import type { DType, Tensor } from "../onnx/model.ts";

/** Types whose values can carry a gradient. */
export function isFloat(dtype: DType): boolean {
  return dtype === "float32" || dtype === "float64" || dtype === "float16" || dtype === "bfloat16";
}

function halfBits(value: number): number {
  const f32 = new Float32Array([value]);
  const bits = new Uint32Array(f32.buffer)[0]!;
  const sign = (bits >>> 16) & 0x8000;
  if (Number.isNaN(value)) return sign | 0x7e00;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | roundHalfEven(magnitude * 2 ** 24);
  const exponent = ((bits >>> 23) & 0xff) - 127;
  // A mantissa that rounds up to 1024 carries into the exponent, which is what addition does.
  return sign | (((exponent + 15) << 10) + roundHalfEven((magnitude / 2 ** exponent - 1) * 1024));
}

function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

const ENCODE: Partial<Record<DType, (values: readonly number[]) => ArrayBufferView>> = {
  float32: (v) => Float32Array.from(v),
  float64: (v) => Float64Array.from(v),
  float16: (v) => Uint16Array.from(v, halfBits),
  bfloat16: (v) => Uint16Array.from(new Uint32Array(Float32Array.from(v).buffer), (bits) => bits >>> 16),
  int64: (v) => BigInt64Array.from(v, (x) => BigInt(x)),
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
    data: { at: "memory", bytes: new Uint8Array(view.buffer, view.byteOffset, view.byteLength) },
  };
}

const DECODE: Partial<Record<DType, (view: DataView, n: number) => number[]>> = {
  float32: (v, n) => numbers(n, (i) => v.getFloat32(i * 4, true)),
  float64: (v, n) => numbers(n, (i) => v.getFloat64(i * 8, true)),
  float16: (v, n) => numbers(n, (i) => halfValue(v.getUint16(i * 2, true))),
  int64: (v, n) => numbers(n, (i) => Number(v.getBigInt64(i * 8, true))),
  int32: (v, n) => numbers(n, (i) => v.getInt32(i * 4, true)),
  int8: (v, n) => numbers(n, (i) => v.getInt8(i)),
  uint8: (v, n) => numbers(n, (i) => v.getUint8(i)),
  bool: (v, n) => numbers(n, (i) => v.getUint8(i)),
};

function numbers(n: number, at: (i: number) => number): number[] {
  return Array.from({ length: n }, (_, i) => at(i));
}

/** Numbers of a small constant in memory; undefined where its bytes are elsewhere or its type has no plain numbers. */
export function numbersIn(tensor: Tensor): number[] | undefined {
  const decode = DECODE[tensor.dtype];
  if (tensor.data.at !== "memory" || decode === undefined) return undefined;
  const { bytes } = tensor.data;
  const n = tensor.dims.reduce((size, d) => size * d, 1);
  return decode(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), n);
}
