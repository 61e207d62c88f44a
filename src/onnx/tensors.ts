import { bug, IngotError } from "../base/errors.ts";
import type { DType, Tensor } from "./model.ts";

interface DTypeEntry {
  /** `TensorProto.DataType`. */
  readonly code: number;
  /** Bits an element takes; undefined for text. */
  readonly bits: number | undefined;
  readonly isFloat: boolean;
}

/** The element types that ingot reads. */
export const DTYPES = {
  float32: { code: 1, bits: 32, isFloat: true },
  uint8: { code: 2, bits: 8, isFloat: false },
  int8: { code: 3, bits: 8, isFloat: false },
  uint16: { code: 4, bits: 16, isFloat: false },
  int16: { code: 5, bits: 16, isFloat: false },
  int32: { code: 6, bits: 32, isFloat: false },
  int64: { code: 7, bits: 64, isFloat: false },
  string: { code: 8, bits: undefined, isFloat: false },
  bool: { code: 9, bits: 8, isFloat: false },
  float16: { code: 10, bits: 16, isFloat: true },
  float64: { code: 11, bits: 64, isFloat: true },
  uint32: { code: 12, bits: 32, isFloat: false },
  uint64: { code: 13, bits: 64, isFloat: false },
  bfloat16: { code: 16, bits: 16, isFloat: true },
  uint4: { code: 21, bits: 4, isFloat: false },
  int4: { code: 22, bits: 4, isFloat: false },
} as const satisfies Record<DType, DTypeEntry>;

const BY_CODE = new Map<number, DType>(
  Object.entries(DTYPES).map(([name, entry]) => [entry.code, name as DType]),
);

/** Names of `TensorProto.DataType` that ingot does not read, for messages. */
const OTHER_NAMES = new Map([
  [0, "UNDEFINED"],
  [14, "COMPLEX64"],
  [15, "COMPLEX128"],
  [17, "FLOAT8E4M3FN"],
  [18, "FLOAT8E4M3FNUZ"],
  [19, "FLOAT8E5M2"],
  [20, "FLOAT8E5M2FNUZ"],
  [23, "FLOAT4E2M1"],
  [24, "FLOAT8E8M0"],
]);

/** The type behind a `TensorProto.DataType`; undefined for one that ingot does not read. */
export function dtypeOfCode(code: number): DType | undefined {
  return BY_CODE.get(code);
}

/** What to call a `TensorProto.DataType` in a message. */
export function nameOfCode(code: number): string {
  return BY_CODE.get(code) ?? OTHER_NAMES.get(code) ?? `type ${code}`;
}

/** True for the floating point types. */
export function isFloat(dtype: DType): boolean {
  return DTYPES[dtype].isFloat;
}

/** Number of elements; undefined where the product leaves the exact range or a dimension is no count. */
export function elementCount(dims: readonly number[]): number | undefined {
  if (dims.some((dim) => !Number.isSafeInteger(dim) || dim < 0)) return undefined;
  if (dims.includes(0)) return 0;
  let count = 1;
  for (const dim of dims) {
    count *= dim;
    if (count > Number.MAX_SAFE_INTEGER) return undefined;
  }
  return count;
}

/** Bytes of a tensor; undefined for text and where the number overflows. */
export function tensorBytes(dtype: DType, dims: readonly number[]): number | undefined {
  const bits = (DTYPES[dtype] as DTypeEntry).bits;
  const count = elementCount(dims);
  if (bits === undefined || count === undefined) return undefined;
  const bytes = bits === 4 ? Math.ceil(count / 2) : count * (bits / 8);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Elements of a tensor whose dimensions were checked. */
export function sizeOf(tensor: { readonly dims: readonly number[] }): number {
  return elementCount(tensor.dims) ?? bug("dimensions that were not checked");
}

/** The bytes of a tensor in memory. Throws `input.tensor` for one that lies in a file: whoever reads files puts it in memory first. */
export function bytesInMemory(tensor: Tensor): Uint8Array {
  if (tensor.data.at === "memory") return tensor.data.bytes;
  throw new IngotError("input.tensor", `a tensor of '${tensor.data.path}' is needed but was not loaded`);
}

/** A copy at an address that is a multiple of `alignment`, or the bytes themselves where they already are. */
function aligned(bytes: Uint8Array, alignment: number): Uint8Array {
  return bytes.byteOffset % alignment === 0 ? bytes : bytes.slice();
}

type Numbers =
  | Float32Array
  | Float64Array
  | Uint16Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Int32Array
  | Uint32Array;

/** The elements of a tensor in memory: float16 and bfloat16 as their bits, bool as bytes, 4-bit types packed two a byte. */
export type TensorArray = Numbers | BigInt64Array | BigUint64Array;

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  int4: Uint8Array,
  uint4: Uint8Array,
} as const;

