import { bug, IngotError } from "../base/errors.ts";
import { liveNodes, readsOf, usersOf } from "../onnx/graph-order.ts";
import type { Node, Tensor } from "../onnx/model.ts";
import type { StaticGraph } from "../onnx/static-graph.ts";
import { isFloat } from "../onnx/tensors.ts";
import { createBuilder } from "./builder.ts";
import { createContext, describeNode, describeOp, REFUSED, Refusal } from "./context.ts";
import { GradientSums } from "./gradient-sums.ts";
import { findRewrite } from "./rewrites/table.ts";
import type { GradRule, GraphBuilder, StaticValue } from "./rule.ts";
import { sameDims, sizeOf } from "./shapes.ts";
import { findRule } from "./table.ts";

export interface BackwardRequest {
  /** Values whose cotangent is given (a value of the graph of the same shape and type), or 1 everywhere where it is not. */
  readonly outputs: readonly { readonly name: string; readonly cotangent?: string }[];
  /** Float values whose gradient is wanted: inputs, weights, or any other value. */
  readonly wrt: readonly string[];
}

export interface Backward {
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Tensor>;
  /** Types and shapes of all values of the backward graph. */
  readonly values: ReadonlyMap<string, StaticValue>;
  /** wrt name -> value that holds its gradient, of the same type and shape. */
  readonly gradients: ReadonlyMap<string, string>;
  /** Opsets of the graph with those that the new nodes need. */
  readonly opsets: ReadonlyMap<string, number>;
}

/** Adds the opset of com.microsoft where nodes of that domain were emitted. */
export function opsetsWith(
  opsets: ReadonlyMap<string, number>,
  nodes: readonly Node[],
): ReadonlyMap<string, number> {
  if (opsets.has("com.microsoft") || !nodes.some((n) => n.domain === "com.microsoft")) return opsets;
  return new Map([...opsets, ["com.microsoft", 1]]);
}

interface Plan {
  readonly wrt: readonly string[];
  /** Nodes through which a gradient flows, in topological order, with their rules and the inputs that want one. */
  readonly steps: readonly {
    readonly node: Node;
    readonly rule: GradRule | undefined;
    readonly needed: readonly boolean[];
  }[];
}

/**
 * Builds the nodes that compute the gradient of sum_i <cotangent_i, output_i> with respect to each value of `wrt`: a reverse
 * walk over the nodes on a path from a `wrt` value to an output, summing over fan-out. Integer values carry none. A wrt value
 * without a path has a gradient of zeros. The graph must have passed `prepareForGradient`.
 *
 * @throws IngotError `input.operator` naming every node on a path whose operator has no gradient
 */
export function buildBackward(graph: StaticGraph, request: BackwardRequest): Backward {
  const unprepared = graph.nodes.find(
    (node) => findRewrite(node, graph.opsets) !== undefined && !node.metadata.has(REFUSED),
  );
  if (unprepared !== undefined)
    bug(`prepareForGradient comes before buildBackward: ${describeOp(unprepared)}`);
  const g = createBuilder(withCotangents(graph, request), "grad");
  const sums = new GradientSums(g);
  for (const { name, cotangent } of request.outputs) {
    const { dtype, dims } = factsOf(graph, name);
    if (isFloat(dtype) && sizeOf(dims) > 0) sums.add(name, cotangent ?? g.full(dims, 1, dtype));
  }
  walk(graph, planWalk(graph, request), g, sums);
  const gradients = new Map(
    request.wrt.map((name) => {
      const { dtype, dims } = g.value(name);
      return [name, sums.whole(name) ?? g.full(dims, 0, dtype)] as const;
    }),
  );
  const nodes = liveNodes(g.nodes, [...gradients.values()]);
  const reads = new Set([...nodes.flatMap((node) => node.inputs), ...gradients.values()]);
  const constants = new Map([...g.constants].filter(([name]) => reads.has(name)));
  return { nodes, constants, values: g.values, gradients, opsets: opsetsWith(graph.opsets, nodes) };
}

/** Cotangents may be values that the graph does not have yet; they are as large as their outputs. */
function withCotangents(
  graph: StaticGraph,
  { outputs }: BackwardRequest,
): Pick<StaticGraph, "values" | "nodes"> {
  const given = outputs.flatMap(({ name, cotangent }) =>
    cotangent === undefined ? [] : [[cotangent, factsOf(graph, name)] as const],
  );
  return { nodes: graph.nodes, values: new Map([...given, ...graph.values]) };
}

function factsOf(graph: StaticGraph, name: string): StaticValue {
  return graph.values.get(name) ?? bug(`no value named '${name}'`);
}

