import type { Attribute, DType, Node, Tensor } from "../onnx/model.ts";
import type { StaticGraph } from "../onnx/static-graph.ts";
import { bytesInMemory, widenToFloat32 } from "../onnx/tensors.ts";
import { createBuilder, elemType } from "./builder.ts";
import type { StaticValue } from "./rule.ts";

export interface Widened {
  readonly graph: StaticGraph;
  /** Narrow input or weight -> the float32 value that stands for it: differentiate with respect to this one. */
  readonly widened: ReadonlyMap<string, string>;
}

type Narrow = "float16" | "bfloat16";

function isNarrow(dtype: DType): dtype is Narrow {
  return dtype === "float16" || dtype === "bfloat16";
}

/**
 * The graph computing in float32 what it computed in float16 or bfloat16: narrow weights and inputs stay as they are stored and
 * are cast where they are read, constants are widened, casts to narrow types become casts to float32. Values keep their names.
 */
export function widenGraph(graph: StaticGraph): Widened {
  if (![...graph.values.values()].some(({ dtype }) => isNarrow(dtype))) return { graph, widened: new Map() };
  const g = createBuilder(graph, "wide");
  const widened = new Map<string, string>();
  for (const [name, { dtype }] of [...graph.inputs, ...graph.weights]) {
    if (isNarrow(dtype)) widened.set(name, g.cast(name, "float32"));
  }
  const constants = new Map(
    [...graph.constants].map(([name, tensor]) => [name, widenTensor(tensor)] as const),
  );
  const values = new Map<string, StaticValue>(g.values);
  for (const [name, value] of graph.values) {
    const stays = graph.inputs.has(name) || graph.weights.has(name) || !isNarrow(value.dtype);
    values.set(name, stays ? value : { ...value, dtype: "float32" });
  }
  const nodes = graph.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map((name) => widened.get(name) ?? name),
    attributes: widenAttributes(node),
  }));
  const outputs = graph.outputs.map((name) => widened.get(name) ?? name);
  return { graph: { ...graph, nodes: [...g.nodes, ...nodes], constants, values, outputs }, widened };
}

/** A float16 or bfloat16 constant as float32; others as they are. */
export function widenTensor(tensor: Tensor): Tensor {
  if (!isNarrow(tensor.dtype)) return tensor;
  const wide = widenToFloat32(tensor.dtype, bytesInMemory(tensor));
  return { dtype: "float32", dims: tensor.dims, data: { at: "memory", bytes: new Uint8Array(wide.buffer) } };
}

const TYPE_ATTRIBUTES = new Set(["to", "dtype", "output_dtype"]);
const NARROW_CODES = new Set([elemType("float16"), elemType("bfloat16")]);

/** Attributes of a node with narrow constants and casts to narrow types widened. */
export function widenAttributes(node: Node): ReadonlyMap<string, Attribute> {
  const widen = (name: string, attribute: Attribute): Attribute => {
    if (attribute.type === "tensor") return { type: "tensor", value: widenTensor(attribute.value) };
    if (attribute.type === "int" && TYPE_ATTRIBUTES.has(name) && NARROW_CODES.has(attribute.value))
      return { type: "int", value: elemType("float32") };
    return attribute;
  };
  return new Map([...node.attributes].map(([name, attribute]) => [name, widen(name, attribute)]));
}