/** An array for `count` elements of a type, all of them `value`; float16 and bfloat16 take their bits. */
export function filledArray(dtype: Exclude<DType, "string">, count: number, value: number): TensorArray {
  const array = new ARRAYS[dtype](DTYPES[dtype].bits === 4 ? Math.ceil(count / 2) : count);
  if (array instanceof BigInt64Array || array instanceof BigUint64Array) return array.fill(BigInt(value));
  return array.fill(value);
}

/** The bytes of a tensor as the typed array of its type (float16 and bfloat16 as their bits, 4-bit types as packed bytes); a view where the alignment allows. */
export function typedArray(dtype: DType, bytes: Uint8Array): TensorArray {
  if (dtype === "string") throw new IngotError("input.tensor", "a tensor of text has no numbers");
  const Type = ARRAYS[dtype];
  const source = aligned(bytes, Type.BYTES_PER_ELEMENT);
  return new Type(
    source.buffer as ArrayBuffer,
    source.byteOffset,
    Math.floor(source.byteLength / Type.BYTES_PER_ELEMENT),
  );
}

/** The elements as numbers (int64 exactly below 2^53), whatever the type; a fresh array. For small tensors. */
export function numbersOf(tensor: Tensor): number[] {
  const bytes = bytesInMemory(tensor);
  const { dtype } = tensor;
  if (dtype === "float16" || dtype === "bfloat16") return [...widenToFloat32(dtype, bytes)];
  if (dtype === "int4" || dtype === "uint4") return unpack4(bytes, sizeOf(tensor), dtype === "int4");
  return Array.from(typedArray(dtype, bytes) as Numbers, Number);
}

function unpack4(bytes: Uint8Array, count: number, signed: boolean): number[] {
  return Array.from({ length: count }, (_, i) => {
    const half = ((bytes[i >> 1] as number) >> (i % 2 === 0 ? 0 : 4)) & 15;
    return signed && half > 7 ? half - 16 : half;
  });
}

const word = new DataView(new ArrayBuffer(4));

/** The value of a float16 given by its bits (IEEE 754 binary16). */
export function float16ToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The bits of the nearest float16, ties to even; overflow becomes infinity. */
export function numberToFloat16(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size >= 65520) return sign | 0x7c00;
  if (size < 2 ** -14) return sign | roundHalfEven(size * 2 ** 24);
  let exponent = Math.floor(Math.log2(size));
  if (2 ** exponent > size) exponent--;
  if (2 ** (exponent + 1) <= size) exponent++;
  const fraction = roundHalfEven((size / 2 ** exponent - 1) * 1024);
  return sign | (((exponent + 15) << 10) + fraction);
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** float16 or bfloat16 bytes widened to float32, exactly; a fresh array. */
export function widenToFloat32(dtype: "float16" | "bfloat16", bytes: Uint8Array): Float32Array {
  const bits = typedArray(dtype, bytes) as Uint16Array;
  const out = new Float32Array(bits.length);
  if (dtype === "float16") {
    for (let i = 0; i < bits.length; i++) out[i] = float16ToNumber(bits[i] as number);
  } else {
    for (let i = 0; i < bits.length; i++) {
      word.setUint32(0, (bits[i] as number) * 65536);
      out[i] = word.getFloat32(0);
    }
  }
  return out;
}

function view(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer as ArrayBuffer, array.byteOffset, array.byteLength);
}

/** A float32 tensor over an array, which is not copied. */
export function floatTensor(dims: readonly number[], values: Float32Array | readonly number[]): Tensor {
  const data = values instanceof Float32Array ? values : Float32Array.from(values);
  return { dtype: "float32", dims, data: { at: "memory", bytes: view(data) } };
}

/** An int64 tensor; numbers beyond the range become its ends. */
export function intTensor(dims: readonly number[], values: readonly number[]): Tensor {
  const data = BigInt64Array.from(values, clampInt64);
  return { dtype: "int64", dims, data: { at: "memory", bytes: view(data) } };
}

function clampInt64(value: number): bigint {
  if (value >= 2 ** 63) return 2n ** 63n - 1n;
  return value <= -(2 ** 63) ? -(2n ** 63n) : BigInt(value);
}
