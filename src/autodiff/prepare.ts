import type { Node } from "../onnx/model.ts";
import type { StaticGraph } from "../onnx/static-graph.ts";
import { opsetsWith } from "./backward.ts";
import { createBuilder } from "./builder.ts";
import { createContext, REFUSED, Refusal } from "./context.ts";
import type { Rewrite } from "./rewrites/rewrite.ts";
import { findRewrite } from "./rewrites/table.ts";
import type { GraphBuilder } from "./rule.ts";
import { BLOCKS_SINCE } from "./rules/quantised.ts";

/** The oldest opset of ai.onnx in which gradients can be written: ScatterElements with reduction, axes as inputs. */
const MIN_OPSET = 18;

/**
 * The graph with the same values in operators that the gradient table knows: it is raised to opset 18 where it is older (with
 * the meaning its operators had), and composite operators (attention, recurrent layers, losses) become their parts. Names
 * and values of everything else stay. Call it once, before adapters, losses or gradients are added.
 * Composite operators that cannot be said in parts stay as they are; a gradient through them is refused.
 */
export function prepareForGradient(graph: StaticGraph): StaticGraph {
  const g = createBuilder(graph, "part");
  const renamed = new Map<string, string>();
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    const rewrite = findRewrite(node, graph.opsets);
    if (rewrite === undefined) {
      nodes.push(node);
      continue;
    }
    const start = g.nodes.length;
    const results = rewriteNode(graph, node, rewrite.parts, g);
    if (results instanceof Refusal) {
      // It may stand where no gradient passes; the walk says so where one does.
      nodes.push({ ...node, metadata: new Map([...node.metadata, [REFUSED, results.message]]) });
      continue;
    }
    const made = new Set(g.nodes.slice(start).flatMap((n) => n.outputs));
    node.outputs.forEach((name, i) => {
      const result = results[i];
      if (name === "" || result === undefined) return;
      if (made.has(result) && !renamed.has(result)) renamed.set(result, name);
      else g.ops("Identity", [result], {}, { out: [g.value(result)], names: [name] });
    });
    nodes.push(...g.nodes.slice(start));
  }
  const rename = (name: string) => renamed.get(name) ?? name;
  const values = new Map(graph.values);
  // The parts know their shapes better than the runtime's inference for composite operators.
  for (const [name, value] of g.values) values.set(rename(name), value);
  const opsets = new Map([...graph.opsets, ["", Math.max(oldestOpset(graph), graph.opsets.get("") ?? 1)]]);
  return {
    ...graph,
    opsets: opsetsWith(opsets, nodes),
    nodes: nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    })),
    constants: new Map([...graph.constants, ...g.constants]),
    values,
  };
}

/** Operators that mean something else between opsets 18 and 21. */
const CHANGED_TO_21 = new Set(["GroupNormalization", "GridSample"]);

function oldestOpset(graph: StaticGraph): number {
  const hasBlocks = graph.nodes.some((node) => node.op === "MatMulNBits");
  return hasBlocks && !graph.nodes.some((node) => CHANGED_TO_21.has(node.op)) ? BLOCKS_SINCE : MIN_OPSET;
}

/** The results of a node's parts, or why it has none. */
function rewriteNode(
  graph: StaticGraph,
  node: Node,
  parts: Rewrite["parts"],
  g: GraphBuilder,
): readonly (string | undefined)[] | Refusal {
  const opset = graph.opsets.get(node.domain) ?? 1;
  const constants = new Map([...graph.weights, ...graph.constants]);
  const ctx = createContext({
    node,
    opset,
    g,
    gradients: [],
    needed: [],
    constants,
    varying: new Set(),
    readers: new Map(),
  });
  try {
    return parts(ctx);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}
