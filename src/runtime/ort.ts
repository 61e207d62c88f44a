import { arch, availableParallelism, platform } from "node:os";
import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { IngotError } from "../base/errors.ts";
import type { DType } from "../onnx/model.ts";
import { DTYPES, elementCount } from "../onnx/tensors.ts";
import { refusal } from "./refusal.ts";
import type { HostTensor, Runtime, Session, SessionOptions, ValueFacts } from "./session.ts";

type Ort = typeof import("onnxruntime-node");

/** The version that this build was tried with. */
const TESTED_VERSION = "1.30.0";

let loaded: Promise<Ort> | undefined;

async function load(): Promise<Ort> {
  try {
    const module = await import("onnxruntime-node");
    const ort = ((module as unknown as { default?: Ort }).default ?? module) as Ort;
    ort.env.logLevel = "fatal";
    takeHalfAsBits(ort);
    return ort;
  } catch (cause) {
    loaded = undefined;
    throw new IngotError(
      "environment.runtime",
      "onnxruntime-node is not installed or does not load on this machine",
      {
        hint: `npm install onnxruntime-node@${TESTED_VERSION}`,
        data: { where: `${platform()} ${arch()}` },
        cause,
      },
    );
  }
}

/**
 * The package decides at its first tensor whether float16 is a Float16Array, which Node 24 has and the package's native part reads as
 * empty. Without one in sight it takes the bits.
 */
function takeHalfAsBits(ort: Ort): void {
  const half = Object.getOwnPropertyDescriptor(globalThis, "Float16Array");
  if (half === undefined) return;
  Reflect.deleteProperty(globalThis, "Float16Array");
  try {
    new ort.Tensor("int32", Int32Array.of(0), [1]);
  } finally {
    Object.defineProperty(globalThis, "Float16Array", half);
  }
}

/**
 * The stock ONNX Runtime on the CPU. Its log is off: nothing reaches stdout or stderr. A run blocks the thread it is called on.
 * Throws `environment.runtime` where the package is missing.
 */
export async function openRuntime(): Promise<Runtime> {
  loaded ??= load();
  const ort = await loaded;
  return {
    version: ort.env.versions.node ?? TESTED_VERSION,
    open: async (model, options) => {
      const settings = sessionSettings(options);
      try {
        const session =
          model instanceof Uint8Array
            ? await ort.InferenceSession.create(model, settings)
            : await ort.InferenceSession.create(model.path, settings);
        return wrap(ort, session);
      } catch (cause) {
        throw refusal("open", cause);
      }
    },
  };
}

/** Optimisers that `train` leaves out: folding constants would keep copies of frozen weights. */
const TRAIN_DISABLED = "ConstantFolding";

function sessionSettings(options: SessionOptions): InferenceSession.SessionOptions {
  const inference = options.optimize === "all";
  const config: Record<string, Record<string, string>> = { session: {} };
  const set = (key: string, value: string) => {
    const dot = key.indexOf(".");
    const section = key.slice(0, dot);
    config[section] = { ...config[section], [key.slice(dot + 1)]: value };
  };
  const partitions = options.partitions ?? 1;
  // Where parts outnumber processors, a thread that waits actively keeps another from working.
  if (partitions > Math.min(options.threads, availableParallelism()))
    set("session.intra_op.allow_spinning", "0");
  if (options.threads < Math.min(partitions, availableParallelism()))
    set("session.intra_op_thread_affinities", affinities(partitions, options.threads));
  if (!(options.prepack ?? inference)) set("session.disable_prepacking", "1");
  if (options.optimize === "train") set("optimization.disable_specified_optimizers", TRAIN_DISABLED);
  for (const [key, value] of options.config ?? []) set(key, value);
  return {
    executionProviders: ["cpu"],
    intraOpNumThreads: partitions,
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: options.optimize === "none" ? "disabled" : "all",
    enableCpuMemArena: options.arena ?? inference,
    logSeverityLevel: 4,
    extra: config,
    ...(options.external === undefined
      ? {}
      : { externalData: [...options.external].map(([path, data]) => ({ path, data })) }),
  };
}

/** Binds the runtime's threads (all but the calling one) to the first `threads` processors, counted from 1. */
function affinities(partitions: number, threads: number): string {
  return Array.from({ length: partitions - 1 }, (_, i) => ((i + 1) % threads) + 1).join(";");
}

function wrap(ort: Ort, session: InferenceSession): Session {
  const known = new Set(session.outputNames);
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    inputFacts: factsOf(session.inputMetadata),
    outputFacts: factsOf(session.outputMetadata),
    run: async (feeds, outputs) => {
      const given: Record<string, OrtTensor> = Object.create(null);
      for (const name of session.inputNames) given[name] = toOrt(ort, name, feeds.get(name));
      const wanted = outputs ?? session.outputNames;
      for (const name of wanted)
        if (!known.has(name)) throw new IngotError("input.tensor", `the model has no output '${name}'`);
      if (wanted.length === 0) return new Map();
      try {
        return toHost(await session.run(given, [...wanted]), wanted);
      } catch (cause) {
        throw cause instanceof IngotError ? cause : refusal("run", cause);
      }
    },
    close: () => session.release(),
  };
}

function factsOf(metadata: readonly InferenceSession.ValueMetadata[]): Map<string, ValueFacts> {
  return new Map(
    metadata.map((value) => [
      value.name,
      value.isTensor ? { dtype: value.type as DType, dims: value.shape } : { dims: [] },
    ]),
  );
}

function toOrt(ort: Ort, name: string, tensor: HostTensor | undefined): OrtTensor {
  if (tensor === undefined)
    throw new IngotError("input.tensor", `the input '${name}' is missing`, {
      data: { where: `input '${name}'` },
    });
  const count = elementCount(tensor.dims);
  const expected = DTYPES[tensor.dtype].bits === 4 && count !== undefined ? Math.ceil(count / 2) : count;
  if (expected !== tensor.data.length) {
    throw new IngotError(
      "input.tensor",
      `the input '${name}' holds ${tensor.data.length} elements, its dimensions [${tensor.dims.join(", ")}] say ${expected}`,
      {
        data: { where: `input '${name}'` },
      },
    );
  }
  return new ort.Tensor(tensor.dtype as "float32", tensor.data as Float32Array, tensor.dims);
}

function toHost(
  results: InferenceSession.OnnxValueMapType,
  wanted: readonly string[],
): Map<string, HostTensor> {
  const out = new Map<string, HostTensor>();
  for (const name of wanted) {
    const value = results[name];
    if (value === undefined || !("dims" in value) || !("data" in value)) {
      throw new IngotError("input.model", `the output '${name}' is no tensor`, {
        data: { where: `output '${name}'` },
      });
    }
    const tensor = value as OrtTensor;
    out.set(name, {
      dtype: tensor.type as DType,
      dims: tensor.dims,
      data: halfBits(tensor.data as HostTensor["data"]),
    });
  }
  return out;
}

/** float16 as its bits: newer versions of Node give a Float16Array. */
function halfBits(data: HostTensor["data"]): HostTensor["data"] {
  if (data.constructor.name !== "Float16Array") return data;
  const half = data as unknown as Uint16Array;
  return new Uint16Array(half.buffer, half.byteOffset, half.length);
}
