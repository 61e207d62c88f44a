import { buildBackward } from "../autodiff/backward.ts";
import { extendGraph } from "../autodiff/extend.ts";
import { prepareForGradient } from "../autodiff/prepare.ts";
import { widenGraph } from "../autodiff/widen.ts";
import { IngotError } from "../base/errors.ts";
import type { Scratch } from "../base/ports.ts";
import { makeNode, withGraph } from "../onnx/edit.ts";
import type { Model, Tensor } from "../onnx/model.ts";
import type { StaticGraph } from "../onnx/static-graph.ts";
import { isFloat, numbersOf } from "../onnx/tensors.ts";
import { filledTensor } from "../runtime/inputs.ts";
import { openGraph } from "../runtime/open-graph.ts";
import type { HostTensor, Runtime } from "../runtime/session.ts";
import { specialise } from "../runtime/specialise.ts";

const IR_VERSION = 10;
const GRADIENT = "ingot/gradient/";
const COTANGENT = "ingot/cotangent/";

export interface GradientRequest {
  readonly model: Model;
  /** Every input of the model by name; a name of an initialiser overrides it. */
  readonly inputs: ReadonlyMap<string, HostTensor>;
  /** One a float output; 1 everywhere for all float outputs where the map is absent, none for those it leaves out. */
  readonly cotangents?: ReadonlyMap<string, HostTensor>;
  /** Names of float inputs and float initialisers. */
  readonly wrt: "all" | readonly string[];
  readonly runtime: Runtime;
  /** Folder of the files that the model's tensors name. */
  readonly scratch?: Scratch;
  readonly threads?: number;
}

/**
 * Gradient of sum_i <cotangent_i, output_i> with respect to float inputs and initialisers, by their ONNX names, each in the
 * shape of its tensor; float32, or float64 where the tensor is float64. Tensors that reach no output have gradients of zeros.
 *
 * @throws IngotError `input.operator` listing every operator without a gradient on the way; `input.tensor` for unknown names and
 *   wrong shapes
 */
export async function computeGradients(request: GradientRequest): Promise<Map<string, HostTensor>> {
  const { runtime, scratch, threads = 2 } = request;
  const model = override(request.model, request.inputs);
  const inputs = new Map([...request.inputs].filter(([name]) => !model.graph.initializers.has(name)));
  const wanted = wantedNames(model, inputs, request.wrt);
  const keep = new Set(wanted.filter((name) => model.graph.initializers.has(name)));
  const specialised = await specialise(model, {
    dims: new Map([...inputs].map(([name, tensor]) => [name, tensor.dims])),
    feeds: inputs,
    keep,
    runtime,
    threads,
    ...(scratch === undefined ? {} : { scratch }),
  });
  const { graph, widened } = widenGraph(specialised);
  const prepared = prepareForGradient(graph);
  const outputs = differentiated(prepared, specialised, request.cotangents);
  const present = wanted.filter((name) => prepared.values.has(name));
  const targets = new Map(present.map((name) => [name, widened.get(name) ?? name]));
  const backward = buildBackward(prepared, {
    outputs: outputs.map(({ name, cotangent }) =>
      cotangent === undefined ? { name } : { name, cotangent: COTANGENT + name },
    ),
    wrt: [...targets.values()],
  });
  const feeds = new Map([...inputs].filter(([name]) => prepared.inputs.has(name)));
  const extra = new Map<string, { dtype: HostTensor["dtype"]; dims: readonly number[] }>();
  for (const { name, cotangent } of outputs) {
    if (cotangent === undefined) continue;
    feeds.set(COTANGENT + name, cotangent);
    extra.set(COTANGENT + name, cotangent);
  }
  const names = present.map((name) =>
    makeNode("Identity", [backward.gradients.get(targets.get(name)!)!], [GRADIENT + name]),
  );
  const complete = extendGraph(
    { ...prepared, opsets: backward.opsets },
    {
      nodes: [...backward.nodes, ...names],
      inputs: extra,
      constants: backward.constants,
      values: backward.values,
    },
  );
  const results = await run(
    complete,
    present.map((name) => GRADIENT + name),
    feeds,
    { runtime, scratch, threads },
  );
  return new Map(
    wanted.map((name) => [name, results.get(GRADIENT + name) ?? zerosLike(model, inputs, name)]),
  );
}

