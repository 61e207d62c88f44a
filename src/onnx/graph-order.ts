import { IngotError } from "../base/errors.ts";
import type { Graph, Node } from "./model.ts";

/** How a node is called in messages. */
export function nodeLabel(node: Node): string {
  const op = node.domain === "" ? node.op : `${node.domain}::${node.op}`;
  const name = node.name !== "" ? node.name : (node.outputs.find((output) => output !== "") ?? "");
  return `${op} node '${name}'`;
}

/** Subgraphs of a node (branches of If, bodies of Loop and Scan), by attribute. */
export function subgraphsOf(node: Node): Graph[] {
  const graphs: Graph[] = [];
  for (const attribute of node.attributes.values())
    if (attribute.type === "graph") graphs.push(attribute.value);
  return graphs;
}

/** Values that a node reads: its inputs, and what its subgraphs take from outside. Omitted inputs are left out. */
export function readsOf(node: Node): string[] {
  const reads = node.inputs.filter((input) => input !== "");
  for (const graph of subgraphsOf(node)) for (const name of outerReads(graph)) reads.push(name);
  return reads;
}

/** Names that a subgraph uses without defining them. */
export function outerReads(graph: Graph): string[] {
  const defined = new Set([...graph.inputs.map((input) => input.name), ...graph.initializers.keys()]);
  for (const node of graph.nodes) for (const output of node.outputs) defined.add(output);
  const reads = new Set<string>();
  for (const node of graph.nodes) for (const name of readsOf(node)) if (!defined.has(name)) reads.add(name);
  for (const output of graph.outputs) if (!defined.has(output.name)) reads.add(output.name);
  return [...reads];
}

/** The node that makes each value. */
export function producersOf(nodes: readonly Node[]): Map<string, Node> {
  const producers = new Map<string, Node>();
  for (const node of nodes) for (const output of node.outputs) if (output !== "") producers.set(output, node);
  return producers;
}

/** The nodes that read each value, in their order, a node once a value. */
export function usersOf(nodes: readonly Node[]): Map<string, Node[]> {
  const users = new Map<string, Node[]>();
  for (const node of nodes) {
    for (const name of new Set(readsOf(node))) {
      const list = users.get(name);
      if (list === undefined) users.set(name, [node]);
      else list.push(node);
    }
  }
  return users;
}

/**
 * Nodes in an order in which every value is made before it is read; of several such orders the one closest to the given one.
 * Throws `input.model` naming a node of a cycle.
 */
export function sortNodes(nodes: readonly Node[]): Node[] {
  const producers = producersOf(nodes);
  const state = new Map<Node, "open" | "done">();
  const sorted: Node[] = [];
  for (const root of nodes) {
    const stack: { node: Node; reads: string[]; at: number }[] = [];
    const enter = (node: Node) => {
      state.set(node, "open");
      stack.push({ node, reads: readsOf(node), at: 0 });
    };
    if (!state.has(root)) enter(root);
    while (stack.length > 0) {
      const top = stack[stack.length - 1] as (typeof stack)[number];
      const read = top.reads[top.at++];
      if (read === undefined) {
        state.set(top.node, "done");
        sorted.push(top.node);
        stack.pop();
        continue;
      }
      const producer = producers.get(read);
      if (producer === undefined || state.get(producer) === "done") continue;
      if (state.get(producer) === "open") {
        throw new IngotError("input.model", `the graph goes in a circle at ${nodeLabel(producer)}`, {
          data: { where: nodeLabel(producer), node: producer.name },
        });
      }
      enter(producer);
    }
  }
  return sorted;
}

/** The nodes that `outputs` depend on, in their order. */
export function liveNodes(nodes: readonly Node[], outputs: Iterable<string>): Node[] {
  const producers = producersOf(nodes);
  const live = new Set<Node>();
  const open = [...outputs];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const node = producers.get(name);
    if (node === undefined || live.has(node)) continue;
    live.add(node);
    for (const read of readsOf(node)) open.push(read);
  }
  return nodes.filter((node) => live.has(node));
}
