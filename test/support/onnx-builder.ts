import { makeNode } from "../../src/onnx/edit.ts";
import type { Attribute, DType, Model, Node, Tensor, ValueInfo } from "../../src/onnx/model.ts";
import { floatTensor, intTensor } from "../../src/onnx/tensors.ts";

/** What a small model of a test is made of; everything but nodes has a default. */
export interface ModelParts {
  readonly nodes: readonly Node[];
  readonly inputs?: readonly ValueInfo[];
  readonly outputs?: readonly (ValueInfo | string)[];
  readonly initializers?: Readonly<Record<string, Tensor>>;
  readonly opset?: number;
  readonly opsets?: Readonly<Record<string, number>>;
  readonly producer?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly functions?: ReadonlyMap<string, Uint8Array>;
}

/** A model in code. The outputs default to those of the last node. */
export function buildModel(parts: ModelParts): Model {
  const outputs = parts.outputs ?? parts.nodes.at(-1)?.outputs ?? [];
  return {
    irVersion: 9,
    opsets: new Map([["", parts.opset ?? 18], ...Object.entries(parts.opsets ?? {})]),
    graph: {
      name: "test",
      nodes: parts.nodes,
      inputs: parts.inputs ?? [],
      outputs: outputs.map((output) => (typeof output === "string" ? { name: output } : output)),
      initializers: new Map(Object.entries(parts.initializers ?? {})),
    },
    functions: parts.functions ?? new Map(),
    metadata: new Map(Object.entries(parts.metadata ?? {})),
    producer: parts.producer ?? "",
  };
}

/** Plain values as attributes: whole numbers are `int`, others `float` (write 1.5, or an Attribute for exactly 1). */
export type PlainAttribute = number | string | readonly number[] | Attribute;

export interface NodeExtras {
  readonly domain?: string;
  readonly name?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A node with attributes given as plain values. */
export function node(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, PlainAttribute>> = {},
  extras: NodeExtras = {},
): Node {
  const made = makeNode(op, inputs, outputs, {
    attributes: new Map(Object.entries(attributes).map(([name, value]) => [name, attributeOf(value)])),
    ...(extras.domain === undefined ? {} : { domain: extras.domain }),
    name: extras.name ?? "",
  });
  return { ...made, metadata: new Map(Object.entries(extras.metadata ?? {})) };
}

function attributeOf(value: PlainAttribute): Attribute {
  if (typeof value === "number") return { type: Number.isInteger(value) ? "int" : "float", value };
  if (typeof value === "string") return { type: "string", value };
  if (Array.isArray(value))
    return { type: value.every(Number.isInteger) ? "ints" : "floats", value: value as readonly number[] };
  return value as Attribute;
}

export function input(name: string, dims: readonly (number | string)[], dtype: DType = "float32"): ValueInfo {
  return { name, dtype, dims };
}

/** A float32 tensor of the given numbers, or of a fixed pattern of small numbers where none are given. */
export function floats(dims: readonly number[], values?: readonly number[]): Tensor {
  const count = dims.reduce((product, dim) => product * dim, 1);
  return floatTensor(dims, values ?? Array.from({ length: count }, (_, i) => Math.sin(i + 1) / 2));
}

export function ints(values: readonly number[], dims: readonly number[] = [values.length]): Tensor {
  return intTensor(dims, values);
}
