import { decodeFunction, type ModelFunction } from "./decode-graph.ts";
import { makeNode, replaceReads, withGraph } from "./edit.ts";
import type { Attribute, Graph, Model, Node, Tensor } from "./model.ts";
import { MessageReader } from "./protobuf.ts";

/** Nodes and constants that stand in the place of one node. */
export interface Inlined {
  readonly nodes: readonly Node[];
  readonly initializers: ReadonlyMap<string, Tensor>;
}

/** Nesting of functions that is written out. */
const MAX_ROUNDS = 64;

/**
 * One branch of an `If` in the place of the node. The branch's values get names of their own, its outputs become the node's.
 */
export function inlineBranch(node: Node, branch: Graph): Inlined {
  return inlineBody(
    node,
    branch.nodes,
    branch.initializers,
    new Map(),
    branch.outputs.map(({ name }) => name),
  );
}

/**
 * The model with calls of its own functions written out, as far as the function uses the same operator versions as the model.
 * Functions that are left stay functions.
 */
export function inlineFunctions(model: Model): Model {
  if (model.functions.size === 0) return model;
  const functions = new Map([...model.functions].map(([name, bytes]) => [name, decodeFunction(bytes)]));
  let { nodes } = model.graph;
  const initializers = new Map(model.graph.initializers);
  for (let round = 0; round < MAX_ROUNDS && nodes.some((node) => isCall(node, functions, model)); round++) {
    nodes = nodes.flatMap((node) => {
      const body = functions.get(`${node.domain}:${node.op}`);
      if (body === undefined || !isCall(node, functions, model)) return [node];
      const inlined = inlineCall(node, body);
      for (const [name, tensor] of inlined.initializers) initializers.set(name, tensor);
      return inlined.nodes;
    });
  }
  const opsets = new Map([
    ...[...functions.values()].flatMap(({ opsets: own }) => [...own]),
    ...model.opsets,
  ]);
  return { ...withGraph(model, { nodes, initializers }), opsets };
}

function isCall(node: Node, functions: ReadonlyMap<string, ModelFunction>, model: Model): boolean {
  const body = functions.get(`${node.domain}:${node.op}`);
  if (body === undefined) return false;
  return [...body.opsets].every(([domain, version]) => (model.opsets.get(domain) ?? version) === version);
}

function inlineCall(node: Node, body: ModelFunction): Inlined {
  const actual = new Map(body.inputs.map((name, i) => [name, node.inputs[i] ?? ""]));
  const nodes = body.nodes.map((inner) => ({ ...inner, attributes: bindAttributes(inner, node, body) }));
  return inlineBody(node, nodes, new Map(), actual, body.outputs);
}

/** Attributes of a node in a function, references to the call's attributes replaced; one that the call does not give is left out. */
function bindAttributes(inner: Node, call: Node, body: ModelFunction): ReadonlyMap<string, Attribute> {
  const bound = new Map<string, Attribute>();
  for (const [name, attribute] of inner.attributes) {
    const reference = attribute.type === "opaque" ? referenceOf(attribute.value) : undefined;
    const value =
      reference === undefined ? attribute : (call.attributes.get(reference) ?? body.defaults.get(reference));
    if (value !== undefined) bound.set(name, value);
  }
  return bound;
}

const REF_ATTR_NAME = 21;

/** The attribute of the function that an attribute stands for. */
function referenceOf(bytes: Uint8Array): string | undefined {
  const reader = new MessageReader(bytes);
  while (reader.next()) {
    if (reader.field === REF_ATTR_NAME) return reader.text();
    reader.skip();
  }
  return undefined;
}

function inlineBody(
  node: Node,
  body: readonly Node[],
  constants: ReadonlyMap<string, Tensor>,
  inputs: ReadonlyMap<string, string>,
  outputs: readonly string[],
): Inlined {
  const prefix = node.outputs.find((output) => output !== "") ?? node.name;
  const names = new Map(inputs);
  for (const name of [...constants.keys(), ...body.flatMap((inner) => inner.outputs)]) {
    if (name !== "") names.set(name, `${prefix}/${name}`);
  }
  const passed: Node[] = [];
  outputs.forEach((name, i) => {
    const target = node.outputs[i] ?? "";
    if (target === "") return;
    const isMade = body.some((inner) => inner.outputs.includes(name)) && outputs.indexOf(name) === i;
    if (isMade) names.set(name, target);
    else
      passed.push(
        makeNode("Identity", [names.get(name) ?? name], [target], { name: `${prefix}/${i}/Identity` }),
      );
  });
  const nodes = replaceReads(body, names).map((inner) => ({
    ...inner,
    name: inner.name === "" ? "" : `${node.name}/${inner.name}`,
    outputs: inner.outputs.map((output) => names.get(output) ?? output),
  }));
  const initializers = new Map([...constants].map(([name, tensor]) => [names.get(name) as string, tensor]));
  return { nodes: [...nodes, ...passed], initializers };
}
