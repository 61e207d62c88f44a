import { widenModel } from "../autodiff/widen-model.ts";
import { bug, IngotError } from "../base/errors.ts";
import { type JsonObject, parseJson } from "../base/json.ts";
import type { Scratch } from "../base/ports.ts";
import { sampleTables } from "../onnx/constant-tables.ts";
import { decodeModel } from "../onnx/decode.ts";
import { findModules } from "../onnx/find-modules.ts";
import { findParameters } from "../onnx/find-parameters.ts";
import type { Model, Tensor } from "../onnx/model.ts";
import type { Module } from "../onnx/modules.ts";
import { normalise } from "../onnx/normalise.ts";
import { bytesInMemory, numbersOf, widenToFloat32 } from "../onnx/tensors.ts";
import { tieWeights } from "../onnx/tie-weights.ts";
import { openWeights } from "../runtime/weights.ts";
import { loadTokenizer, type Tokenizer } from "../text/tokenizer.ts";
import type { ModelOnDisk } from "./job.ts";
import { taskOf } from "./task.ts";

/** A base model as the engine works with it. */
export interface BaseModel {
  /** Weights lie in files of the scratch folder. */
  readonly model: Model;
  readonly modules: readonly Module[];
  readonly parameters: ReturnType<typeof findParameters>;
  readonly config: JsonObject | undefined;
  readonly architecture: string | undefined;
  readonly task: string;
  readonly tokenizer: Tokenizer | undefined;
  /** A float weight as float32 in the graph's layout; fresh. */
  weight(initializer: string): Promise<Float32Array>;
}

const MAX_SIDE_FILE_BYTES = 64 << 20;

/** Reads a file of the scratch folder whole. Throws `limit.size` above `maxBytes`. */
export async function readScratch(scratch: Scratch, name: string, maxBytes: number): Promise<Uint8Array> {
  const source = (await scratch.open(name)) ?? bug(`no '${name}' in the scratch folder`);
  try {
    if (source.sizeBytes > maxBytes)
      throw new IngotError(
        "limit.size",
        `'${name}' has ${source.sizeBytes} bytes, at most ${maxBytes} are read`,
      );
    return await source.read(0, source.sizeBytes);
  } finally {
    await source.close();
  }
}

/** Side files of the model (tokenizer, config) by their usual name, wherever in the tree they lie beside or above the entry. */
function sideFile(model: ModelOnDisk, name: string): string | undefined {
  const folder = model.entry.includes("/") ? model.entry.slice(0, model.entry.lastIndexOf("/") + 1) : "";
  return (model.files.find((f) => f.path === folder + name) ?? model.files.find((f) => f.path === name))
    ?.name;
}

export interface LoadOptions {
  /** A weight that the exporter stored twice becomes one parameter: for training in full, and for what it made. */
  readonly tie?: boolean;
}

/**
 * Loads a base model: graph, modules, parameters, tokenizer. It computes in float32, whatever its weights are stored in. Throws
 * `input.onnx`, `input.model`, `input.tokenizer`.
 */
export async function loadBase(
  onDisk: ModelOnDisk,
  scratch: Scratch,
  { tie = false }: LoadOptions = {},
): Promise<BaseModel> {
  const side = async (name: string): Promise<Uint8Array | undefined> => {
    const file = sideFile(onDisk, name);
    return file === undefined ? undefined : readScratch(scratch, file, MAX_SIDE_FILE_BYTES);
  };
  const entry =
    onDisk.files.find((f) => f.path === onDisk.entry)?.name ??
    bug(`no '${onDisk.entry}' among the model's files`);
  const decoded = widenModel(normalise(decodeModel(await readScratch(scratch, entry, 2 ** 31 - 1))));
  const configBytes = await side("config.json");
  const config =
    configBytes === undefined ? undefined : (parseJson(configBytes, { name: "config.json" }) as JsonObject);
  const architectures = config?.architectures;
  const architecture =
    Array.isArray(architectures) && typeof architectures[0] === "string" ? architectures[0] : undefined;
  const hints = architecture === undefined ? {} : { architecture };
  const opened = await openWeights(decoded, onDisk, scratch);
  const model = tie ? (await tieWeights(opened, (tensor) => readBytes(tensor, scratch))).model : opened;
  const modules = findModules(model, hints);
  const parameters = findParameters(model, await sampleTables(model, (tensor) => readBytes(tensor, scratch)));
  const tokenizerJson = await side("tokenizer.json");
  const tokenizer =
    tokenizerJson === undefined
      ? undefined
      : loadTokenizer({
          tokenizerJson,
          tokenizerConfig: await side("tokenizer_config.json"),
          specialTokensMap: await side("special_tokens_map.json"),
          generationConfig: await side("generation_config.json"),
          config: configBytes,
          chatTemplate: await side("chat_template.jinja"),
        });
  return {
    model,
    modules,
    parameters,
    config,
    architecture,
    task: taskOf(architecture, config, model),
    tokenizer,
    weight: async (initializer) =>
      readFloats(
        model.graph.initializers.get(initializer) ?? bug(`no initialiser '${initializer}'`),
        scratch,
      ),
  };
}

/** Bytes of a tensor, wherever it lies. */
async function readBytes(tensor: Tensor, scratch: Scratch): Promise<Uint8Array> {
  if (tensor.data.at === "memory") return bytesInMemory(tensor);
  const { path, offset, length } = tensor.data;
  const source = (await scratch.open(path)) ?? bug(`no '${path}' in the scratch folder`);
  return source.read(offset, length).finally(() => source.close());
}

/** A float tensor as float32; fresh. */
async function readFloats(tensor: Tensor, scratch: Scratch): Promise<Float32Array> {
  const bytes = await readBytes(tensor, scratch);
  if (tensor.dtype === "float32") return new Float32Array(bytes.slice().buffer);
  if (tensor.dtype === "float16" || tensor.dtype === "bfloat16") return widenToFloat32(tensor.dtype, bytes);
  return Float32Array.from(numbersOf({ ...tensor, data: { at: "memory", bytes } }));
}