function walk(graph: StaticGraph, plan: Plan, g: GraphBuilder, sums: GradientSums): void {
  const refusals: { node: Node; why: string }[] = [];
  const readers = usersOf(graph.nodes);
  const varying = new Set(plan.wrt);
  const constants = new Map([...graph.weights, ...graph.constants]);
  // After a refusal the walk goes on with zeros, so that all refusals of a model are found at once.
  const refuse = (node: Node, needed: readonly boolean[], why: string) => {
    refusals.push({ node, why });
    node.inputs.forEach((name, i) => {
      if (needed[i] !== true) return;
      const { dtype, dims } = g.value(name);
      if (isFloat(dtype)) sums.add(name, g.full(dims, 0, dtype));
    });
  };
  for (const { node, rule, needed } of plan.steps.toReversed()) {
    if (rule === undefined || rule.state === "refused") {
      refuse(
        node,
        needed,
        rule?.why ?? node.metadata.get(REFUSED) ?? "there is no gradient for this operator",
      );
      continue;
    }
    if (rule.state === "none" || !node.outputs.some((name) => sums.has(name))) continue;
    const opset = graph.opsets.get(node.domain) ?? 1;
    const gradients = arriving(g, node, rule, needed, sums);
    const ctx = createContext({ node, opset, g, gradients, needed, constants, varying, readers });
    try {
      rule.gradient(ctx).forEach((dX, i) => {
        if (dX !== undefined && needed[i]) sums.add(node.inputs[i]!, dX);
      });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refuse(node, needed, error.message);
    }
  }
  if (refusals.length > 0) throw refusalError(refusals.reverse());
}

/** Gradients at the outputs, in their whole shape unless the rule takes them as they are. */
function arriving(
  g: GraphBuilder,
  node: Node,
  rule: GradRule & { readonly state: "gradient" },
  needed: readonly boolean[],
  sums: GradientSums,
): (string | undefined)[] {
  const out = g.dims(node.outputs[0]!);
  // An operand that was broadcast needs the sum over what it was repeated along, which a small dY does not show.
  const asTheyAre =
    rule.elementwise === true && node.inputs.every((name, i) => !needed[i] || sameDims(g.dims(name), out));
  return node.outputs.map((name) =>
    name === "" ? undefined : asTheyAre ? sums.sum(name) : sums.whole(name),
  );
}

function refusalError(refusals: readonly { node: Node; why: string }[]): IngotError {
  const lines = refusals.map(
    ({ node, why }) => `${describeOp(node)} in node '${describeNode(node)}': ${why}`,
  );
  return new IngotError("input.operator", `no gradient through ${lines.join("; ")}`, {
    hint: "train modules behind these nodes only (target_modules), or export the model without these operators",
    data: {
      where: describeNode(refusals[0]!.node),
      nodes: refusals.map(({ node, why }) => ({ op: describeOp(node), node: describeNode(node), why })),
    },
  });
}

/** Finds the nodes on a path from a wrt value to an output. */
function planWalk(graph: StaticGraph, request: BackwardRequest): Plan {
  const carries = (name: string) => {
    const value = graph.values.get(name);
    return value !== undefined && isFloat(value.dtype) && sizeOf(value.dims) > 0;
  };
  const reached = new Set(request.wrt.filter(carries));
  const candidates: { node: Node; rule: GradRule | undefined; needed: boolean[] }[] = [];
  for (const node of graph.nodes) {
    const rule = findRule(node, graph.opsets);
    if (rule?.state === "none") continue;
    const stops = rule?.state === "gradient" ? (rule.stops ?? []) : [];
    const needed = node.inputs.map((name, i) => reached.has(name) && !stops.includes(i));
    // The body of a loop or branch reads values of the graph without listing them as inputs.
    if (
      !needed.includes(true) &&
      !(rule?.state === "refused" && readsOf(node).some((name) => reached.has(name)))
    )
      continue;
    candidates.push({ node, rule, needed });
    // Through an operator that refuses, the path goes on over integers: else a quantised model would have gradients of zero.
    const viaIntegers =
      rule?.state === "refused" || node.inputs.some((name, i) => needed[i] && !carries(name));
    for (const name of node.outputs) if (name !== "" && (carries(name) || viaIntegers)) reached.add(name);
  }
  const wanted = new Set(request.outputs.map((o) => o.name));
  const steps = candidates.toReversed().filter(({ node, needed }) => {
    if (!node.outputs.some((name) => wanted.has(name))) return false;
    node.inputs.forEach((name, i) => {
      if (needed[i]) wanted.add(name);
    });
    return true;
  });
  return { wrt: request.wrt, steps: steps.reverse() };
}
