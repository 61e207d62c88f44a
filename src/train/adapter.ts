import { IngotError } from "../base/errors.ts";
import { random01 } from "../base/prng.ts";
import type { Module } from "../onnx/modules.ts";
import type { Recipe } from "./recipe.ts";
import { byPattern, savedModules, targetModules } from "./targets.ts";
import { decaysByName, type TrainableSpec } from "./trainables.ts";

const PREFIX = "base_model.model.";
const MAX_RANK = 65_536;

/**
 * A LoRA pair on one module: Y = W x + s B (A x), s = lora_alpha / r (or / sqrt(r) with rslora).
 * shapes  A [r, in], B [out, r]; for a convolution A [r, in / group, kh, kw], B [out, r, 1, 1]
 * source  Hu et al., arXiv:2106.09685; key names of PEFT
 */
export interface LoraPair {
  readonly module: Module;
  readonly rank: number;
  readonly scaling: number;
  readonly a: TrainableSpec;
  readonly b: TrainableSpec;
}

/** An initialiser replaced by a tensor of the adapter: `modules_to_save`, or full training. */
export interface ReplacedTensor {
  readonly initializer: string;
  readonly tensor: TrainableSpec;
  /** True where the file holds the PyTorch layout [out, in] and the graph reads [in, out]. */
  readonly transposed: boolean;
}

/** What one adapter adds to a graph: pairs beside modules, and tensors in place of weights. */
export interface AdapterLayers {
  readonly pairs: readonly LoraPair[];
  readonly replaced: readonly ReplacedTensor[];
}

/** All tensors of an adapter, in no order. */
export function tensorsOf(layers: AdapterLayers): readonly TrainableSpec[] {
  return [...layers.pairs.flatMap((pair) => [pair.a, pair.b]), ...layers.replaced.map((r) => r.tensor)];
}

function spec(prefix: string, key: string, dims: readonly number[], decays = true): TrainableSpec {
  return { key, input: `${prefix}${key}`, dims, decays };
}

/** Shape of the pair's A and B for a module. */
export function pairShapes(
  module: Module,
  rank: number,
): { readonly a: readonly number[]; readonly b: readonly number[] } {
  if (module.conv === undefined) return { a: [rank, module.inFeatures], b: [module.outFeatures, rank] };
  const ones = module.conv.kernel.map(() => 1);
  return {
    a: [rank, module.inFeatures / module.conv.group, ...module.conv.kernel],
    b: [module.outFeatures, rank, ...ones],
  };
}

function lowRankPair(prefix: string, module: Module, rank: number, alpha: number, rslora: boolean): LoraPair {
  if (rank < 1 || rank > MAX_RANK || !Number.isSafeInteger(rank)) {
    throw new IngotError("input.adapter", `rank ${rank} for '${module.path}'`, {
      hint: `use a rank from 1 to ${MAX_RANK}`,
      data: { where: module.path },
    });
  }
  if (!Number.isFinite(alpha))
    throw new IngotError("input.adapter", `alpha ${alpha} for '${module.path}'`, {
      hint: "give a finite lora_alpha",
      data: { where: module.path },
    });
  if (module.conv !== undefined && module.conv.group !== 1) {
    throw new IngotError("input.adapter", `'${module.path}' is a grouped convolution`, {
      hint: "leave it out of target_modules, or use --method full",
    });
  }
  const shapes = pairShapes(module, rank);
  return {
    module,
    rank,
    scaling: alpha / (rslora ? Math.sqrt(rank) : rank),
    a: spec(prefix, `${PREFIX}${module.path}.lora_A.weight`, shapes.a),
    b: spec(prefix, `${PREFIX}${module.path}.lora_B.weight`, shapes.b),
  };
}

