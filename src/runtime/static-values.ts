import { IngotError } from "../base/errors.ts";
import type { Scratch } from "../base/ports.ts";
import { makeNode, withGraph } from "../onnx/edit.ts";
import { liveNodes, nodeLabel, producersOf, readsOf } from "../onnx/graph-order.ts";
import type { DType, Model, Node, Tensor } from "../onnx/model.ts";
import { isFloat, tensorBytes, typedArray } from "../onnx/tensors.ts";
import { openGraph } from "./open-graph.ts";
import type { HostTensor, Runtime, Session } from "./session.ts";

export interface StaticFacts {
  readonly dtype: DType;
  readonly dims: readonly number[];
}

/** What the passes of `specialise` run graphs with. */
export interface FoldContext {
  readonly runtime: Runtime;
  readonly scratch: Scratch | undefined;
  readonly threads: number;
  readonly feeds: ReadonlyMap<string, HostTensor>;
}

/** Float weights of at least this size are fed instead of being copied into the encoded graph. */
const FED_BYTES = 4096;

/** The graph with its large float weights as inputs, so that encoding it copies none, and the feeds for them. */
function feedWeights(model: Model, withData: boolean): { model: Model; feeds: Map<string, HostTensor> } {
  const feeds = new Map<string, HostTensor>();
  const initializers = new Map<string, Tensor>();
  const inputs = [...model.graph.inputs];
  for (const [name, tensor] of model.graph.initializers) {
    const { dtype, dims, data } = tensor;
    const large = isFloat(dtype) && (tensorBytes(dtype, dims) ?? 0) >= FED_BYTES;
    if (!large || dtype === "bfloat16" || (withData && data.at === "file")) {
      initializers.set(name, tensor);
      continue;
    }
    inputs.push({ name, dtype, dims });
    if (data.at === "memory") feeds.set(name, { dtype, dims, data: typedArray(dtype, data.bytes) });
  }
  return { model: withGraph(model, { inputs, initializers }), feeds };
}

async function withSession<T>(
  context: FoldContext,
  model: Model,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await openGraph(context.runtime, context.scratch, model, {
    threads: context.threads,
    optimize: "none",
  });
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}

/** Type of every output of every node, and its dimensions where the runtime infers them; nothing is run. */
export async function inferFacts(
  context: FoldContext,
  model: Model,
): Promise<Map<string, { dtype: DType; dims: readonly number[] | undefined }>> {
  const names = nodeOutputs(model.graph.nodes);
  const typed = withGraph(feedWeights(model, false).model, { outputs: names.map((name) => ({ name })) });
  const facts = await withSession(context, typed, async (session) => session.outputFacts);
  const producers = producersOf(model.graph.nodes);
  const result = new Map<string, { dtype: DType; dims: readonly number[] | undefined }>();
  for (const name of names) {
    const { dtype, dims } = facts?.get(name) ?? {};
    if (dtype === undefined) throw noTensor(producers.get(name) as Node, name);
    // The runtime says [] for a scalar and for what it knows nothing of.
    const known =
      dims !== undefined && dims.length > 0 && dims.every((dim) => typeof dim === "number")
        ? (dims as readonly number[])
        : undefined;
    result.set(name, { dtype, dims: known });
  }
  return result;
}

function noTensor(node: Node, name: string): IngotError {
  return new IngotError(
    "input.operator",
    `${nodeLabel(node)} makes '${name}', which is no tensor of a known type`,
    {
      hint: "export the model without sequences, maps and optional values",
      data: { where: nodeLabel(node), operator: node.op, node: node.name },
    },
  );
}

function nodeOutputs(nodes: readonly Node[]): string[] {
  return nodes.flatMap((node) => node.outputs.filter((output) => output !== ""));
}

/** Dimensions of the named values, found by running the graph once; the values themselves stay inside the runtime. */
export async function measureDims(
  context: FoldContext,
  model: Model,
  names: readonly string[],
): Promise<Map<string, readonly number[]>> {
  const shapeName = (index: number) => `ingot_shape_${index}`;
  const { model: fed, feeds } = feedWeights(liveModel(model, names), true);
  const measured = withGraph(fed, {
    nodes: [...fed.graph.nodes, ...names.map((name, i) => makeNode("Shape", [name], [shapeName(i)]))],
    outputs: names.map((_, i) => ({ name: shapeName(i) })),
  });
  const results = await withSession(context, measured, (session) =>
    session.run(new Map([...context.feeds, ...feeds])),
  );
  return new Map(
    names.map((name, i) => [
      name,
      Array.from((results.get(shapeName(i)) as HostTensor).data as BigInt64Array, Number),
    ]),
  );
}

/** Values of the named outputs of nodes, run without any optimisation. */
export async function readValues(
  context: FoldContext,
  model: Model,
  names: readonly string[],
): Promise<Map<string, Tensor>> {
  const { model: fed, feeds } = feedWeights(liveModel(model, names), true);
  const wanted = withGraph(fed, { outputs: names.map((name) => ({ name })) });
  const results = await withSession(context, wanted, (session) =>
    session.run(new Map([...context.feeds, ...feeds])),
  );
  return new Map([...results].map(([name, tensor]) => [name, constantFrom(name, tensor)]));
}

/** The part of a model that the named values need. */
function liveModel(model: Model, names: readonly string[]): Model {
  const nodes = liveNodes(model.graph.nodes, names);
  const reads = new Set([...nodes.flatMap(readsOf), ...names]);
  return withGraph(model, {
    nodes,
    inputs: model.graph.inputs.filter((input) => reads.has(input.name)),
    initializers: new Map([...model.graph.initializers].filter(([name]) => reads.has(name))),
  });
}

function constantFrom(name: string, { dtype, dims, data }: HostTensor): Tensor {
  if (!ArrayBuffer.isView(data))
    throw new IngotError("input.operator", `the value '${name}' is text, which cannot be trained through`);
  return {
    dtype,
    dims,
    data: {
      at: "memory",
      bytes: new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength),
    },
  };
}
