import { bug, IngotError } from "../base/errors.ts";
import type { HostTensor } from "../runtime/session.ts";
import {
  type AdapterConfig,
  type AdapterLayers,
  fullLayers,
  initialValues,
  loraLayers,
  tensorsOf,
} from "./adapter.ts";
import { type LoadedAdapter, parameterSpecs } from "./adapter-files.ts";
import type { BaseModel } from "./base-model.ts";
import type { Recipe, RecipeKey } from "./recipe.ts";
import { layOut, type Trainable, totalSize } from "./trainables.ts";

/** What a training trains: layers, their place in theta, and the start. */
export interface TrainableAdapter {
  readonly layers: AdapterLayers;
  readonly trainables: readonly Trainable[];
  readonly theta: Float32Array;
  /** LoRA: what `adapter_config.json` will say. */
  readonly config: AdapterConfig | undefined;
}

const PREFIX = "ingot/train/";
const SHAPING: readonly RecipeKey[] = [
  "r",
  "lora_alpha",
  "target_modules",
  "modules_to_save",
  "use_rslora",
  "rank_pattern",
  "alpha_pattern",
];

/** Recipe keys of the adapter that is continued: its LoraConfig is the default. */
export function continuedKeys(last: LoadedAdapter | undefined): Partial<Record<RecipeKey, unknown>> {
  if (last === undefined) return {};
  if (last.config === undefined) return { method: last.method };
  const { r, lora_alpha, target_modules, modules_to_save, use_rslora, rank_pattern, alpha_pattern } =
    last.config;
  return {
    method: last.method,
    r,
    lora_alpha,
    target_modules,
    modules_to_save,
    use_rslora,
    rank_pattern,
    alpha_pattern,
  };
}

/** Equal as recipe values, in whatever order patterns are written. */
function isSame(a: unknown, b: unknown): boolean {
  const text = (value: unknown): string =>
    JSON.stringify(
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? Object.entries(value).sort(([x], [y]) => (x < y ? -1 : 1))
        : value,
    ) ?? "";
  return text(a) === text(b);
}

function shapeOf(layers: AdapterLayers): string {
  const scalings = layers.pairs.map((p) => `${p.a.key} ${p.scaling}`);
  return [...tensorsOf(layers).map((t) => `${t.key} [${t.dims.join()}]`), ...scalings].sort().join("\n");
}

/**
 * The adapter a training trains: the last one of the version continued (its values are the start), or a fresh one.
 * Throws `usage.recipe` where the recipe asks for another shape than the one that is continued, without `--stack`.
 */
export async function trainableAdapter(
  base: BaseModel,
  recipe: Recipe,
  given: Readonly<Partial<Record<RecipeKey, unknown>>>,
  last: LoadedAdapter | undefined,
): Promise<TrainableAdapter> {
  if (last !== undefined) {
    // What the adapter says of itself asks for nothing new: a reproduction gives every key.
    const own = continuedKeys(last);
    const asked = SHAPING.filter((key) => given[key] !== undefined && !isSame(given[key], own[key]));
    const fresh =
      recipe.method === "lora" && last.method === "lora" && asked.length > 0
        ? loraLayers(base.modules, recipe, base.architecture !== undefined, PREFIX)
        : undefined;
    if (
      recipe.method !== last.method ||
      (fresh !== undefined && shapeOf(fresh) !== shapeOf(withPrefix(last.layers)))
    ) {
      throw new IngotError(
        "usage.recipe",
        `the recipe asks for another adapter than the one this version carries (${recipe.method !== last.method ? "method" : asked.join(", ")})`,
        {
          hint: "leave these keys out to continue it, or add another on top with --stack",
          data: { where: "recipe" },
        },
      );
    }
    return laidOut(withPrefix(last.layers), last.values, last.config);
  }
  if (recipe.method === "full") {
    const layers = fullLayers(parameterSpecs(base), PREFIX);
    return laidOut(layers, await startValues(base, recipe, layers), undefined);
  }
  const layers = loraLayers(base.modules, recipe, base.architecture !== undefined, PREFIX);
  const { r, lora_alpha, target_modules, modules_to_save, use_rslora, rank_pattern, alpha_pattern } = recipe;
  return laidOut(layers, await startValues(base, recipe, layers), {
    r,
    lora_alpha,
    target_modules,
    modules_to_save,
    use_rslora,
    rank_pattern,
    alpha_pattern,
  });
}

/** The same layers under the graph inputs of the trained adapter. */
function withPrefix(layers: AdapterLayers): AdapterLayers {
  return {
    pairs: layers.pairs.map((p) => ({
      ...p,
      a: { ...p.a, input: PREFIX + p.a.key },
      b: { ...p.b, input: PREFIX + p.b.key },
    })),
    replaced: layers.replaced.map((r) => ({ ...r, tensor: { ...r.tensor, input: PREFIX + r.tensor.key } })),
  };
}

async function startValues(
  base: BaseModel,
  recipe: Recipe,
  layers: AdapterLayers,
): Promise<Map<string, Float32Array>> {
  const weights = new Map<string, Float32Array>();
  for (const { initializer } of layers.replaced) weights.set(initializer, await base.weight(initializer));
  return initialValues(layers, recipe.seed, (name) => weights.get(name) ?? bug(`no weight '${name}'`));
}

function laidOut(
  layers: AdapterLayers,
  values: ReadonlyMap<string, Float32Array>,
  config: AdapterConfig | undefined,
): TrainableAdapter {
  const trainables = layOut(tensorsOf(layers));
  const theta = new Float32Array(totalSize(trainables));
  for (const t of trainables) theta.set(values.get(t.key) ?? bug(`no value of '${t.key}'`), t.offset);
  return { layers, trainables, theta, config };
}

/** Feeds of the trained adapter: views of theta, not copies. */
export function thetaFeeds(
  trainables: readonly Trainable[],
  theta: Float32Array,
): ReadonlyMap<string, HostTensor> {
  return new Map(
    trainables.map((t) => [
      t.input,
      { dtype: "float32", dims: t.dims, data: theta.subarray(t.offset, t.offset + t.size) },
    ]),
  );
}

/** Feeds of an adapter that does not change. */
export function frozenFeeds(adapter: LoadedAdapter): ReadonlyMap<string, HostTensor> {
  return new Map(
    tensorsOf(adapter.layers).map((t) => [
      t.input,
      { dtype: "float32", dims: t.dims, data: adapter.values.get(t.key) ?? bug(`no value of '${t.key}'`) },
    ]),
  );
}
