import type { Attribute, Graph, Model, Node, Tensor } from "./model.ts";
import { floatTensor, intTensor } from "./tensors.ts";

const NO_METADATA: ReadonlyMap<string, string> = new Map();

/** What a new node is, apart from its inputs and outputs. */
export interface NodeParts {
  readonly domain?: string;
  readonly name?: string;
  readonly attributes?: ReadonlyMap<string, Attribute>;
}

/** A node of the default domain without name and attributes, but for `parts`. */
export function makeNode(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  parts: NodeParts = {},
): Node {
  return {
    op,
    domain: parts.domain ?? "",
    name: parts.name ?? "",
    inputs,
    outputs,
    attributes: parts.attributes ?? new Map(),
    metadata: NO_METADATA,
  };
}

/** The model with another graph. */
export function withGraph(model: Model, change: Partial<Graph>): Model {
  return { ...model, graph: { ...model.graph, ...change } };
}

/** The nodes with every read of `from` (a key) replaced by the value it maps to, in subgraphs as well. */
export function replaceReads(nodes: readonly Node[], replacements: ReadonlyMap<string, string>): Node[] {
  const change = (name: string) => replacements.get(name) ?? name;
  return nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map(change),
    attributes: mapGraphs(node.attributes, (graph) => {
      const defined = new Set([
        ...graph.inputs.map(({ name }) => name),
        ...graph.initializers.keys(),
        ...graph.nodes.flatMap(({ outputs }) => outputs),
      ]);
      const inner = new Map([...replacements].filter(([from]) => !defined.has(from)));
      if (inner.size === 0) return graph;
      return { ...graph, nodes: replaceReads(graph.nodes, inner) };
    }),
  }));
}

function mapGraphs(
  attributes: ReadonlyMap<string, Attribute>,
  change: (graph: Graph) => Graph,
): ReadonlyMap<string, Attribute> {
  let changed: Map<string, Attribute> | undefined;
  for (const [name, attribute] of attributes) {
    if (attribute.type !== "graph") continue;
    changed ??= new Map(attributes);
    changed.set(name, { type: "graph", value: change(attribute.value) });
  }
  return changed ?? attributes;
}

/** Turns `Constant` nodes of the main graph into initialisers under the same names. Sparse ones stay nodes. */
export function hoistConstants(model: Model): Model {
  const initializers = new Map(model.graph.initializers);
  const nodes = model.graph.nodes.filter((node) => {
    const tensor = constantOf(node);
    const name = node.outputs[0];
    if (tensor === undefined || name === undefined || initializers.has(name)) return true;
    initializers.set(name, tensor);
    return false;
  });
  return nodes.length === model.graph.nodes.length ? model : withGraph(model, { nodes, initializers });
}

/** The value of a `Constant` node; undefined for other nodes and for values kept as opaque bytes. */
function constantOf(node: Node): Tensor | undefined {
  if (node.op !== "Constant" || node.domain !== "") return undefined;
  for (const [name, attribute] of node.attributes) {
    if (name === "value" && attribute.type === "tensor") return attribute.value;
    if (name === "value_float" && attribute.type === "float") return floatTensor([], [attribute.value]);
    if (name === "value_floats" && attribute.type === "floats")
      return floatTensor([attribute.value.length], attribute.value);
    if (name === "value_int" && attribute.type === "int") return intTensor([], [attribute.value]);
    if (name === "value_ints" && attribute.type === "ints")
      return intTensor([attribute.value.length], attribute.value);
  }
  return undefined;
}