/** Tensors of a saved module: weight in PyTorch layout, and its bias. Throws `input.adapter` where the file has it in several weights. */
function savedTensors(prefix: string, module: Module): readonly ReplacedTensor[] {
  if (module.slice !== undefined || module.copies !== undefined || module.blocks !== undefined) {
    throw new IngotError("input.adapter", `'${module.path}' is no weight of its own in the file`, {
      hint: "leave it out of modules_to_save and name it in target_modules",
      data: { where: module.path },
    });
  }
  const dims =
    module.conv === undefined
      ? [module.outFeatures, module.inFeatures]
      : [module.outFeatures, module.inFeatures / module.conv.group, ...module.conv.kernel];
  const weight: ReplacedTensor = {
    initializer: module.weight,
    tensor: spec(prefix, `${PREFIX}${module.path}.weight`, dims, decaysByName(`${module.path}.weight`)),
    transposed: module.transposed,
  };
  if (module.bias === undefined) return [weight];
  const bias = spec(
    prefix,
    `${PREFIX}${module.path}.bias`,
    [module.outFeatures],
    decaysByName(`${module.path}.bias`),
  );
  return [weight, { initializer: module.bias, tensor: bias, transposed: false }];
}

/** LoRA layers of a recipe on a model. `prefix` makes the graph inputs' names unique. */
export function loraLayers(
  modules: readonly Module[],
  recipe: Recipe,
  hasArchitecture: boolean,
  prefix: string,
): AdapterLayers {
  const pairs = targetModules(modules, recipe, hasArchitecture).map((module) => {
    const rank = byPattern(recipe.rank_pattern, module.path, "rank_pattern") ?? recipe.r;
    const alpha = byPattern(recipe.alpha_pattern, module.path, "alpha_pattern") ?? recipe.lora_alpha;
    return lowRankPair(prefix, module, rank, alpha, recipe.use_rslora);
  });
  return {
    pairs,
    replaced: savedModules(modules, recipe.modules_to_save).flatMap((module) => savedTensors(prefix, module)),
  };
}

/** Layers of full training: every parameter of the model under its ONNX name, in the layout of the file. */
export function fullLayers(
  parameters: readonly {
    readonly initializer: string;
    readonly dims: readonly number[];
    readonly decays: boolean;
  }[],
  prefix: string,
): AdapterLayers {
  return {
    pairs: [],
    replaced: parameters.map((p) => ({
      initializer: p.initializer,
      tensor: { key: p.initializer, input: `${prefix}${p.initializer}`, dims: p.dims, decays: p.decays },
      transposed: false,
    })),
  };
}

/**
 * Layers of an adapter that exists, from its configuration and the tensors its file holds. Every tensor must belong to a
 * module of the model and have its shape. Throws `input.adapter`.
 */
export function layersOfFile(
  modules: readonly Module[],
  config: AdapterConfig,
  tensors: ReadonlyMap<string, readonly number[]>,
  prefix: string,
): AdapterLayers {
  const pairs: LoraPair[] = [];
  const replaced: ReplacedTensor[] = [];
  const byPath = new Map(modules.map((m) => [m.path, m]));
  for (const [key, dims] of tensors) {
    const match = /^base_model\.model\.(.+)\.(lora_A|lora_B)\.weight$/.exec(key);
    if (match === null) {
      replaced.push(savedTensorOfFile(byPath, key, dims, prefix));
      continue;
    }
    const path = match[1]!;
    if (match[2] === "lora_B") {
      if (!tensors.has(`${PREFIX}${path}.lora_A.weight`))
        throw new IngotError("input.adapter", `'${key}' has no lora_A beside it`, { data: { where: key } });
      continue;
    }
    const module = byPath.get(path);
    if (module === undefined) throw wrongBase(`the base has no module '${path}'`, key);
    const rank = dims[0] ?? 0;
    const alpha = byPattern(config.alpha_pattern, path, "alpha_pattern") ?? config.lora_alpha;
    const pair = lowRankPair(prefix, module, rank, alpha, config.use_rslora);
    const said = byPattern(config.rank_pattern, path, "rank_pattern") ?? config.r;
    if (rank !== said)
      throw new IngotError("input.adapter", `'${key}' is of rank ${rank}, adapter_config.json says ${said}`, {
        hint: "take both files from the same training",
        data: { where: key },
      });
    for (const tensor of [pair.a, pair.b]) {
      const found = tensors.get(tensor.key);
      if (found === undefined)
        throw new IngotError("input.adapter", `the adapter lacks '${tensor.key}'`, {
          data: { where: tensor.key },
        });
      if (found.join() !== tensor.dims.join())
        throw wrongBase(
          `'${tensor.key}' is [${found.join(", ")}], the base needs [${tensor.dims.join(", ")}]`,
          tensor.key,
        );
    }
    pairs.push(pair);
  }
  if (pairs.length + replaced.length === 0)
    throw new IngotError("input.adapter", "the adapter changes no module of this base", {
      hint: "is it for another base? ingot import ADAPTER --onto REV",
    });
  return { pairs, replaced };
}

