import { sortNodes } from "../onnx/graph-order.ts";
import type { Node, Tensor } from "../onnx/model.ts";
import type { StaticGraph } from "../onnx/static-graph.ts";
import { opsetsWith } from "./backward.ts";
import type { StaticValue } from "./rule.ts";

/** What is appended to a graph. Every output of `nodes` has an entry in `values`. */
export interface GraphExtension {
  readonly nodes?: readonly Node[];
  readonly inputs?: ReadonlyMap<string, StaticValue>;
  readonly weights?: ReadonlyMap<string, Tensor>;
  readonly constants?: ReadonlyMap<string, Tensor>;
  readonly values?: ReadonlyMap<string, StaticValue>;
  /** Replaces the outputs. */
  readonly outputs?: readonly string[];
}

/**
 * The graph with more nodes, which stand behind its own unless they are given between them: nodes are put in topological order
 * again. A node whose outputs the graph already has replaces the old one. Fresh maps; tensors are shared.
 */
export function extendGraph(graph: StaticGraph, extension: GraphExtension): StaticGraph {
  const {
    nodes = [],
    inputs = new Map(),
    weights = new Map(),
    constants = new Map(),
    values = new Map(),
  } = extension;
  const values_ = new Map([...graph.values, ...values]);
  for (const [name, value] of inputs) values_.set(name, value);
  for (const [name, { dtype, dims }] of [...weights, ...constants]) values_.set(name, { dtype, dims });
  const replaced = new Set(nodes.flatMap((node) => node.outputs));
  const kept = graph.nodes.filter((node) => !node.outputs.some((name) => name !== "" && replaced.has(name)));
  return {
    opsets: opsetsWith(graph.opsets, nodes),
    nodes: sortNodes([...kept, ...nodes]),
    inputs: new Map([...graph.inputs, ...inputs]),
    outputs: extension.outputs ?? graph.outputs,
    weights: new Map([...graph.weights, ...weights]),
    constants: new Map([...graph.constants, ...constants]),
    values: values_,
  };
}
