/** Known keys of transformers' `TrainingArguments` and PEFT's `LoraConfig` that have no meaning here: said once and ignored. */
const IGNORED: readonly RegExp[] = [
  /^(fp16|bf16|tf32|no_cuda|use_cpu|use_ipex|device|local_rank|ddp_|fsdp|deepspeed|tpu_|torch_|torchdynamo|jit_|half_precision|ray_scope|debug$)/,
  /^(report_to|run_name|logging_|log_level|log_on_each_node|disable_tqdm|push_to_hub|hub_|output_dir|overwrite_output_dir|project|trackio)/,
  /^(dataloader_|remove_unused_columns|group_by_length|length_column_name|auto_find_batch_size|full_determinism|data_seed)/,
  /^(eval_|evaluation_|per_device_eval_batch_size|per_gpu_|do_train|do_eval|do_predict|load_best_model_at_end|metric_for_best_model|greater_is_better|prediction_loss_only|batch_eval_metrics|use_legacy_prediction_loop)/,
  /^(save_strategy|save_safetensors|save_on_each_node|save_only_model|resume_from_checkpoint|ignore_data_skip|restore_callback)/,
  /^(optim_args|optim_target_modules|gradient_checkpointing|gradient_checkpointing_kwargs|include_|past_index|skip_memory_metrics|average_tokens_across_devices|label_names|use_mps_device|mp_parameters|parallelism_config|accelerator_config|liger_kernel|use_liger_kernel)/,
  /^(peft_type|task_type|base_model_name_or_path|revision|inference_mode|auto_mapping|fan_in_fan_out|peft_version|megatron_core|qalora_group_size|ensure_weight_tying|label_shift|shuffle)$/,
];

/** Whether a key is known elsewhere and has no meaning here. */
export function isIgnoredKey(key: string): boolean {
  return IGNORED.some((pattern) => pattern.test(key));
}

/** Neutral: absent, off, zero or empty. */
function isOff(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0;
  return value === null || value === undefined || value === false || value === 0 || value === "";
}

interface ForeignKey {
  /** Whether a value says what happens here anyway. */
  readonly isNeutral: (value: unknown) => boolean;
  readonly refusal: string;
}

const off = (subject: string): ForeignKey => ({ isNeutral: isOff, refusal: `${subject} is not supported` });

/** Keys whose other values would change the result, and so cannot be ignored quietly. */
const REFUSED: ReadonlyMap<string, ForeignKey> = new Map([
  ["use_dora", off("DoRA")],
  ["packing", off("packing")],
  ["label_smoothing_factor", off("label smoothing")],
  ["neftune_noise_alpha", off("NEFTune noise")],
  ["lr_scheduler_kwargs", off("'lr_scheduler_kwargs'")],
  ["adafactor", off("Adafactor")],
  [
    "optim",
    {
      isNeutral: (v) => isOff(v) || /^adamw(_(hf|torch|torch_fused|apex_fused))?$/.test(String(v)),
      refusal: "no optimizer but AdamW is supported",
    },
  ],
  [
    "layers_to_transform",
    { isNeutral: isOff, refusal: "layers_to_transform is not supported: name the layers in target_modules" },
  ],
  ["bias", { isNeutral: (v) => isOff(v) || v === "none", refusal: "training biases is not supported" }],
  [
    "init_lora_weights",
    {
      isNeutral: (v) => v === true || v === null || v === undefined,
      refusal: "no start of the adapter but PEFT's default is supported",
    },
  ],
  ...[
    "lora_bias",
    "use_qalora",
    "use_bdlora",
    "layers_pattern",
    "layer_replication",
    "exclude_modules",
    "target_parameters",
    "trainable_token_indices",
    "alora_invocation_tokens",
    "arrow_config",
    "corda_config",
    "eva_config",
    "kasa_config",
    "loftq_config",
    "lora_ga_config",
    "megatron_config",
    "monteclora_config",
    "velora_config",
  ].map((key): [string, ForeignKey] => [key, off(`'${key}'`)]),
]);

/** For a key of `REFUSED`: why this value is refused, or that it says nothing new. Undefined for every other key. */
export function foreignKey(
  key: string,
  value: unknown,
): { readonly refusal: string | undefined } | undefined {
  const rule = REFUSED.get(key);
  return rule === undefined ? undefined : { refusal: rule.isNeutral(value) ? undefined : rule.refusal };
}
