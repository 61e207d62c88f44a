import fs from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IngotError } from "../../../src/base/errors.ts";
import { readRecipe, resolveRecipe, TASKS } from "../../../src/train/recipe.ts";
import { recipeOf } from "../../support/recipes.ts";

/** Every key: its default, values that are taken as they are, values that are refused. */
const KEYS: Readonly<
  Record<
    string,
    { readonly fallback: unknown; readonly taken: readonly unknown[]; readonly refused: readonly unknown[] }
  >
> = {
  method: { fallback: "lora", taken: ["lora", "full"], refused: ["qlora", 1, ["lora"]] },
  task: { fallback: "text-generation", taken: [...TASKS], refused: ["chat", 0] },
  loss: { fallback: "cross_entropy", taken: ["cross_entropy", "mse"], refused: ["hinge"] },
  learning_rate: { fallback: 2e-4, taken: [0, 1e-5, 3], refused: [-1e-9, Number.NaN, Infinity, "1e-3"] },
  lr_scheduler_type: {
    fallback: "linear",
    taken: [
      "constant",
      "linear",
      "cosine",
      "constant_with_warmup",
      "linear_with_warmup",
      "cosine_with_warmup",
    ],
    refused: ["polynomial", "cosine_with_restarts", 1],
  },
  warmup_steps: { fallback: 0, taken: [0, 10], refused: [-1, 0.5, "3"] },
  weight_decay: { fallback: 0, taken: [0, 0.1], refused: [-0.1, true] },
  adam_beta1: { fallback: 0.9, taken: [0, 0.5, 0.999], refused: [-0.1, 1, 1.5] },
  adam_beta2: { fallback: 0.999, taken: [0, 0.95], refused: [-0.1, 1, 2] },
  adam_epsilon: { fallback: 1e-8, taken: [0, 1e-6], refused: [-1e-8] },
  max_grad_norm: { fallback: 1, taken: [0, 0.5], refused: [-1, Number.NaN] },
  per_device_train_batch_size: { fallback: 8, taken: [1, 64], refused: [0, 1.5, -8, "8"] },
  gradient_accumulation_steps: { fallback: 1, taken: [1, 16], refused: [0, 2.5] },
  max_steps: { fallback: undefined, taken: [1, 1000], refused: [-2, 1.5] },
  num_train_epochs: { fallback: 3, taken: [1, 0.5, 10], refused: [-1, "3"] },
  max_seq_length: { fallback: 0, taken: [0, 512], refused: [-1, 0.5] },
  replay: { fallback: 0.5, taken: [0, 1, 2.5], refused: [-0.5, "half"] },
  save_steps: { fallback: undefined, taken: [1, 77], refused: [-1, 0.1] },
  save_total_limit: { fallback: 3, taken: [1, 10], refused: [0, -1] },
  seed: { fallback: 42, taken: [0, 2 ** 40], refused: [-1, 0.5, 2 ** 53] },
  order: { fallback: "shuffled", taken: ["shuffled", "sequential"], refused: ["random"] },
  r: { fallback: 8, taken: [1, 256], refused: [0, -4, 1.5, "8"] },
  lora_alpha: { fallback: 8, taken: [1, 16, 0.5], refused: [-1, Number.NaN, Infinity, "16"] },
  lora_dropout: { fallback: 0, taken: [0], refused: [0.1, 1, -0.1] },
  target_modules: {
    fallback: "all-linear",
    taken: ["all-linear", ".*q_proj", ["k_proj", "q_proj"]],
    refused: ["", 3, [1], { q_proj: true }],
  },
  modules_to_save: { fallback: [], taken: [["classifier"]], refused: ["classifier", [null]] },
  use_rslora: { fallback: false, taken: [true, false], refused: [1, "true"] },
  new_only: { fallback: false, taken: [true, false], refused: [1, "true"] },
  rank_pattern: {
    fallback: {},
    taken: [{ q_proj: 4 }],
    refused: [{ q_proj: 0 }, { q_proj: 1.5 }, [4], "q_proj"],
  },
  alpha_pattern: { fallback: {}, taken: [{ q_proj: 4.5 }], refused: [{ q_proj: -1 }, { q_proj: "4" }, 3] },
};

function refusal(input: Record<string, unknown>): IngotError {
  try {
    readRecipe(input, "recipe.json");
  } catch (error) {
    if (error instanceof IngotError) return error;
    throw error;
  }
  throw new Error(`taken: ${JSON.stringify(input)}`);
}

