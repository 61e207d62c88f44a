import { bug, IngotError } from "../base/errors.ts";
import { parseJson } from "../base/json.ts";
import type { Scratch } from "../base/ports.ts";
import type { Tensor } from "../onnx/model.ts";
import { encodeSafetensors, parseSafetensorsHeader, readTensor } from "../onnx/safetensors.ts";
import { bytesInMemory, numbersOf, widenToFloat32 } from "../onnx/tensors.ts";
import { type AdapterConfig, type AdapterLayers, fullLayers, layersOfFile } from "./adapter.ts";
import { formatAdapterConfig, readAdapterConfig } from "./adapter-config.ts";
import { type BaseModel, readScratch } from "./base-model.ts";
import type { AdapterOnDisk } from "./job.ts";
import { decaysByName, type Trainable } from "./trainables.ts";

const MAX_CONFIG_BYTES = 1 << 20;

/** An adapter read from its files, ready to be attached. */
export interface LoadedAdapter {
  readonly method: "lora" | "full";
  readonly layers: AdapterLayers;
  /** Values by key, float32. */
  readonly values: ReadonlyMap<string, Float32Array>;
  readonly config: AdapterConfig | undefined;
}

function floats(tensor: Tensor): Float32Array {
  const bytes = bytesInMemory(tensor);
  if (tensor.dtype === "float32") return new Float32Array(bytes.slice().buffer);
  if (tensor.dtype === "float16" || tensor.dtype === "bfloat16") return widenToFloat32(tensor.dtype, bytes);
  return Float32Array.from(numbersOf(tensor));
}

/** Reads an adapter and matches it to the base. `prefix` makes its graph inputs unique. Throws `input.adapter`, `input.safetensors`. */
export async function loadAdapter(
  adapter: AdapterOnDisk,
  base: BaseModel,
  scratch: Scratch,
  prefix: string,
): Promise<LoadedAdapter> {
  const source =
    (await scratch.open(adapter.tensors)) ?? bug(`no '${adapter.tensors}' in the scratch folder`);
  try {
    const header = await parseSafetensorsHeader(source);
    const dims = new Map([...header.tensors].map(([name, entry]) => [name, entry.dims]));
    const values = new Map<string, Float32Array>();
    for (const name of dims.keys()) values.set(name, floats(await readTensor(source, header, name)));
    if (adapter.method === "full") {
      const known = new Map(parameterSpecs(base).map((p) => [p.initializer, p]));
      const specs = [...dims].map(([name, shape]) => {
        const parameter = known.get(name);
        if (parameter === undefined || parameter.dims.join() !== shape.join())
          throw new IngotError("input.adapter", `the base has no weight '${name}' of [${shape.join(", ")}]`, {
            data: { where: name },
          });
        return parameter;
      });
      return { method: "full", layers: fullLayers(specs, prefix), values, config: undefined };
    }
    if (adapter.config === undefined)
      throw new IngotError("input.adapter", "a LoRA adapter has no adapter_config.json", {
        hint: "ingot fsck",
        data: { where: adapter.tensors },
      });
    const text = await readScratch(scratch, adapter.config, MAX_CONFIG_BYTES);
    const config = readAdapterConfig(parseJson(text, { name: "adapter_config.json" }));
    return { method: "lora", layers: layersOfFile(base.modules, config, dims, prefix), values, config };
  } finally {
    await source.close();
  }
}

/** Weights that full training trains. */
export function parameterSpecs(
  base: BaseModel,
): readonly { readonly initializer: string; readonly dims: readonly number[]; readonly decays: boolean }[] {
  return base.parameters.map((p) => {
    const tensor = base.model.graph.initializers.get(p.name) ?? bug(`no initialiser '${p.name}'`);
    return {
      initializer: p.name,
      dims: tensor.dims,
      decays: decaysByName(p.path ?? p.name, p.isNorm === true),
    };
  });
}

/** Files of a trained adapter, the same bytes for the same values: path -> bytes. */
export function adapterFiles(
  method: "lora" | "full",
  trainables: readonly Trainable[],
  theta: Float32Array,
  lora:
    | {
        readonly config: AdapterConfig;
        readonly layers: AdapterLayers;
        readonly base: BaseModel;
        readonly task: string;
        readonly baseName: string;
      }
    | undefined,
): ReadonlyMap<string, Uint8Array> {
  const tensors = new Map<string, Tensor>();
  for (const t of trainables) {
    const values = theta.slice(t.offset, t.offset + t.size);
    tensors.set(t.key, {
      dtype: "float32",
      dims: t.dims,
      data: { at: "memory", bytes: new Uint8Array(values.buffer) },
    });
  }
  const bytes = encodeSafetensors(tensors, { format: "pt" });
  if (method === "full" || lora === undefined) return new Map([["model.safetensors", bytes]]);
  const config = formatAdapterConfig(lora.config, lora.layers, lora.base.modules, lora.task, lora.baseName);
  return new Map([
    ["adapter_config.json", new TextEncoder().encode(config)],
    ["adapter_model.safetensors", bytes],
  ]);
}
