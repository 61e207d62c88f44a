/** Element types of ONNX tensors that ingot reads, by their name in `TensorProto.DataType`. */
export type DType =
  | "float32"
  | "float64"
  | "float16"
  | "bfloat16"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "uint8"
  | "uint16"
  | "uint32"
  | "uint64"
  | "bool"
  | "string"
  | "int4"
  | "uint4";

/** Where the little-endian bytes of a tensor are. `external` names a file of the model's own tree. */
export type TensorBytes =
  | { readonly at: "memory"; readonly bytes: Uint8Array }
  | { readonly at: "file"; readonly path: string; readonly offset: number; readonly length: number };

export interface Tensor {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly data: TensorBytes;
}

/** A dimension: a number, or the name of a symbolic one, or unknown (""). */
export type Dim = number | string;

export interface ValueInfo {
  readonly name: string;
  /** Absent where the file does not say, or where the value is no tensor. */
  readonly dtype?: DType;
  readonly dims?: readonly Dim[];
}

export type Attribute =
  | { readonly type: "float"; readonly value: number }
  | { readonly type: "int"; readonly value: number }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "tensor"; readonly value: Tensor }
  | { readonly type: "floats"; readonly value: readonly number[] }
  | { readonly type: "ints"; readonly value: readonly number[] }
  | { readonly type: "strings"; readonly value: readonly string[] }
  | { readonly type: "graph"; readonly value: Graph }
  /** Anything else (sparse tensors, type protos), kept as its encoded bytes. */
  | { readonly type: "opaque"; readonly value: Uint8Array };

export interface Node {
  readonly op: string;
  /** "" is ai.onnx. */
  readonly domain: string;
  readonly name: string;
  /** "" = omitted. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
  /** `metadata_props`, where dynamo exports keep module paths. */
  readonly metadata: ReadonlyMap<string, string>;
}

export interface Graph {
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly initializers: ReadonlyMap<string, Tensor>;
}

export interface Model {
  readonly irVersion: number;
  /** Opset version by domain; "" is ai.onnx. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly graph: Graph;
  /** FunctionProtos by domain + ":" + name, as their encoded bytes: kept, refused for training where used. */
  readonly functions: ReadonlyMap<string, Uint8Array>;
  readonly metadata: ReadonlyMap<string, string>;
  readonly producer: string;
}