describe("every key of a recipe", () => {
  it("is in this table, and no other is in a resolved recipe", () => {
    expect(Object.keys(recipeOf()).sort()).toEqual(Object.keys(KEYS).sort());
  });

  it("stands on the page of the format", () => {
    const page = fs.readFileSync(new URL("../../../objects-spec/recipe.md", import.meta.url), "utf8");
    const rows = page.split("\n").filter((line) => line.startsWith("| `"));
    const named = rows.flatMap((line) =>
      [...line.split("|")[1]!.matchAll(/`(\w+)`/g)].map((match) => match[1]),
    );
    expect(named.sort()).toEqual(Object.keys(KEYS).sort());
  });

  it.each(Object.entries(KEYS))("%s: default, taken, refused", (key, { fallback, taken, refused }) => {
    if (fallback !== undefined) expect(recipeOf()[key as "seed"]).toEqual(fallback);
    for (const value of taken) expect(recipeOf({ [key]: value })[key as "seed"]).toEqual(value);
    for (const value of refused) {
      const error = refusal({ [key]: value });
      expect([error.code, error.exit, error.data.where]).toEqual(["usage.recipe", 2, `recipe.json: ${key}`]);
      expect(error.hint).toBeTruthy();
    }
  });

  it("is not given where it is null, as Python writes what was left out", () => {
    for (const key of Object.keys(KEYS)) expect(readRecipe({ [key]: null }, "x").given).toEqual({});
  });

  it("resolves to itself when it is resolved again, as a reproduction does", () => {
    const any = fc.record(
      Object.fromEntries(Object.entries(KEYS).map(([key, { taken }]) => [key, fc.constantFrom(...taken)])),
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(any, fc.integer({ min: 1, max: 500 }), (input, rows) => {
        const resolved = recipeOf(input, rows);
        expect(recipeOf({ ...resolved }, rows + 17)).toEqual(resolved);
      }),
    );
  });
});

describe("a key that is no key", () => {
  it.each([
    ["learning_rte", "learning_rate"],
    ["lora_aplha", "lora_alpha"],
    ["max_step", "max_steps"],
    ["target_module", "target_modules"],
    ["per_device_batch_size", "per_device_train_batch_size"],
  ])("'%s' is refused with the nearest name, '%s'", (typed, meant) => {
    const error = refusal({ [typed]: 1 });
    expect([error.code, error.hint]).toEqual(["usage.recipe", `did you mean '${meant}'?`]);
    expect(error.message).toContain(`'${typed}'`);
  });

  it.each(["__proto__x", "constructor", "toString", "hasOwnProperty", "frobnicate"])(
    "'%s' is refused",
    (key) => {
      expect(refusal({ [key]: 1 }).code).toBe("usage.recipe");
    },
  );
});

