import { IngotError } from "../base/errors.ts";
import { decodeFunction, type ModelFunction } from "./decode-graph.ts";
import { nodeLabel, sortNodes, subgraphsOf } from "./graph-order.ts";
import type { Graph, Model, Node } from "./model.ts";

/** Opset versions of the default domain grow by about two a year; version 26 is of 2025. */
const MAX_OPSET = 64;
/** Nodes that a model's functions may come to, written out. */
const MAX_INLINED_NODES = 1_000_000;
const MAX_FUNCTION_DEPTH = 64;

function fault(what: string, where: string): never {
  throw new IngotError("input.model", what, { hint: "export the model again", data: { where } });
}

/**
 * Checks that a graph can be run at all: a plausible opset, every value made once and before it is read somewhere, no circle,
 * functions that end. Throws `input.model` naming the node.
 */
export function validateModel(model: Model): void {
  checkOpsets(model);
  checkGraph(model.graph, new Set());
  checkFunctions(model);
}

function checkOpsets({ opsets, graph, functions }: Model): void {
  for (const [domain, version] of opsets) {
    const name = domain === "" ? "ai.onnx" : domain;
    const most = domain === "" ? MAX_OPSET : Number.MAX_SAFE_INTEGER;
    if (version < 1 || version > most)
      fault(`the model asks for version ${version} of the operators '${name}'`, `opset_import '${name}'`);
  }
  for (const node of graph.nodes) {
    if (
      !opsets.has(node.domain) &&
      !(node.domain === "" && opsets.size === 0) &&
      !functions.has(`${node.domain}:${node.op}`)
    ) {
      fault(`${nodeLabel(node)} is of a domain that the model does not import`, nodeLabel(node));
    }
  }
}

function checkGraph(graph: Graph, outer: ReadonlySet<string>): void {
  const known = new Set(outer);
  const made = new Set<string>();
  const make = (name: string, where: string) => {
    if (made.has(name)) fault(`the value '${name}' is made twice`, where);
    made.add(name);
    known.add(name);
  };
  for (const { name } of graph.inputs) {
    if (name === "") fault("the graph has an input without a name", "graph inputs");
    make(name, `input '${name}'`);
  }
  for (const name of graph.initializers.keys()) make(name, `initialiser '${name}'`);
  for (const node of graph.nodes) {
    if (node.op === "") fault("a node has no operator", nodeLabel(node));
    for (const output of node.outputs) if (output !== "") make(output, nodeLabel(node));
  }
  for (const node of graph.nodes) checkReads(node, known);
  for (const { name } of graph.outputs) {
    if (!known.has(name)) fault(`nothing makes the output '${name}'`, `output '${name}'`);
  }
  sortNodes(graph.nodes);
}

function checkReads(node: Node, known: ReadonlySet<string>): void {
  for (const input of node.inputs) {
    if (input !== "" && !known.has(input))
      fault(`${nodeLabel(node)} reads '${input}', which nothing makes`, nodeLabel(node));
  }
  for (const graph of subgraphsOf(node)) checkGraph(graph, known);
}

/** Functions may call each other, but neither in a circle nor so often that writing them out has no end. */
function checkFunctions({ functions, graph }: Model): void {
  if (functions.size === 0) return;
  const decoded = new Map<string, ModelFunction>(
    [...functions].map(([name, bytes]) => [name, decodeFunction(bytes)]),
  );
  const sizes = new Map<string, number>();
  const open = new Set<string>();
  const sizeOfNodes = (nodes: readonly Node[]): number => {
    let sum = 0;
    for (const node of nodes) {
      sum += sizeOfFunction(`${node.domain}:${node.op}`);
      for (const inner of subgraphsOf(node)) sum += sizeOfNodes(inner.nodes);
    }
    return sum;
  };
  const sizeOfFunction = (name: string): number => {
    const known = sizes.get(name);
    const body = decoded.get(name);
    if (known !== undefined || body === undefined) return known ?? 1;
    if (open.has(name)) fault(`the function '${name}' calls itself`, `function '${name}'`);
    if (open.size >= MAX_FUNCTION_DEPTH)
      fault(`functions call each other more than ${MAX_FUNCTION_DEPTH} deep`, `function '${name}'`);
    open.add(name);
    const size = sizeOfNodes(body.nodes);
    open.delete(name);
    sizes.set(name, size);
    return size;
  };
  if (sizeOfNodes(graph.nodes) > MAX_INLINED_NODES)
    fault(`the model's functions come to more than ${MAX_INLINED_NODES} nodes`, "functions");
  for (const name of decoded.keys()) sizeOfFunction(name);
}
