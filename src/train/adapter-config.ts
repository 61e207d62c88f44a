import { IngotError } from "../base/errors.ts";
import type { Module } from "../onnx/modules.ts";
import type { AdapterConfig, AdapterLayers } from "./adapter.ts";

const TASK_TYPES: Readonly<Record<string, string>> = {
  "text-generation": "CAUSAL_LM",
  "text2text-generation": "SEQ_2_SEQ_LM",
  "text-classification": "SEQ_CLS",
  "token-classification": "TOKEN_CLS",
  "question-answering": "QUESTION_ANS",
};

function bad(message: string, where: string): IngotError {
  return new IngotError("input.adapter", message, {
    data: { where: `adapter_config.json: ${where}` },
    hint: "only LoRA adapters of PEFT can be imported",
  });
}

function numbers(value: unknown, where: string): Readonly<Record<string, number>> {
  if (value === null || value === undefined) return {};
  if (typeof value !== "object" || Array.isArray(value)) throw bad(`'${where}' is no table`, where);
  const out: Record<string, number> = {};
  for (const [key, n] of Object.entries(value)) {
    if (typeof n !== "number" || !Number.isFinite(n) || n <= 0)
      throw bad(`'${key}' in '${where}' is no number above 0`, where);
    out[key] = n;
  }
  return out;
}

function names(value: unknown, where: string): readonly string[] {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value) || !value.every((v) => typeof v === "string"))
    throw bad(`'${where}' is no list of names`, where);
  return [...new Set(value as string[])].sort();
}

/** Reads a parsed `adapter_config.json`. Throws `input.adapter` for what is not plain LoRA. */
export function readAdapterConfig(parsed: unknown): AdapterConfig {
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw bad("adapter_config.json is no object", "the whole file");
  const config = parsed as Readonly<Record<string, unknown>>;
  if (config.peft_type !== "LORA")
    throw bad(`peft_type is ${JSON.stringify(config.peft_type)?.slice(0, 40)}`, "peft_type");
  for (const key of ["use_dora", "use_qalora", "lora_bias", "fan_in_fan_out_weights"])
    if (config[key]) throw bad(`'${key}' is not supported`, key);
  if (config.bias !== undefined && config.bias !== "none")
    throw bad(`bias '${String(config.bias).slice(0, 40)}' is not supported`, "bias");
  const r = config.r;
  const alpha = config.lora_alpha;
  if (typeof r !== "number" || !Number.isSafeInteger(r) || r < 1 || r > 65_536)
    throw bad(`r is ${JSON.stringify(r)}`, "r");
  if (typeof alpha !== "number" || !Number.isFinite(alpha))
    throw bad(`lora_alpha is ${JSON.stringify(alpha)}`, "lora_alpha");
  const targets = config.target_modules;
  return {
    r,
    lora_alpha: alpha,
    target_modules: typeof targets === "string" ? targets : names(targets, "target_modules"),
    modules_to_save: names(config.modules_to_save, "modules_to_save"),
    use_rslora: config.use_rslora === true,
    rank_pattern: numbers(config.rank_pattern, "rank_pattern"),
    alpha_pattern: numbers(config.alpha_pattern, "alpha_pattern"),
  };
}

/** Names for `target_modules` that select exactly the adapted modules: last parts of paths where they do, else whole paths. */
function targetNames(layers: AdapterLayers, modules: readonly Module[]): readonly string[] {
  const paths = new Set(layers.pairs.map((p) => p.module.path));
  const last = new Set([...paths].map((p) => p.split(".").at(-1)!));
  const selected = modules.filter((m) => last.has(m.path.split(".").at(-1)!)).length;
  return [...(selected === paths.size ? last : paths)].sort();
}

/** Text of `adapter_config.json` as PEFT reads it: keys sorted, the same bytes for the same adapter. */
export function formatAdapterConfig(
  config: AdapterConfig,
  layers: AdapterLayers,
  modules: readonly Module[],
  task: string,
  baseName: string,
): string {
  const value = {
    alpha_pattern: config.alpha_pattern,
    base_model_name_or_path: baseName,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha: config.lora_alpha,
    lora_dropout: 0,
    modules_to_save: config.modules_to_save.length > 0 ? config.modules_to_save : null,
    peft_type: "LORA",
    r: config.r,
    rank_pattern: config.rank_pattern,
    target_modules: targetNames(layers, modules),
    task_type: TASK_TYPES[task] ?? null,
    use_dora: false,
    use_rslora: config.use_rslora,
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}
