import { IngotError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import { foreignKey, isIgnoredKey } from "./foreign-keys.ts";

export type Method = "lora" | "full";
export type Schedule =
  | "constant"
  | "linear"
  | "cosine"
  | "constant_with_warmup"
  | "linear_with_warmup"
  | "cosine_with_warmup";
export type LossKind = "cross_entropy" | "mse";
export type Order = "shuffled" | "sequential";

/**
 * What a training is told, every key resolved. Names, meaning and defaults are those of transformers' `TrainingArguments`
 * and PEFT's `LoraConfig`, but for the table in `objects-spec/recipe.md`. Rates are per optimizer step; counts are in steps or rows.
 */
export interface Recipe {
  readonly method: Method;
  readonly task: string;
  readonly loss: LossKind;
  readonly learning_rate: number;
  readonly lr_scheduler_type: Schedule;
  readonly warmup_steps: number;
  readonly weight_decay: number;
  readonly adam_beta1: number;
  readonly adam_beta2: number;
  readonly adam_epsilon: number;
  /** 0 = no clipping. */
  readonly max_grad_norm: number;
  readonly per_device_train_batch_size: number;
  readonly gradient_accumulation_steps: number;
  readonly max_steps: number;
  readonly num_train_epochs: number;
  /** Longest row in tokens; longer ones are cut. 0 = the longest example. */
  readonly max_seq_length: number;
  /** Rows of earlier data per new row, drawn anew every epoch. */
  readonly replay: number;
  /** Leave rows out that the line was trained on before. */
  readonly new_only: boolean;
  readonly save_steps: number;
  readonly save_total_limit: number;
  readonly seed: number;
  readonly order: Order;
  readonly r: number;
  readonly lora_alpha: number;
  readonly lora_dropout: number;
  /** Suffixes, or one regular expression over whole paths, or `all-linear`. */
  readonly target_modules: string | readonly string[];
  readonly modules_to_save: readonly string[];
  readonly use_rslora: boolean;
  readonly rank_pattern: Readonly<Record<string, number>>;
  readonly alpha_pattern: Readonly<Record<string, number>>;
}

export type RecipeKey = keyof Recipe | "warmup_ratio";
export type RecipeInput = { readonly [key: string]: unknown };

export const TASKS = [
  "text-generation",
  "text2text-generation",
  "fill-mask",
  "text-classification",
  "token-classification",
  "question-answering",
  "image-classification",
  "regression",
  "tabular-classification",
  "tabular-regression",
] as const;

interface KeyRule {
  readonly fallback: unknown;
  /** Reads a value as the user wrote it; undefined = not acceptable. */
  readonly read: (value: unknown) => unknown;
  readonly expected: string;
}

const number = (fallback: number, least: number, expected: string, most = Number.MAX_VALUE): KeyRule => ({
  fallback,
  expected,
  read: (v) =>
    typeof v === "number" && Number.isFinite(v) && v >= least && v <= most
      ? Object.is(v, -0)
        ? 0
        : v
      : undefined,
});
const count = (fallback: number, least: number): KeyRule => ({
  fallback,
  expected: `a whole number of at least ${least}`,
  read: (v) => (typeof v === "number" && Number.isSafeInteger(v) && v >= least ? v : undefined),
});
const choice = (fallback: string, values: readonly string[]): KeyRule => ({
  fallback,
  expected: `one of ${values.join(", ")}`,
  read: (v) => (typeof v === "string" && values.includes(v) ? v : undefined),
});
/** Patterns by name; sorted, because the first that matches counts and a stored recipe keeps no other order. */
const byPattern = (expected: string, accepts: (n: unknown) => boolean): KeyRule => ({
  fallback: {},
  expected: `a table of module patterns to ${expected}`,
  read: (v) =>
    isTable(v) && Object.values(v).every(accepts)
      ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)))
      : undefined,
});
const fraction = (fallback: number): KeyRule => ({
  fallback,
  expected: "a number of at least 0 and below 1",
  read: (v) => (typeof v === "number" && v >= 0 && v < 1 ? (v === 0 ? 0 : v) : undefined),
});
const names = (v: unknown): readonly string[] | undefined =>
  Array.isArray(v) && v.every((s) => typeof s === "string") ? [...new Set(v as string[])].sort() : undefined;

