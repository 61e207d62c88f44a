import { Tokenizer as HfTokenizer } from "@huggingface/tokenizers";
import { IngotError } from "../base/errors.ts";
import { type Json, type JsonObject, parseJson } from "../base/json.ts";
import { findChatTemplate } from "./chat-template-file.ts";
import { isObject } from "./formats/row-format.ts";
import { checkTokenizerJson } from "./tokenizer-check.ts";

/** Files of a model folder, as bytes. */
export interface TokenizerFiles {
  readonly tokenizerJson: Uint8Array;
  readonly tokenizerConfig?: Uint8Array | undefined;
  readonly specialTokensMap?: Uint8Array | undefined;
  readonly generationConfig?: Uint8Array | undefined;
  readonly config?: Uint8Array | undefined;
  /** `chat_template.jinja`; wins over the one in tokenizer_config.json, as in transformers. */
  readonly chatTemplate?: Uint8Array | undefined;
}

export interface EncodeOptions {
  /** Adds what the tokenizer itself puts around a text (`<s>`, `[CLS]` ... `[SEP]`). A chat template writes its own. */
  readonly addSpecialTokens: boolean;
}

export interface DecodeOptions {
  readonly skipSpecialTokens: boolean;
}

/** Text <-> token ids of one model. A pure function of the files. */
export interface Tokenizer {
  /** Number of ids that the vocabulary spans: the largest id plus one. */
  readonly vocabularySize: number;
  readonly bosToken: string | undefined;
  readonly eosToken: string | undefined;
  readonly padToken: string | undefined;
  readonly unkToken: string | undefined;
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  /** What rows are filled up with; its positions are masked and never trained. The end token, else 0, where the model names none. */
  readonly padId: number;
  /** Ids that end an answer: of generation_config.json, config.json and the tokenizer's own end token; ascending. */
  readonly stopIds: readonly number[];
  /** Ids of the tokens that are marked special; ascending. */
  readonly specialIds: ReadonlySet<number>;
  readonly chatTemplate: string | undefined;
  encode(text: string, options: EncodeOptions): number[];
  decode(ids: readonly number[], options: DecodeOptions): string;
  /** Id of a token by its exact text. */
  idOf(token: string): number | undefined;
}

/**
 * Opens the tokenizer of a model. Throws `input.tokenizer` for files that are no tokenizer, and `input.json` for files that
 * are no JSON. The regular expressions in them are the author's: run it in the engine's child process.
 */
export function loadTokenizer(files: TokenizerFiles): Tokenizer {
  const json = checkTokenizerJson(readObject(files.tokenizerJson, "tokenizer.json"));
  const tokenizerConfig = readOptional(files.tokenizerConfig, "tokenizer_config.json");
  const specialMap = readOptional(files.specialTokensMap, "special_tokens_map.json");
  const generation = readOptional(files.generationConfig, "generation_config.json");
  const config = readOptional(files.config, "config.json");
  const inner = openTokenizer(json, tokenizerConfig);

  const token = (name: string): string | undefined =>
    tokenText(fieldOf(tokenizerConfig, name)) ?? tokenText(fieldOf(specialMap, name));
  const idNamed = (text: string | undefined): number | undefined =>
    text === undefined ? undefined : inner.token_to_id(text);
  const firstId = (name: string): number | undefined =>
    idsOf(fieldOf(generation, name))[0] ?? idsOf(fieldOf(config, name))[0];

  const bosToken = token("bos_token");
  const eosToken = token("eos_token");
  const padToken = token("pad_token");
  const eosId = idNamed(eosToken) ?? firstId("eos_token_id");
  const stopIds = new Set([
    ...idsOf(fieldOf(generation, "eos_token_id")),
    ...idsOf(fieldOf(config, "eos_token_id")),
    ...(eosId === undefined ? [] : [eosId]),
  ]);
  const specialIds = new Set(
    [...inner.get_added_tokens_decoder()].filter(([, added]) => added.special).map(([id]) => id),
  );

  return {
    vocabularySize: inner.model?.vocab.length ?? 0,
    bosToken,
    eosToken,
    padToken,
    unkToken: token("unk_token"),
    bosId: idNamed(bosToken) ?? firstId("bos_token_id"),
    eosId,
    padId: idNamed(padToken) ?? firstId("pad_token_id") ?? eosId ?? 0,
    stopIds: [...stopIds].sort((a, b) => a - b),
    specialIds,
    chatTemplate: findChatTemplate(tokenizerConfig, files.chatTemplate),
    encode: (text, options) => encode(inner, text, options),
    decode: (ids, { skipSpecialTokens }) =>
      ids.length === 0 ? "" : inner.decode([...ids], { skip_special_tokens: skipSpecialTokens }),
    idOf: (text) => inner.token_to_id(text),
  };
}

function openTokenizer(json: JsonObject, config: JsonObject): HfTokenizer {
  // transformers stopped cleaning up spaces by default in 4.45; the library still does where the file is silent.
  const settings = { clean_up_tokenization_spaces: false, ...config };
  try {
    return new HfTokenizer(json, settings);
  } catch (error) {
    throw new IngotError("input.tokenizer", `'tokenizer.json' cannot be used: ${(error as Error).message}`, {
      hint: "save the tokenizer again with transformers, as a fast tokenizer",
      data: { where: "tokenizer.json" },
      cause: error,
    });
  }
}

function encode(inner: HfTokenizer, text: string, { addSpecialTokens }: EncodeOptions): number[] {
  const { ids, tokens } = inner.encode(text, { add_special_tokens: addSpecialTokens });
  // A text that the vocabulary cannot express, and no unknown token to stand for it.
  const gap = ids.findIndex((id) => !Number.isInteger(id));
  if (gap >= 0) {
    throw new IngotError("input.tokenizer", `the tokenizer has no token for '${tokens[gap] ?? ""}'`, {
      hint: "the model's vocabulary lacks it and names no unknown token",
    });
  }
  return ids;
}

function readObject(bytes: Uint8Array, name: string): JsonObject {
  const value = parseJson(bytes, { name });
  if (!isObject(value)) {
    throw new IngotError("input.tokenizer", `'${name}' is no JSON object`, { data: { where: name } });
  }
  return value;
}

function readOptional(bytes: Uint8Array | undefined, name: string): JsonObject {
  return bytes === undefined ? {} : readObject(bytes, name);
}

function fieldOf(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** A special token is its text, or an object that holds it. */
function tokenText(value: Json | undefined): string | undefined {
  const text = isObject(value) ? value.content : value;
  return typeof text === "string" && text !== "" ? text : undefined;
}

/** One id or a list of them; what is no id is left out. */
function idsOf(value: Json | undefined): number[] {
  const list = Array.isArray(value) ? (value as readonly Json[]) : [value];
  return list.filter((id): id is number => typeof id === "number" && Number.isInteger(id) && id >= 0);
}
