import { describe, expect, it } from "vitest";
import { IngotError } from "../../../src/base/errors.ts";
import { type AdapterConfig, loraLayers } from "../../../src/train/adapter.ts";
import { formatAdapterConfig, readAdapterConfig } from "../../../src/train/adapter-config.ts";
import { TASKS } from "../../../src/train/recipe.ts";
import { DECODER } from "../../support/modules.ts";
import { recipeOf } from "../../support/recipes.ts";

const PLAIN = { peft_type: "LORA", r: 4, lora_alpha: 8, target_modules: ["q_proj"] };

function refusal(change: Record<string, unknown>): IngotError {
  try {
    readAdapterConfig({ ...PLAIN, ...change });
  } catch (error) {
    if (error instanceof IngotError) return error;
    throw error;
  }
  throw new Error(`taken: ${JSON.stringify(change)}`);
}

function written(input: Record<string, unknown>, task = "text-generation"): Record<string, unknown> {
  const recipe = recipeOf(input);
  return JSON.parse(
    formatAdapterConfig(recipe, loraLayers(DECODER, recipe, true, ""), DECODER, task, "base"),
  );
}

describe("adapter_config.json", () => {
  it.each([
    { target_modules: ["q_proj", "v_proj"] },
    { target_modules: ["layers.1.self_attn.q_proj"], r: 2, lora_alpha: 3.5 },
    { target_modules: "all-linear", use_rslora: true, modules_to_save: ["lm_head"] },
    { target_modules: ["q_proj", "k_proj"], rank_pattern: { q_proj: 2 }, alpha_pattern: { k_proj: 1.5 } },
  ])("is read as it was written, and selects the same modules again: %j", (input) => {
    const recipe = recipeOf(input);
    const read: AdapterConfig = readAdapterConfig(written(input));
    const { r, lora_alpha, use_rslora, rank_pattern, alpha_pattern, modules_to_save } = recipe;
    expect(read).toMatchObject({ r, lora_alpha, use_rslora, rank_pattern, alpha_pattern, modules_to_save });
    expect(loraLayers(DECODER, { ...recipe, ...read }, true, "")).toEqual(
      loraLayers(DECODER, recipe, true, ""),
    );
  });

  it("names targets by their last parts where these select no other module, else by whole paths", () => {
    expect(written({ target_modules: ".*(q|v)_proj" }).target_modules).toEqual(["q_proj", "v_proj"]);
    expect(written({ target_modules: ".*0.*q_proj" }).target_modules).toEqual([
      "model.layers.0.self_attn.q_proj",
    ]);
  });

  it("says PEFT's task type, and none where PEFT has none", () => {
    const types = Object.fromEntries(TASKS.map((task) => [task, written({}, task).task_type]));
    expect(types).toMatchObject({
      "text-generation": "CAUSAL_LM",
      "text2text-generation": "SEQ_2_SEQ_LM",
      "text-classification": "SEQ_CLS",
      "token-classification": "TOKEN_CLS",
      "question-answering": "QUESTION_ANS",
      "image-classification": null,
      regression: null,
    });
  });

  it("is the same text for the same adapter, with sorted keys", () => {
    const keys = Object.keys(written({}));
    expect(keys).toEqual([...keys].sort());
  });

  it.each([
    ["peft_type", "IA3"],
    ["peft_type", undefined],
    ["use_dora", true],
    ["use_qalora", true],
    ["lora_bias", true],
    ["bias", "all"],
    ["bias", "lora_only"],
    ["r", 0],
    ["r", -1],
    ["r", 1e9],
    ["r", 2.5],
    ["r", "8"],
    ["lora_alpha", null],
    ["lora_alpha", Number.NaN],
    ["lora_alpha", "16"],
    ["target_modules", 7],
    ["target_modules", [7]],
    ["modules_to_save", "classifier"],
    ["rank_pattern", [1]],
    ["rank_pattern", { q_proj: 0 }],
    ["alpha_pattern", { q_proj: Number.POSITIVE_INFINITY }],
  ])("is refused with %s = %j", (key, value) => {
    const error = refusal({ [key]: value });
    expect([error.code, error.exit, error.data.where]).toEqual([
      "input.adapter",
      3,
      `adapter_config.json: ${key}`,
    ]);
  });

  it("reads what PEFT leaves null as absent, and never looks at auto_map or addresses", () => {
    const read = readAdapterConfig({
      ...PLAIN,
      modules_to_save: null,
      rank_pattern: null,
      alpha_pattern: null,
      base_model_name_or_path: "https://example.invalid/model",
      auto_map: { AutoModel: "evil.py" },
    });
    expect(read).toEqual({
      r: 4,
      lora_alpha: 8,
      target_modules: ["q_proj"],
      modules_to_save: [],
      use_rslora: false,
      rank_pattern: {},
      alpha_pattern: {},
    });
  });
});