function isTable(v: unknown): v is Record<string, unknown> {
  return typeof v === "object" && v !== null && !Array.isArray(v) && !(v instanceof Uint8Array);
}

/** The one table of recipe keys. -1 for `max_steps` means "by epochs", as in transformers. */
const KEYS: Readonly<Record<RecipeKey, KeyRule>> = {
  method: choice("lora", ["lora", "full"]),
  task: choice("", [...TASKS]),
  loss: choice("", ["cross_entropy", "mse"]),
  learning_rate: number(Number.NaN, 0, "a number of at least 0"),
  lr_scheduler_type: choice("linear", [
    "constant",
    "linear",
    "cosine",
    "constant_with_warmup",
    "linear_with_warmup",
    "cosine_with_warmup",
  ]),
  warmup_steps: count(0, 0),
  warmup_ratio: number(0, 0, "a number from 0 to 1", 1),
  weight_decay: number(0, 0, "a number of at least 0"),
  adam_beta1: fraction(0.9),
  adam_beta2: fraction(0.999),
  adam_epsilon: number(1e-8, 0, "a number of at least 0"),
  max_grad_norm: number(1, 0, "a number of at least 0 (0 = off)"),
  per_device_train_batch_size: count(8, 1),
  gradient_accumulation_steps: count(1, 1),
  max_steps: count(-1, -1),
  num_train_epochs: number(3, 0, "a number of at least 0"),
  max_seq_length: count(0, 0),
  replay: number(0.5, 0, "a number of at least 0"),
  new_only: {
    fallback: false,
    expected: "true or false",
    read: (v) => (typeof v === "boolean" ? v : undefined),
  },
  save_steps: count(0, 0),
  save_total_limit: count(3, 1),
  seed: count(42, 0),
  order: choice("shuffled", ["shuffled", "sequential"]),
  r: count(8, 1),
  lora_alpha: number(Number.NaN, 0, "a number of at least 0"),
  lora_dropout: number(0, 0, "0 (dropout is not supported)", 0),
  target_modules: {
    fallback: "all-linear",
    expected: "a list of module names, one regular expression, or 'all-linear'",
    read: (v) => (typeof v === "string" && v !== "" ? v : names(v)),
  },
  modules_to_save: { fallback: [], expected: "a list of module names", read: names },
  use_rslora: {
    fallback: false,
    expected: "true or false",
    read: (v) => (typeof v === "boolean" ? v : undefined),
  },
  rank_pattern: byPattern(
    "whole numbers of at least 1",
    (n) => Number.isSafeInteger(n) && (n as number) >= 1,
  ),
  alpha_pattern: byPattern("numbers above 0", (n) => typeof n === "number" && Number.isFinite(n) && n > 0),
};

export interface RecipeReading {
  /** Keys given, read and checked, not yet resolved. */
  readonly given: Partial<Record<RecipeKey, unknown>>;
  /** Known keys without meaning here. */
  readonly ignored: readonly string[];
}

/** Reads a recipe as a user wrote it. Throws `usage.recipe` for an unknown key (naming the nearest) or a bad value. */
export function readRecipe(input: RecipeInput, where: string): RecipeReading {
  const given: Partial<Record<RecipeKey, unknown>> = {};
  const ignored: string[] = [];
  for (const [key, value] of Object.entries(input)) {
    const foreign = foreignKey(key, value);
    if (foreign?.refusal !== undefined)
      throw new IngotError("usage.recipe", foreign.refusal, {
        hint: `remove '${key}'`,
        data: { where: `${where}: ${key}` },
      });
    if (foreign !== undefined) continue;
    if (Object.hasOwn(KEYS, key)) {
      if (value === null) continue;
      const rule = KEYS[key as RecipeKey];
      const read = rule.read(value);
      if (read === undefined) {
        throw new IngotError("usage.recipe", `'${key}' is ${JSON.stringify(value)?.slice(0, 60)}`, {
          hint: `give ${rule.expected}`,
          data: { where: `${where}: ${key}` },
        });
      }
      given[key as RecipeKey] = read;
    } else if (isIgnoredKey(key)) {
      ignored.push(key);
    } else {
      const near = nearest(key, Object.keys(KEYS));
      throw new IngotError("usage.recipe", `unknown recipe key '${key}'`, {
        hint: near === undefined ? "ingot help recipe" : `did you mean '${near}'?`,
        data: { where: `${where}: ${key}` },
      });
    }
  }
  return { given, ignored };
}

