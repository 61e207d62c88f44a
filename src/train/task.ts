import type { JsonObject } from "../base/json.ts";
import type { Model } from "../onnx/model.ts";

const BY_ARCHITECTURE: readonly (readonly [RegExp, string])[] = [
  [/ForCausalLM$|LMHeadModel$/, "text-generation"],
  [/ForConditionalGeneration$|ForSeq2SeqLM$/, "text2text-generation"],
  [/ForMaskedLM$/, "fill-mask"],
  [/ForSequenceClassification$/, "text-classification"],
  [/ForTokenClassification$/, "token-classification"],
  [/ForQuestionAnswering$/, "question-answering"],
  [/ForImageClassification$/, "image-classification"],
];

/** Task of a model: by its architecture, by `task` of its config.json, else by the shape of what goes in and comes out. */
export function taskOf(
  architecture: string | undefined,
  config: JsonObject | undefined,
  model: Model,
): string {
  const known = BY_ARCHITECTURE.find(([pattern]) => architecture !== undefined && pattern.test(architecture));
  if (known !== undefined) return known[1];
  if (typeof config?.task === "string") return config.task;
  const { inputs, outputs } = model.graph;
  const output = outputs.find((o) => o.name === "logits") ?? outputs[0];
  const tokens = inputs.some((i) => i.name === "input_ids");
  if (tokens) return output?.dims?.length === 3 ? "text-generation" : "text-classification";
  if (inputs.some((i) => i.dims?.length === 4)) return "image-classification";
  return "tabular-classification";
}
