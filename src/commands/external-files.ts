import path from "node:path";
import type { Attribute, Graph, Model, Tensor } from "../onnx/model.ts";

/** Paths of the weight files a model names, relative to the folder that `entry` is relative to; sorted, each once. */
export function externalFiles(model: Model, entry: string): readonly string[] {
  const found = new Set<string>();
  const folder = path.posix.dirname(entry);
  const see = (tensor: Tensor): void => {
    if (tensor.data.at === "file") found.add(path.posix.join(folder, tensor.data.path));
  };
  const seeAttribute = (attribute: Attribute): void => {
    if (attribute.type === "tensor") see(attribute.value);
    if (attribute.type === "graph") seeGraph(attribute.value);
  };
  const seeGraph = (graph: Graph): void => {
    for (const tensor of graph.initializers.values()) see(tensor);
    for (const node of graph.nodes) for (const attribute of node.attributes.values()) seeAttribute(attribute);
  };
  seeGraph(model.graph);
  return [...found].sort();
}