export interface RecipeContext {
  /** Task found from the model, where the recipe names none. */
  readonly task: string;
  /** Rows of one epoch, replayed ones included, as a function of the replay share. */
  readonly rowsPerEpoch: (replay: number) => number;
  /** LoraConfig of the adapter that is continued: default of r, lora_alpha, target_modules and the patterns. */
  readonly continued?: Partial<Record<RecipeKey, unknown>>;
}

/**
 * Resolves every key. steps = `max_steps`, or ceil(epochs x rows / (batch x accumulation)); `warmup_ratio` counts where
 * `warmup_steps` is 0: ceil(steps x ratio).
 */
export function resolveRecipe(given: Partial<Record<RecipeKey, unknown>>, context: RecipeContext): Recipe {
  const value = <T>(key: RecipeKey): T => (given[key] ?? context.continued?.[key] ?? KEYS[key].fallback) as T;
  const method = value<Method>("method");
  const task = value<string>("task") || context.task;
  const replay = value<number>("replay");
  const rowsPerStep =
    value<number>("per_device_train_batch_size") * value<number>("gradient_accumulation_steps");
  const epochs = value<number>("num_train_epochs");
  const asked = value<number>("max_steps");
  const steps = asked >= 0 ? asked : Math.ceil((epochs * context.rowsPerEpoch(replay)) / rowsPerStep);
  if (steps < 1)
    throw new IngotError("usage.recipe", "the recipe makes no step", {
      hint: "give --steps or --epochs above 0",
      data: { where: "max_steps" },
    });
  const r = value<number>("r");
  const alpha = value<number>("lora_alpha");
  const rate = value<number>("learning_rate");
  const warmup = value<number>("warmup_steps");
  const saveEvery = value<number>("save_steps");
  return {
    method,
    task,
    loss: value<LossKind | "">("loss") || (task.endsWith("regression") ? "mse" : "cross_entropy"),
    learning_rate: Number.isNaN(rate) ? (method === "lora" ? 2e-4 : 5e-5) : rate,
    lr_scheduler_type: value("lr_scheduler_type"),
    warmup_steps: warmup > 0 ? warmup : Math.ceil(steps * value<number>("warmup_ratio")),
    weight_decay: value("weight_decay"),
    adam_beta1: value("adam_beta1"),
    adam_beta2: value("adam_beta2"),
    adam_epsilon: value("adam_epsilon"),
    max_grad_norm: value("max_grad_norm"),
    per_device_train_batch_size: value("per_device_train_batch_size"),
    gradient_accumulation_steps: value("gradient_accumulation_steps"),
    max_steps: steps,
    num_train_epochs: epochs,
    max_seq_length: value("max_seq_length"),
    replay,
    new_only: value("new_only"),
    save_steps: saveEvery > 0 ? saveEvery : Math.max(1, Math.min(500, Math.floor(steps / 10))),
    save_total_limit: value("save_total_limit"),
    seed: value("seed"),
    order: value("order"),
    r,
    lora_alpha: Number.isNaN(alpha) ? r : alpha,
    lora_dropout: value("lora_dropout"),
    target_modules: value("target_modules"),
    modules_to_save: value("modules_to_save"),
    use_rslora: value("use_rslora"),
    rank_pattern: value("rank_pattern"),
    alpha_pattern: value("alpha_pattern"),
  };
}
