import { literal } from "../../src/autodiff/literals.ts";
import type { Attribute, DType, Model, Node, Tensor } from "../../src/onnx/model.ts";
import type { HostTensor } from "../../src/runtime/session.ts";

export type Attributes = Readonly<
  Record<
    string,
    | number
    | string
    | readonly number[]
    | { readonly float: number }
    | { readonly floats: readonly number[] }
    | Attribute
  >
>;

/** `op` or `domain:op`, inputs, outputs, attributes. */
export type NodeSpec = readonly [
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes?: Attributes,
];

/** A tensor written in a test: dims with numbers, or dims with numbers drawn from a seed within a range. */
export interface TensorSpec {
  readonly dims: readonly number[];
  readonly dtype?: DType;
  readonly values?: readonly number[];
  readonly low?: number;
  readonly high?: number;
}

export interface ModelSpec {
  readonly opset?: number;
  readonly nodes: readonly NodeSpec[];
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  /** Initialisers. */
  readonly constants?: Readonly<Record<string, TensorSpec>>;
  readonly outputs: readonly string[];
}

function attribute(value: Attributes[string]): Attribute {
  if (typeof value === "number") return { type: "int", value };
  if (typeof value === "string") return { type: "string", value };
  if (Array.isArray(value)) return { type: "ints", value };
  if ("float" in value) return { type: "float", value: value.float };
  if ("floats" in value) return { type: "floats", value: value.floats };
  return value as Attribute;
}

/** A small deterministic generator of numbers in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function numbersFor(spec: TensorSpec, random: () => number): number[] {
  const count = spec.dims.reduce((n, d) => n * d, 1);
  const { low = -1, high = 1 } = spec;
  return spec.values !== undefined
    ? [...spec.values]
    : Array.from({ length: count }, () => low + (high - low) * random()).map((v) =>
        spec.dtype === "uint8" ? Math.floor(v) : v,
      );
}

function tensorFor(spec: TensorSpec, random: () => number): Tensor {
  return literal(numbersFor(spec, random), spec.dims, spec.dtype ?? "float32");
}

/** A model from its nodes; constants are drawn from `random`. */
export function smallModel(spec: ModelSpec, random = seeded(1)): Model {
  const nodes = spec.nodes.map(([name, inputs, outputs, attributes = {}], i): Node => {
    const [op, domain] = name.includes(":") ? [name.split(":")[1]!, name.split(":")[0]!] : [name, ""];
    const entries = Object.entries(attributes).map(([key, value]) => [key, attribute(value)] as const);
    return {
      op,
      domain,
      name: `node ${i}`,
      inputs,
      outputs,
      attributes: new Map(entries),
      metadata: new Map(),
    };
  });
  const domains = nodes.map((n) => n.domain).filter((d) => d !== "");
  return {
    irVersion: 8,
    opsets: new Map([["", spec.opset ?? 18], ...domains.map((d) => [d, 1] as const)]),
    graph: {
      name: "small",
      nodes,
      inputs: Object.entries(spec.inputs).map(([name, t]) => ({
        name,
        dtype: t.dtype ?? "float32",
        dims: t.dims,
      })),
      outputs: spec.outputs.map((name) => ({ name })),
      initializers: new Map(
        Object.entries(spec.constants ?? {}).map(([name, t]) => [name, tensorFor(t, random)]),
      ),
    },
    functions: new Map(),
    metadata: new Map(),
    producer: "test",
  };
}

/** Values for the inputs of a model, by name. */
export function inputsFor(spec: ModelSpec, random = seeded(2)): Map<string, HostTensor> {
  return new Map(
    Object.entries(spec.inputs).map(([name, t]) => {
      const tensor = tensorFor(t, random);
      return [name, hostTensor(tensor)] as const;
    }),
  );
}

const ARRAYS: Partial<Record<DType, new (buffer: ArrayBuffer) => HostTensor["data"]>> = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

export function hostTensor({ dtype, dims, data }: Tensor): HostTensor {
  if (data.at !== "memory") throw new Error("in memory only");
  return { dtype, dims, data: new ARRAYS[dtype]!(data.bytes.slice().buffer as ArrayBuffer) };
}
