import { IngotError } from "../base/errors.ts";
import type { Node } from "../onnx/model.ts";
import type { StaticGraph } from "../onnx/static-graph.ts";
import { opsetsWith } from "./backward.ts";
import { createBuilder } from "./builder.ts";
import { createContext, describeNode, describeOp, Refusal } from "./context.ts";
import { findRewrite } from "./rewrites/table.ts";

/** The oldest opset of ai.onnx in which gradients can be written: ScatterElements with reduction, axes as inputs. */
const MIN_OPSET = 18;

/**
 * The graph with the same values in operators that the gradient table knows: it is raised to opset 18 where it is older (with
 * the meaning its operators had), and composite operators (attention, recurrent layers, losses) become their parts. Names
 * and values of everything else stay. Call it once, before adapters, losses or gradients are added.
 *
 * @throws IngotError `input.operator` where a composite operator uses what its parts cannot say
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
  for (const [name, value] of g.values) if (!renamed.has(name)) values.set(name, value);
  const opsets = new Map([
    ...graph.opsets,
    ["", Math.max(MIN_OPSET, graph.opsets.get("") ?? 1)],
  ]) as ReadonlyMap<string, number>;
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

type Parts = NonNullable<ReturnType<typeof findRewrite>>["parts"];

function rewriteNode(
  graph: StaticGraph,
  node: Node,
  parts: Parts,
  g: ReturnType<typeof createBuilder>,
): readonly (string | undefined)[] {
  const opset = graph.opsets.get(node.domain) ?? 1;
  const constants = new Map([...graph.weights, ...graph.constants]);
  const ctx = createContext({ node, opset, g, gradients: [], needed: [], constants, readers: new Map() });
  try {
    return parts(ctx);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new IngotError(
      "input.operator",
      `${describeOp(node)} in node '${describeNode(node)}': ${error.message}`,
      {
        hint: "export the model without this operator, or with the usual settings of it",
        data: { where: describeNode(node), op: describeOp(node) },
      },
    );
  }
}
