import { IngotError } from "../base/errors.ts";
import type { Scratch } from "../base/ports.ts";
import { withGraph } from "../onnx/edit.ts";
import { findParameters } from "../onnx/find-parameters.ts";
import { liveNodes, nodeLabel, readsOf, sortNodes } from "../onnx/graph-order.ts";
import type { Model, Node, Tensor, ValueInfo } from "../onnx/model.ts";
import { normalise } from "../onnx/normalise.ts";
import type { StaticGraph } from "../onnx/static-graph.ts";
import { shapeInputs } from "../onnx/static-ops.ts";
import { isFloat, sizeOf } from "../onnx/tensors.ts";
import { dummyInputs } from "./inputs.ts";
import type { HostTensor, Runtime } from "./session.ts";
import { findFoldable, settleShapes, withShapes } from "./settle-shapes.ts";
import { type FoldContext, readValues, type StaticFacts } from "./static-values.ts";

/** Float values of more elements than this stay computed; integers and booleans are always folded. */
export const MAX_FOLDED_ELEMENTS = 65536;

export interface SpecialiseOptions {
  /** Dimensions of each graph input; inputs whose dimensions the file fixes may be left out. */
  readonly dims: ReadonlyMap<string, readonly number[]>;
  readonly runtime: Runtime;
  /** Folder of the files that the model's tensors name; needed where there are any. */
  readonly scratch?: Scratch;
  readonly threads?: number;
  /** Values for the one run that finds shapes; dummies of the right type where left out. */
  readonly feeds?: ReadonlyMap<string, HostTensor>;
  /** Float initialisers that stay weights; "all", or by default what `findParameters` finds. */
  readonly keep?: ReadonlySet<string> | "all";
}

/**
 * The graph at fixed dimensions. What depends on nothing but shapes and constants is computed once by the runtime and becomes a
 * constant (integers and booleans, and floats of at most 65536 elements); nodes that nothing reads are dropped. Node names, output
 * names and metadata stay. Initialisers of more than 65536 elements are weights whatever their type, so that they stay in their file.
 * Throws `input.model` for what the runtime refuses, `input.operator` where a shape depends on the data.
 */
export async function specialise(source: Model, options: SpecialiseOptions): Promise<StaticGraph> {
  const normal = normalise(source);
  const inputs = fixedInputs(normal.graph.inputs, options.dims);
  const outputs = normal.graph.outputs.map((output) => output.name);
  const nodes = sortNodes(liveNodes(normal.graph.nodes, outputs));
  const used = new Set([...nodes.flatMap(readsOf), ...outputs]);
  const initializers = new Map([...normal.graph.initializers].filter(([name]) => used.has(name)));
  const weights = weightsOf(normal, initializers, options.keep);
  const context: FoldContext = {
    runtime: options.runtime,
    scratch: options.scratch,
    threads: options.threads ?? 2,
    feeds: new Map([...dummyInputs(inputs), ...(options.feeds ?? [])]),
  };
  const fixed = withGraph(normal, {
    nodes,
    initializers,
    inputs: [...inputs].map(([name, facts]) => ({ name, ...facts })),
  });
  const { model, facts } = await settleShapes(context, fixed, weights);
  for (const [name, tensor] of model.graph.initializers) facts.set(name, tensor);
  for (const [name, input] of inputs) facts.set(name, input);
  const foldable = findFoldable(model, weights, true);
  const plan = planFold(model.graph.nodes, outputs, foldable, facts);
  const folded = await foldValues(context, model, plan.folded, facts);
  refuseDataShapes(plan.kept, foldable);
  return assemble(model, {
    nodes: plan.kept,
    inputs,
    outputs,
    weights,
    folded,
    facts,
    scratch: options.scratch,
  });
}

function fixedInputs(
  inputs: readonly ValueInfo[],
  dims: ReadonlyMap<string, readonly number[]>,
): Map<string, StaticFacts> {
  const fixed = new Map<string, StaticFacts>();
  for (const { name, dtype, dims: declared } of inputs) {
    const given =
      dims.get(name) ??
      (declared?.every((dim) => typeof dim === "number") ? (declared as readonly number[]) : undefined);
    if (dtype === undefined || given === undefined) {
      const what = dtype === undefined ? "is no tensor of a known type" : "has no fixed dimensions";
      throw new IngotError("input.model", `the model's input '${name}' ${what}`, {
        data: { where: `input '${name}'` },
      });
    }
    const clash =
      declared !== undefined &&
      (declared.length !== given.length ||
        declared.some((dim, i) => typeof dim === "number" && dim !== given[i]));
    if (clash) {
      throw new IngotError(
        "input.tensor",
        `the input '${name}' takes [${declared.join(", ")}], not [${given.join(", ")}]`,
        { data: { where: `input '${name}'` } },
      );
    }
    fixed.set(name, { dtype, dims: given });
  }
  return fixed;
}

