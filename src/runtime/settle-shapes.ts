import { IngotError } from "../base/errors.ts";
import { withGraph } from "../onnx/edit.ts";
import { liveNodes, nodeLabel, readsOf } from "../onnx/graph-order.ts";
import { inlineBranch } from "../onnx/inline.ts";
import type { Model, Node, Tensor } from "../onnx/model.ts";
import { normalise } from "../onnx/normalise.ts";
import { isRandom, readsOnlyShape, shapeInputs } from "../onnx/static-ops.ts";
import { intTensor, numbersOf, sizeOf } from "../onnx/tensors.ts";
import { type FoldContext, inferFacts, measureDims, readValues, type StaticFacts } from "./static-values.ts";

/** Values that depend on no input (but through its shape, where `shapesKnown`) and on no weight. */
export function findFoldable(
  { graph }: Model,
  weights: ReadonlyMap<string, Tensor>,
  shapesKnown: boolean,
): Set<string> {
  const foldable = new Set([...graph.initializers.keys()].filter((name) => !weights.has(name)));
  for (const node of graph.nodes) {
    if (isRandom(node)) continue;
    const fromShape = shapesKnown && readsOnlyShape(node);
    if (fromShape || readsOf(node).every((name) => foldable.has(name)))
      for (const output of node.outputs) foldable.add(output);
  }
  foldable.delete("");
  return foldable;
}

/** Rounds of inference before the graph is run to see its shapes. */
const MAX_ROUNDS = 8;

/**
 * Finds type and dimensions of every value. The runtime infers most of them; what it needs for the rest are the values that give
 * shapes (the second input of Reshape and the like), which are computed from the dimensions already known, put in as constants, and
 * so on until all is known. Only what is left then is found by running the graph.
 */
export async function settleShapes(
  context: FoldContext,
  fixed: Model,
  weights: ReadonlyMap<string, Tensor>,
): Promise<{ model: Model; facts: Map<string, StaticFacts> }> {
  const outputs = fixed.graph.outputs.map((output) => output.name);
  let model = fixed;
  for (let round = 1; ; round++) {
    model = takeBranches(model);
    const inferred = await inferFacts(context, model);
    const known = new Map<string, StaticFacts>();
    for (const { name, dtype, dims } of model.graph.inputs) known.set(name, { dtype, dims } as StaticFacts);
    for (const [name, tensor] of model.graph.initializers) known.set(name, tensor);
    for (const [name, { dtype, dims }] of inferred) if (dims !== undefined) known.set(name, { dtype, dims });
    const unknown = [...inferred.keys()].filter((name) => !known.has(name));
    const shaped = withShapes(model, known);
    const wanted = round > MAX_ROUNDS ? [] : missingValues(shaped, weights, unknown.length > 0);
    if (wanted.length === 0) {
      const dims = unknown.length === 0 ? undefined : await measureDims(context, shaped, unknown);
      return {
        model,
        facts: new Map(
          [...inferred].map(([name, facts]) => [
            name,
            { dtype: facts.dtype, dims: facts.dims ?? (dims?.get(name) as readonly number[]) },
          ]),
        ),
      };
    }
    const values = await readValues(context, shaped, wanted);
    const initializers = new Map([...shaped.graph.initializers, ...values]);
    const nodes = shaped.graph.nodes.filter(
      (node) => !node.outputs.every((output) => values.has(output) || output === ""),
    );
    model = withGraph(shaped, { initializers, nodes: liveNodes(nodes, outputs) });
  }
}

/** The model with every `Shape` and `Size` of a value of known dimensions as a constant. */
export function withShapes(model: Model, known: ReadonlyMap<string, StaticFacts>): Model {
  const initializers = new Map(model.graph.initializers);
  const nodes = model.graph.nodes.filter((node) => {
    if (!readsOnlyShape(node) || !known.has(node.inputs[0] as string)) return true;
    initializers.set(node.outputs[0] as string, shapeConstant(node, known));
    return false;
  });
  return withGraph(model, { nodes, initializers });
}

/** Values that decide which branch is taken or (where asked for) shapes, are made by nodes, and can be computed from constants alone. */
function missingValues(
  model: Model,
  weights: ReadonlyMap<string, Tensor>,
  withShapeInputs: boolean,
): string[] {
  const computable = findFoldable(model, weights, false);
  const wanted = new Set<string>();
  for (const node of model.graph.nodes) {
    const indices = isBranch(node) ? [0] : withShapeInputs ? shapeInputs(node) : [];
    if (indices === "data") continue;
    for (const index of indices) {
      const name = node.inputs[index];
      if (name && computable.has(name) && !model.graph.initializers.has(name)) wanted.add(name);
    }
  }
  return [...wanted];
}

function isBranch(node: Node): boolean {
  return node.op === "If" && node.domain === "";
}

/** The model with the taken branch in the place of every `If` whose condition is a constant. */
function takeBranches(model: Model): Model {
  const initializers = new Map(model.graph.initializers);
  let changed = false;
  const nodes = model.graph.nodes.flatMap((node) => {
    const condition = isBranch(node) ? initializers.get(node.inputs[0] as string) : undefined;
    if (condition === undefined) return [node];
    const branch = node.attributes.get(numbersOf(condition)[0] === 0 ? "else_branch" : "then_branch");
    if (branch?.type !== "graph") return [node];
    const inlined = inlineBranch(node, branch.value);
    for (const [name, tensor] of inlined.initializers) initializers.set(name, tensor);
    changed = true;
    return inlined.nodes;
  });
  if (!changed) return model;
  const outputs = model.graph.outputs.map((output) => output.name);
  return takeBranches(normalise(withGraph(model, { nodes: liveNodes(nodes, outputs), initializers })));
}

/** What `Shape` (with `start` and `end`) or `Size` gives for a value of known dimensions. */
function shapeConstant(node: Node, facts: ReadonlyMap<string, StaticFacts>): Tensor {
  const value = facts.get(node.inputs[0] as string);
  if (value === undefined)
    throw new IngotError("input.model", `${nodeLabel(node)} reads '${node.inputs[0]}', which nothing makes`);
  if (node.op === "Size") return intTensor([], [sizeOf(value)]);
  const bound = (name: string) => {
    const attribute = node.attributes.get(name);
    return attribute?.type === "int" ? attribute.value : undefined;
  };
  const dims = value.dims.slice(bound("start") ?? 0, bound("end"));
  return intTensor([dims.length], dims);
}
