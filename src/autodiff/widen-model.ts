import { makeNode, replaceReads, withGraph } from "../onnx/edit.ts";
import type { DType, Model, Node, Tensor, ValueInfo } from "../onnx/model.ts";
import { sizeOf } from "../onnx/tensors.ts";
import { elemType } from "./builder.ts";
import { widenAttributes, widenTensor } from "./widen.ts";

/** Narrow initialisers of more elements than this stay as they are stored and are cast where they are read. */
const STORED_ELEMENTS = 1024;

function isNarrow(dtype: DType | undefined): boolean {
  return dtype === "float16" || dtype === "bfloat16";
}

/**
 * The model computing in float32 what it computes in float16 or bfloat16, with exactly the values of the file: weights stay
 * narrow where they lie and are cast where they are read; inputs and outputs become float32. A model without narrow values is
 * returned as it is.
 */
export function widenModel(model: Model): Model {
  const { graph } = model;
  const isWide =
    ![...graph.initializers.values()].some((t) => isNarrow(t.dtype)) &&
    !graph.inputs.some((i) => isNarrow(i.dtype));
  if (isWide) return model;
  const casts: Node[] = [];
  const names = new Map<string, string>();
  const initializers = new Map<string, Tensor>();
  for (const [name, tensor] of graph.initializers) {
    const stays = tensor.data.at === "file" || sizeOf(tensor) > STORED_ELEMENTS;
    if (!isNarrow(tensor.dtype) || !stays) {
      initializers.set(name, widenTensor(tensor));
      continue;
    }
    initializers.set(name, tensor);
    names.set(name, `${name}/float32`);
    const attributes = new Map([["to", { type: "int", value: elemType("float32") } as const]]);
    casts.push(makeNode("Cast", [name], [`${name}/float32`], { name: `${name}/Cast_float32`, attributes }));
  }
  const nodes = replaceReads(graph.nodes, names).map((node) => ({
    ...node,
    attributes: widenAttributes(node),
  }));
  const wide = (value: ValueInfo): ValueInfo =>
    isNarrow(value.dtype) ? { ...value, dtype: "float32" } : value;
  return withGraph(model, {
    nodes: [...casts, ...nodes],
    inputs: graph.inputs.map(wide),
    outputs: graph.outputs.map(wide),
    initializers,
  });
}