/** The model with initialisers replaced by the given tensors of their names. */
function override(model: Model, inputs: ReadonlyMap<string, HostTensor>): Model {
  const given = [...inputs].filter(([name]) => model.graph.initializers.has(name));
  if (given.length === 0) return model;
  const replaced = given.map(([name, tensor]): [string, Tensor] => {
    const own = model.graph.initializers.get(name)!;
    if (
      own.dtype !== tensor.dtype ||
      own.dims.join() !== tensor.dims.join() ||
      !ArrayBuffer.isView(tensor.data)
    ) {
      throw new IngotError(
        "input.tensor",
        `'${name}' is ${own.dtype} [${own.dims.join(", ")}] in the model, ${tensor.dtype} [${tensor.dims.join(", ")}] in the inputs`,
        { data: { where: name } },
      );
    }
    const bytes = new Uint8Array(
      tensor.data.buffer as ArrayBuffer,
      tensor.data.byteOffset,
      tensor.data.byteLength,
    );
    return [name, { ...own, data: { at: "memory", bytes } }];
  });
  return withGraph(model, { initializers: new Map([...model.graph.initializers, ...replaced]) });
}

function wantedNames(
  model: Model,
  inputs: ReadonlyMap<string, HostTensor>,
  wrt: GradientRequest["wrt"],
): string[] {
  const dtypes = new Map([
    ...model.graph.inputs.map(({ name, dtype }) => [name, dtype ?? inputs.get(name)?.dtype] as const),
    ...[...model.graph.initializers].map(([name, { dtype }]) => [name, dtype] as const),
  ]);
  if (wrt === "all")
    return [...dtypes].filter(([, dtype]) => dtype !== undefined && isFloat(dtype)).map(([name]) => name);
  for (const name of wrt) {
    const dtype = dtypes.get(name);
    if (dtype === undefined)
      throw new IngotError("input.tensor", `the model has no input or initialiser '${name}'`, {
        hint: "--wrt all lists the gradients of all of them",
        data: { where: name },
      });
    if (!isFloat(dtype))
      throw new IngotError("input.tensor", `'${name}' is ${dtype}, which has no gradient`, {
        data: { where: name },
      });
  }
  return [...new Set(wrt)];
}

interface Differentiated {
  readonly name: string;
  readonly cotangent?: HostTensor;
}

/** Outputs that count, with their cotangents as float32 where the model computes in less. */
function differentiated(
  graph: StaticGraph,
  original: StaticGraph,
  cotangents: GradientRequest["cotangents"],
): Differentiated[] {
  const floats = graph.outputs
    .map((name, i) => ({ name, asked: original.outputs[i]! }))
    .filter(({ name }) => isFloat(graph.values.get(name)!.dtype));
  if (cotangents === undefined) return floats.map(({ name }) => ({ name }));
  for (const name of cotangents.keys()) {
    if (!floats.some(({ asked }) => asked === name))
      throw new IngotError("input.tensor", `the model has no float output '${name}'`, {
        data: { where: name },
      });
  }
  return floats.flatMap(({ name, asked }) => {
    const given = cotangents.get(asked);
    if (given === undefined) return [];
    const { dtype, dims } = graph.values.get(name)!;
    if (given.dims.join() !== dims.join()) {
      throw new IngotError(
        "input.tensor",
        `the cotangent of '${asked}' is [${given.dims.join(", ")}], the output [${dims.join(", ")}]`,
        { data: { where: asked } },
      );
    }
    return [{ name, cotangent: toDType(given, dtype) }];
  });
}

/** A float tensor in another float type. */
function toDType(tensor: HostTensor, dtype: HostTensor["dtype"]): HostTensor {
  if (tensor.dtype === dtype) return tensor;
  const { data } = tensor;
  const bytes = ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength)
    : new Uint8Array();
  const numbers = numbersOf({ dtype: tensor.dtype, dims: tensor.dims, data: { at: "memory", bytes } });
  return {
    dtype,
    dims: tensor.dims,
    data: dtype === "float64" ? Float64Array.from(numbers) : Float32Array.from(numbers),
  };
}

async function run(
  graph: StaticGraph,
  outputs: readonly string[],
  feeds: ReadonlyMap<string, HostTensor>,
  { runtime, scratch, threads }: { runtime: Runtime; scratch: Scratch | undefined; threads: number },
): Promise<Map<string, HostTensor>> {
  const model: Model = {
    irVersion: IR_VERSION,
    opsets: graph.opsets,
    graph: {
      name: "gradient",
      nodes: graph.nodes,
      inputs: [...graph.inputs].map(([name, value]) => ({ name, dtype: value.dtype, dims: value.dims })),
      outputs: outputs.map((name) => ({ name })),
      initializers: new Map([...graph.weights, ...graph.constants]),
    },
    functions: new Map(),
    metadata: new Map(),
    producer: "ingot",
  };
  if (outputs.length === 0) return new Map();
  const session = await openGraph(runtime, scratch, model, { threads, optimize: "none" });
  try {
    return await session.run(feeds, outputs);
  } finally {
    await session.close();
  }
}

function zerosLike(model: Model, inputs: ReadonlyMap<string, HostTensor>, name: string): HostTensor {
  const { dtype, dims } = model.graph.initializers.get(name) ?? inputs.get(name)!;
  return filledTensor(dtype === "float64" ? dtype : "float32", dims);
}