function weightsOf(
  model: Model,
  initializers: ReadonlyMap<string, Tensor>,
  keep: SpecialiseOptions["keep"],
): Map<string, Tensor> {
  const names =
    keep === "all" ? undefined : (keep ?? new Set(findParameters(model).map((parameter) => parameter.name)));
  return new Map(
    [...initializers].filter(
      ([name, tensor]) =>
        (isFloat(tensor.dtype) && (names?.has(name) ?? true)) || sizeOf(tensor) > MAX_FOLDED_ELEMENTS,
    ),
  );
}

interface FoldPlan {
  readonly kept: readonly Node[];
  /** Values of dropped nodes that kept ones read. */
  readonly folded: readonly string[];
}

function planFold(
  nodes: readonly Node[],
  outputs: readonly string[],
  foldable: ReadonlySet<string>,
  facts: ReadonlyMap<string, StaticFacts>,
): FoldPlan {
  const isFolded = (name: string) => {
    const value = facts.get(name);
    return (
      foldable.has(name) &&
      value !== undefined &&
      (!isFloat(value.dtype) || sizeOf(value) <= MAX_FOLDED_ELEMENTS)
    );
  };
  const isOutput = new Set(outputs);
  const needed = new Set(outputs);
  const kept: Node[] = [];
  const folded: string[] = [];
  for (const node of nodes.toReversed()) {
    const read = node.outputs.filter((name) => needed.has(name));
    if (read.length === 0) continue;
    if (read.every((name) => isFolded(name) && !isOutput.has(name))) {
      folded.push(...read);
      continue;
    }
    kept.push(node);
    for (const name of readsOf(node)) needed.add(name);
  }
  return { kept: kept.reverse(), folded: folded.reverse() };
}

/** Computes the folded values from the constants and the shapes, which are known by now: nothing heavy runs. */
async function foldValues(
  context: FoldContext,
  model: Model,
  names: readonly string[],
  facts: ReadonlyMap<string, StaticFacts>,
): Promise<Map<string, Tensor>> {
  const shaped = withShapes(model, facts);
  const computed = names.filter((name) => !shaped.graph.initializers.has(name));
  const folded =
    computed.length === 0 ? new Map<string, Tensor>() : await readValues(context, shaped, computed);
  for (const name of names)
    if (!folded.has(name)) folded.set(name, shaped.graph.initializers.get(name) as Tensor);
  return folded;
}

/** A shape that follows from the values of the inputs would be wrong for every other batch. */
function refuseDataShapes(nodes: readonly Node[], folded: ReadonlySet<string>): void {
  for (const node of nodes) {
    const indices = shapeInputs(node);
    const bad =
      indices === "data" ||
      indices.some(
        (i) => node.inputs[i] !== undefined && node.inputs[i] !== "" && !folded.has(node.inputs[i] as string),
      );
    if (!bad) continue;
    throw new IngotError(
      "input.operator",
      `${nodeLabel(node)} makes a result whose shape depends on the data`,
      {
        hint: "export the model with shapes that follow from the shapes of its inputs alone",
        data: { where: nodeLabel(node), operator: node.op, node: node.name },
      },
    );
  }
}

async function assemble(
  model: Model,
  parts: {
    nodes: readonly Node[];
    inputs: ReadonlyMap<string, StaticFacts>;
    outputs: readonly string[];
    weights: ReadonlyMap<string, Tensor>;
    folded: ReadonlyMap<string, Tensor>;
    facts: ReadonlyMap<string, StaticFacts>;
    scratch: Scratch | undefined;
  },
): Promise<StaticGraph> {
  const used = new Set([...parts.nodes.flatMap(readsOf), ...parts.outputs]);
  const constants = new Map<string, Tensor>();
  for (const [name, tensor] of model.graph.initializers) {
    if (used.has(name) && !parts.weights.has(name))
      constants.set(name, await inMemory(tensor, parts.scratch));
  }
  for (const [name, tensor] of parts.folded) constants.set(name, tensor);
  const weights = new Map([...parts.weights].filter(([name]) => used.has(name)));
  const values = new Map<string, StaticFacts>();
  const note = (name: string) => {
    const facts = parts.facts.get(name);
    if (facts !== undefined) values.set(name, { dtype: facts.dtype, dims: facts.dims });
  };
  for (const name of [...parts.inputs.keys(), ...weights.keys(), ...constants.keys()]) note(name);
  for (const node of parts.nodes) for (const output of node.outputs) note(output);
  return {
    opsets: model.opsets,
    nodes: parts.nodes,
    inputs: parts.inputs,
    outputs: parts.outputs,
    weights,
    constants,
    values,
  };
}

/** A small constant that lies in a file, read from the scratch folder. */
async function inMemory(tensor: Tensor, scratch: Scratch | undefined): Promise<Tensor> {
  if (tensor.data.at === "memory") return tensor;
  const { path, offset, length } = tensor.data;
  const source = await scratch?.open(path);
  if (source === undefined)
    throw new IngotError("file.missing", `the model's weights file '${path}' is missing`, {
      data: { where: path },
    });
  try {
    return { ...tensor, data: { at: "memory", bytes: await source.read(offset, length) } };
  } finally {
    await source.close();
  }
}