/** What `TrainingArguments(...).to_dict()` of transformers 4.57 writes by default. */
const TRAINING_ARGS = {
  output_dir: "out",
  overwrite_output_dir: false,
  do_train: false,
  do_eval: false,
  do_predict: false,
  eval_strategy: "no",
  prediction_loss_only: false,
  per_device_train_batch_size: 8,
  per_device_eval_batch_size: 8,
  per_gpu_train_batch_size: null,
  per_gpu_eval_batch_size: null,
  gradient_accumulation_steps: 1,
  eval_accumulation_steps: null,
  eval_delay: 0,
  torch_empty_cache_steps: null,
  learning_rate: 5e-5,
  weight_decay: 0,
  adam_beta1: 0.9,
  adam_beta2: 0.999,
  adam_epsilon: 1e-8,
  max_grad_norm: 1,
  num_train_epochs: 3,
  max_steps: -1,
  lr_scheduler_type: "linear",
  lr_scheduler_kwargs: {},
  warmup_ratio: 0,
  warmup_steps: 0,
  log_level: "passive",
  log_level_replica: "warning",
  log_on_each_node: true,
  logging_dir: "out/runs",
  logging_strategy: "steps",
  logging_first_step: false,
  logging_steps: 500,
  logging_nan_inf_filter: true,
  save_strategy: "steps",
  save_steps: 500,
  save_total_limit: null,
  save_safetensors: true,
  save_on_each_node: false,
  save_only_model: false,
  restore_callback_states_from_checkpoint: false,
  no_cuda: false,
  use_cpu: false,
  use_mps_device: false,
  seed: 42,
  data_seed: null,
  jit_mode_eval: false,
  bf16: false,
  fp16: false,
  fp16_opt_level: "O1",
  half_precision_backend: "auto",
  bf16_full_eval: false,
  fp16_full_eval: false,
  tf32: null,
  local_rank: 0,
  ddp_backend: null,
  tpu_num_cores: null,
  tpu_metrics_debug: false,
  debug: [],
  dataloader_drop_last: false,
  eval_steps: null,
  dataloader_num_workers: 0,
  dataloader_prefetch_factor: null,
  past_index: -1,
  run_name: null,
  disable_tqdm: false,
  remove_unused_columns: true,
  label_names: null,
  load_best_model_at_end: false,
  metric_for_best_model: null,
  greater_is_better: null,
  ignore_data_skip: false,
  fsdp: [],
  fsdp_min_num_params: 0,
  fsdp_config: {},
  fsdp_transformer_layer_cls_to_wrap: null,
  accelerator_config: {},
  parallelism_config: null,
  deepspeed: null,
  label_smoothing_factor: 0,
  optim: "adamw_torch_fused",
  optim_args: null,
  adafactor: false,
  group_by_length: false,
  length_column_name: "length",
  report_to: [],
  project: "huggingface",
  trackio_space_id: "trackio",
  ddp_find_unused_parameters: null,
  ddp_bucket_cap_mb: null,
  ddp_broadcast_buffers: null,
  dataloader_pin_memory: true,
  dataloader_persistent_workers: false,
  skip_memory_metrics: true,
  use_legacy_prediction_loop: false,
  push_to_hub: false,
  resume_from_checkpoint: null,
  hub_model_id: null,
  hub_strategy: "every_save",
  hub_token: "<HUB_TOKEN>",
  hub_private_repo: null,
  hub_always_push: false,
  hub_revision: null,
  gradient_checkpointing: false,
  gradient_checkpointing_kwargs: null,
  include_inputs_for_metrics: false,
  include_for_metrics: [],
  eval_do_concat_batches: true,
  fp16_backend: "auto",
  push_to_hub_model_id: null,
  push_to_hub_organization: null,
  push_to_hub_token: "<PUSH_TO_HUB_TOKEN>",
  mp_parameters: "",
  auto_find_batch_size: false,
  full_determinism: false,
  torchdynamo: null,
  ray_scope: "last",
  ddp_timeout: 1800,
  torch_compile: false,
  torch_compile_backend: null,
  torch_compile_mode: null,
  include_tokens_per_second: false,
  include_num_input_tokens_seen: "no",
  neftune_noise_alpha: null,
  optim_target_modules: null,
  batch_eval_metrics: false,
  eval_on_start: false,
  use_liger_kernel: false,
  liger_kernel_config: null,
  eval_use_gather_object: false,
  average_tokens_across_devices: true,
};

/** What PEFT 0.21 writes as `adapter_config.json` for LoRA. */
const LORA_CONFIG = {
  alora_invocation_tokens: null,
  alpha_pattern: {},
  arrow_config: null,
  auto_mapping: null,
  base_model_name_or_path: "base",
  bias: "none",
  corda_config: null,
  ensure_weight_tying: false,
  eva_config: null,
  exclude_modules: null,
  fan_in_fan_out: false,
  inference_mode: true,
  init_lora_weights: true,
  kasa_config: null,
  layer_replication: null,
  layers_pattern: null,
  layers_to_transform: null,
  loftq_config: {},
  lora_alpha: 16,
  lora_bias: false,
  lora_dropout: 0,
  lora_ga_config: null,
  megatron_config: null,
  megatron_core: "megatron.core",
  modules_to_save: null,
  monteclora_config: null,
  peft_type: "LORA",
  peft_version: "0.21.2",
  qalora_group_size: 16,
  r: 4,
  rank_pattern: {},
  revision: null,
  target_modules: ["v_proj", "q_proj"],
  target_parameters: null,
  task_type: "CAUSAL_LM",
  trainable_token_indices: null,
  use_bdlora: null,
  use_dora: false,
  use_qalora: false,
  use_rslora: true,
  velora_config: null,
};

describe("files of other programs", () => {
  it("a training_args.json of transformers is read as it is", () => {
    const { given, ignored } = readRecipe(TRAINING_ARGS, "training_args.json");
    expect(given).toMatchObject({ learning_rate: 5e-5, num_train_epochs: 3, save_steps: 500, max_steps: -1 });
    for (const key of ["fp16", "report_to", "dataloader_pin_memory", "hub_token"])
      expect(ignored).toContain(key);
    for (const key of ignored) expect(Object.keys(given)).not.toContain(key);
  });

  it("an adapter_config.json of PEFT too", () => {
    const { given } = readRecipe(LORA_CONFIG, "adapter_config.json");
    expect(given).toMatchObject({
      r: 4,
      lora_alpha: 16,
      use_rslora: true,
      target_modules: ["q_proj", "v_proj"],
    });
  });

  it.each([
    ["use_dora", true],
    ["packing", true],
    ["label_smoothing_factor", 0.1],
    ["layers_to_transform", [0]],
    ["lora_dropout", 0.05],
    ["neftune_noise_alpha", 5],
    ["optim", "sgd"],
    ["optim", "adafactor"],
    ["adafactor", true],
    ["bias", "all"],
    ["lora_bias", true],
    ["init_lora_weights", "pissa"],
    ["exclude_modules", ["lm_head"]],
    ["trainable_token_indices", [1, 2]],
    ["target_parameters", ["experts.weight"]],
    ["layer_replication", [[0, 4]]],
  ])("what would change the result is refused, not ignored: %s = %j", (key, value) => {
    const error = refusal({ [key]: value });
    expect([error.code, error.data.where]).toEqual(["usage.recipe", `recipe.json: ${key}`]);
  });
});