function savedTensorOfFile(
  byPath: ReadonlyMap<string, Module>,
  key: string,
  dims: readonly number[],
  prefix: string,
): ReplacedTensor {
  const match = /^base_model\.model\.(.+)\.(weight|bias)$/.exec(key);
  const module = match === null ? undefined : byPath.get(match[1]!);
  if (match === null || module === undefined) throw wrongBase(`the base has no module for '${key}'`, key);
  const wanted = savedTensors(prefix, module).find((t) => t.tensor.key === key);
  if (wanted === undefined) throw wrongBase(`the base has no tensor for '${key}'`, key);
  if (wanted.tensor.dims.join() !== dims.join())
    throw wrongBase(
      `'${key}' is [${dims.join(", ")}], the base needs [${wanted.tensor.dims.join(", ")}]`,
      key,
    );
  return wanted;
}

function wrongBase(message: string, where: string): IngotError {
  return new IngotError("input.adapter", message, {
    hint: "is it for another base? ingot import ADAPTER --onto REV",
    data: { where },
  });
}

/**
 * Values of a fresh adapter as PEFT starts them: A uniform in +-1/sqrt(fan in) (kaiming_uniform with a = sqrt(5)), B zero,
 * replaced tensors as the base has them. Written into theta by key.
 * `current(initializer)` gives a weight of the base as float32 in the graph's layout.
 */
export function initialValues(
  layers: AdapterLayers,
  seed: number,
  current: (initializer: string) => Float32Array,
): Map<string, Float32Array> {
  const values = new Map<string, Float32Array>();
  const ordered = [...layers.pairs].sort((x, y) => (x.a.key < y.a.key ? -1 : 1));
  ordered.forEach((pair, stream) => {
    const fanIn = pair.a.dims.slice(1).reduce((p, d) => p * d, 1);
    const bound = 1 / Math.sqrt(fanIn);
    const size = pair.rank * fanIn;
    values.set(
      pair.a.key,
      Float32Array.from({ length: size }, (_, i) => (random01(seed, 1000 + stream, i) * 2 - 1) * bound),
    );
    values.set(pair.b.key, new Float32Array(pair.b.dims.reduce((p, d) => p * d, 1)));
  });
  for (const { initializer, tensor, transposed } of layers.replaced) {
    const weight = current(initializer);
    values.set(
      tensor.key,
      transposed ? transpose2(weight, tensor.dims[1]!, tensor.dims[0]!) : Float32Array.from(weight),
    );
  }
  return values;
}

/** [rows, columns] -> [columns, rows]; fresh. */
function transpose2(matrix: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(matrix.length);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) out[j * rows + i] = matrix[i * columns + j]!;
  return out;
}

/** The part of PEFT's LoraConfig that decides the result. */
export interface AdapterConfig {
  readonly r: number;
  readonly lora_alpha: number;
  readonly target_modules: string | readonly string[];
  readonly modules_to_save: readonly string[];
  readonly use_rslora: boolean;
  readonly rank_pattern: Readonly<Record<string, number>>;
  readonly alpha_pattern: Readonly<Record<string, number>>;
}
