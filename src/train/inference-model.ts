import { readsOf } from "../onnx/graph-order.ts";
import type { Model, ValueInfo } from "../onnx/model.ts";
import type { AdapterLayers } from "./adapter.ts";
import { attachAdapters } from "./attach.ts";

/** The user's model at its own symbolic dimensions with adapters added, whose tensors are graph inputs. */
export function inferenceModel(model: Model, adapters: readonly AdapterLayers[]): Model {
  if (adapters.length === 0) return model;
  const attached = attachAdapters(model.graph.nodes, adapters);
  const inputs: ValueInfo[] = attached.inputs.map(({ name, dims }) => ({ name, dtype: "float32", dims }));
  const used = new Set(attached.nodes.flatMap(readsOf));
  const initializers = new Map(
    [...model.graph.initializers].filter(
      ([name]) => used.has(name) || model.graph.outputs.some((o) => o.name === name),
    ),
  );
  return {
    ...model,
    opsets: new Map([...model.opsets, ["com.microsoft", 1]]),
    graph: {
      ...model.graph,
      nodes: attached.nodes,
      inputs: [...model.graph.inputs, ...inputs],
      initializers: new Map([...initializers, ...attached.constants]),
    },
  };
}
