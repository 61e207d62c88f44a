import { buildBackward } from "../autodiff/backward.ts";
import { extendGraph } from "../autodiff/extend.ts";
import { IngotError } from "../base/errors.ts";
import { liveNodes } from "../onnx/graph-order.ts";
import type { Graph, Model, Node, Tensor, ValueInfo } from "../onnx/model.ts";
import type { StaticGraph } from "../onnx/static-graph.ts";
import { splitByRows } from "../runtime/row-split.ts";
import { type AdapterLayers, tensorsOf } from "./adapter.ts";
import { attachAdapters } from "./attach.ts";
import { HEAD, type Head, lossHead, readingHead } from "./loss-head.ts";
import type { LossKind } from "./recipe.ts";

const IR_VERSION = 10;

/** Prefix of the outputs that hold gradients: `ingot/gradient/<key>`. */
const GRADIENT = "ingot/gradient/";

export interface TrainingGraph {
  readonly model: Model;
  /** Output that holds the gradient of each trainable, by its key. */
  readonly gradients: ReadonlyMap<string, string>;
  /** Shape of the model's output that the loss reads. */
  readonly outputDims: readonly number[];
}

/** Output that a loss reads: `logits` where there is one, else the first float output. */
export function lossOutput(graph: StaticGraph): string {
  const floats = graph.outputs.filter((name) => graph.values.get(name)?.dtype === "float32");
  const chosen = floats.includes("logits") ? "logits" : floats[0];
  if (chosen === undefined)
    throw new IngotError("input.model", "the model has no float32 output to train on", {
      data: { where: graph.outputs.join(", ") },
    });
  return chosen;
}

/**
 * The graph of one training step at fixed dimensions: forward with adapters, loss, and the gradient of every tensor of the
 * last adapter. Inputs: the model's, HEAD.target, HEAD.weight and the adapters' tensors; outputs: HEAD.loss and gradients.
 */
export function buildTrainingGraph(
  graph: StaticGraph,
  adapters: readonly AdapterLayers[],
  loss: LossKind,
): TrainingGraph {
  const trainable = adapters.at(-1);
  if (trainable === undefined) throw new Error("bug: nothing to train");
  const output = lossOutput(graph);
  const { attached, dims } = attach(graph, adapters, output);
  const head = lossHead(loss, output, dims);
  const wrt = tensorsOf(trainable);
  const backward = buildBackward(attached, {
    outputs: [{ name: output, cotangent: HEAD.cotangent }],
    wrt: wrt.map((t) => t.input),
  });
  const gradients = new Map<string, string>();
  const names: Node[] = [];
  for (const tensor of wrt) {
    const name = `${GRADIENT}${tensor.key}`;
    names.push({
      op: "Identity",
      domain: "",
      name,
      inputs: [backward.gradients.get(tensor.input) ?? ""],
      outputs: [name],
      attributes: new Map(),
      metadata: new Map(),
    });
    gradients.set(tensor.key, name);
  }
  const nodes = [...attached.nodes, ...head.nodes, ...backward.nodes, ...names];
  const constants = new Map([...attached.constants, ...head.constants, ...backward.constants]);
  const outputs = [HEAD.loss, ...gradients.values()];
  return {
    model: assemble(
      attached,
      nodes,
      constants,
      headInputs(loss, dims),
      outputs,
      new Map([...attached.values, ...backward.values]),
    ),
    gradients,
    outputDims: dims,
  };
}

/** The graph that reads the probe: forward with adapters and, for classes, the reading head; for `mse` the output itself. */
export function buildReadingGraph(
  graph: StaticGraph,
  adapters: readonly AdapterLayers[],
  loss: LossKind,
): { readonly model: Model; readonly outputDims: readonly number[]; readonly output: string } {
  const output = lossOutput(graph);
  const { attached, dims } = attach(graph, adapters, output);
  if (loss === "mse")
    return {
      model: assemble(attached, attached.nodes, attached.constants, [], [output]),
      outputDims: dims,
      output,
    };
  const head: Head = readingHead(output, dims);
  const outputs = [HEAD.labelLogProb, HEAD.bestLogProb, HEAD.best];
  const target = headInputs(loss, dims).slice(0, 1);
  return {
    model: assemble(
      attached,
      [...attached.nodes, ...head.nodes],
      new Map([...attached.constants, ...head.constants]),
      target,
      outputs,
    ),
    outputDims: dims,
    output,
  };
}

function attach(
  graph: StaticGraph,
  adapters: readonly AdapterLayers[],
  output: string,
): { attached: StaticGraph; dims: readonly number[] } {
  const dimsOf = (name: string): readonly number[] => graph.values.get(name)?.dims ?? [];
  const added = attachAdapters(graph.nodes, adapters, dimsOf);
  const float = ({ name, dims }: { name: string; dims: readonly number[] }) =>
    [name, { dtype: "float32", dims }] as const;
  const attached = extendGraph(graph, {
    nodes: added.nodes,
    inputs: new Map(added.inputs.map(float)),
    values: new Map(added.values.map(float)),
    constants: added.constants,
  });
  return { attached, dims: dimsOf(output) };
}

function headInputs(loss: LossKind, dims: readonly number[]): readonly ValueInfo[] {
  const positions = loss === "mse" ? dims : [dims.slice(0, -1).reduce((p, d) => p * d, 1)];
  return [
    { name: HEAD.target, dtype: loss === "mse" ? "float32" : "int64", dims: positions },
    { name: HEAD.weight, dtype: "float32", dims: positions },
  ];
}

/** A model that holds only what its outputs need, with products whose bits no number of threads changes. */
function assemble(
  graph: StaticGraph,
  nodes: readonly Node[],
  constants: ReadonlyMap<string, Tensor>,
  extraInputs: readonly ValueInfo[],
  outputs: readonly string[],
  values: StaticGraph["values"] = graph.values,
): Model {
  const split = splitByRows(liveNodes(nodes, outputs), (name) => values.get(name)?.dims);
  const used = new Set(split.nodes.flatMap((n) => n.inputs));
  const initializers = new Map(
    [...graph.weights, ...constants, ...split.constants].filter(([name]) => used.has(name)),
  );
  const inputs = [...graph.inputs]
    .filter(([name]) => used.has(name))
    .map(([name, value]): ValueInfo => ({ name, dtype: value.dtype, dims: value.dims }));
  const onnx: Graph = {
    name: "ingot",
    nodes: split.nodes,
    inputs: [...inputs, ...extraInputs.filter((i) => used.has(i.name))],
    outputs: outputs.map((name) => ({ name })),
    initializers,
  };
  return {
    irVersion: IR_VERSION,
    opsets: new Map([...graph.opsets, ["com.microsoft", 1]]),
    graph: onnx,
    functions: new Map(),
    metadata: new Map(),
    producer: "ingot",
  };
}