describe("resolving", () => {
  it("counts steps by max_steps, else by epochs over rows, batch and accumulation, rounded up", () => {
    const any = fc.record({
      rows: fc.integer({ min: 1, max: 5000 }),
      batch: fc.integer({ min: 1, max: 64 }),
      accumulation: fc.integer({ min: 1, max: 8 }),
      epochs: fc.constantFrom(0.25, 0.5, 1, 2, 3, 7.5),
    });
    fc.assert(
      fc.property(any, ({ rows, batch, accumulation, epochs }) => {
        const input = {
          per_device_train_batch_size: batch,
          gradient_accumulation_steps: accumulation,
          num_train_epochs: epochs,
        };
        const steps = recipeOf(input, rows).max_steps;
        expect(steps * batch * accumulation).toBeGreaterThanOrEqual(epochs * rows);
        expect((steps - 1) * batch * accumulation).toBeLessThan(epochs * rows);
        expect(recipeOf({ ...input, max_steps: 9 }, rows).max_steps).toBe(9);
        expect(recipeOf({ ...input, max_steps: -1 }, rows).max_steps).toBe(steps);
      }),
    );
  });

  it("makes warm-up steps of warmup_ratio, rounded up, where warmup_steps is not given", () => {
    const warmup = (input: object) => recipeOf({ max_steps: 101, ...input }).warmup_steps;
    expect(warmup({ warmup_ratio: 0.1 })).toBe(11);
    expect(warmup({ warmup_ratio: 0 })).toBe(0);
    expect(warmup({ warmup_ratio: 1 })).toBe(101);
    expect(warmup({ warmup_ratio: 0.1, warmup_steps: 3 })).toBe(3);
    expect(refusal({ warmup_ratio: 1.1 }).code).toBe("usage.recipe");
  });

  it("takes 2e-4 with an adapter and 5e-5 without, alpha = r, and a checkpoint every tenth of the run", () => {
    expect(recipeOf({ method: "full" }).learning_rate).toBe(5e-5);
    expect(recipeOf({ r: 32 }).lora_alpha).toBe(32);
    for (const [steps, every] of [
      [1, 1],
      [9, 1],
      [60, 6],
      [4999, 499],
      [80_000, 500],
    ] as const)
      expect(recipeOf({ max_steps: steps }).save_steps).toBe(every);
  });

  it("asks the rows of an epoch for the replay share that counts", () => {
    const asked: number[] = [];
    const rowsPerEpoch = (replay: number) => {
      asked.push(replay);
      return 8;
    };
    for (const replay of [0, 2]) resolveRecipe({ replay }, { task: "regression", rowsPerEpoch });
    expect(asked).toEqual([0, 2]);
  });

  it("takes the loss of the task", () => {
    for (const task of TASKS)
      expect(recipeOf({ task }).loss).toBe(task.endsWith("regression") ? "mse" : "cross_entropy");
  });

  it("takes the LoraConfig of the adapter that is continued as default, flags over it", () => {
    const context = {
      task: "text-generation",
      rowsPerEpoch: () => 8,
      continued: { method: "lora", r: 4, lora_alpha: 32, target_modules: ["q_proj"] },
    };
    expect(resolveRecipe({}, context)).toMatchObject({ r: 4, lora_alpha: 32, target_modules: ["q_proj"] });
    expect(resolveRecipe({ r: 16 }, context)).toMatchObject({ r: 16, lora_alpha: 32 });
  });

  it("refuses a recipe of no step", () => {
    for (const input of [{ max_steps: 0 }, { num_train_epochs: 0 }])
      expect(() => recipeOf(input)).toThrow(/no step/);
  });

  it("is the same whatever the order in which names and patterns were written", () => {
    const one = recipeOf({ target_modules: ["v", "k", "v"], rank_pattern: { q: 1, "a.q": 2 } });
    const other = recipeOf({ target_modules: ["k", "v"], rank_pattern: { "a.q": 2, q: 1 } });
    expect(JSON.stringify(one)).toBe(JSON.stringify(other));
  });
});
