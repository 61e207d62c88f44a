import { IngotError } from "../base/errors.ts";
import type { Json, JsonObject } from "../base/json.ts";
import { isObject } from "./formats/row-format.ts";

/** Largest id that is accepted: tables are arrays by id. */
const MOST_ID = 8_388_607;
const MODELS = ["BPE", "WordPiece", "Unigram", "WordLevel"];

/**
 * Checks what the tokenizer library takes on trust: that ids are small whole numbers, that lists are lists, and that every
 * part has a type. Returns the file with absent parts as null. Throws `input.tokenizer` with the field.
 */
export function checkTokenizerJson(file: JsonObject): JsonObject {
  const model = file.model;
  if (!isObject(model)) throw refuse("model", "is missing");
  // Files of old releases leave the type out; a list of merges tells BPE.
  const type = model.type ?? (Array.isArray(model.merges) ? "BPE" : undefined);
  if (typeof type !== "string" || !MODELS.includes(type))
    throw refuse("model.type", `is none of ${MODELS.join(", ")}`);
  checkVocabulary(model, type);

  const added = file.added_tokens ?? [];
  if (!Array.isArray(added)) throw refuse("added_tokens", "is no list");
  for (const [i, token] of (added as readonly Json[]).entries()) {
    if (!isObject(token)) throw refuse(`added_tokens[${i}]`, "is no object");
    if (typeof token.content !== "string" || token.content === "")
      throw refuse(`added_tokens[${i}].content`, "is no text");
    checkId(token.id, `added_tokens[${i}].id`);
  }
  for (const part of ["normalizer", "pre_tokenizer", "post_processor", "decoder"]) {
    const value = file[part] ?? null;
    if (value !== null && (!isObject(value) || typeof value.type !== "string"))
      throw refuse(part, "has no type");
  }
  return {
    ...file,
    model: { ...model, type },
    added_tokens: added,
    normalizer: file.normalizer ?? null,
    pre_tokenizer: file.pre_tokenizer ?? null,
    post_processor: file.post_processor ?? null,
    decoder: file.decoder ?? null,
  };
}

function checkVocabulary(model: JsonObject, type: string): void {
  const { vocab } = model;
  if (type === "Unigram") {
    if (!Array.isArray(vocab) || vocab.length === 0) throw refuse("model.vocab", "is no list of pieces");
    for (const [i, piece] of (vocab as readonly Json[]).entries()) {
      const isPiece = Array.isArray(piece) && typeof piece[0] === "string" && typeof piece[1] === "number";
      if (!isPiece) throw refuse(`model.vocab[${i}]`, "is no piece with a score");
    }
    return;
  }
  if (!isObject(vocab) || Object.keys(vocab).length === 0) throw refuse("model.vocab", "is no table of ids");
  for (const [token, id] of Object.entries(vocab)) checkId(id, `model.vocab['${token.slice(0, 40)}']`);
  if (type === "BPE") checkMerges(model.merges);
}

function checkMerges(merges: Json | undefined): void {
  if (!Array.isArray(merges)) throw refuse("model.merges", "is no list");
  for (const [i, merge] of (merges as readonly Json[]).entries()) {
    const parts: unknown = typeof merge === "string" ? merge.split(" ") : merge;
    const isPair =
      Array.isArray(parts) && parts.length === 2 && parts.every((part) => typeof part === "string");
    if (!isPair) throw refuse(`model.merges[${i}]`, "is no pair of tokens");
  }
}

function checkId(id: Json | undefined, where: string): void {
  if (typeof id !== "number" || !Number.isInteger(id) || id < 0 || id > MOST_ID) {
    throw refuse(where, `is no id from 0 to ${MOST_ID}`);
  }
}

function refuse(field: string, what: string): IngotError {
  return new IngotError("input.tokenizer", `'${field}' of 'tokenizer.json' ${what}`, {
    hint: "save the tokenizer again with transformers, as a fast tokenizer",
    data: { where: `tokenizer.json, ${field}`, field },
  });
}
