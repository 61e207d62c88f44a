import { IngotError } from "../base/errors.ts";
import type { Json, JsonObject } from "../base/json.ts";
import { isObject } from "./formats/row-format.ts";

const UTF8 = new TextDecoder("utf-8", { fatal: true });

/**
 * The chat template of a model: `chat_template.jinja`, else `chat_template` of tokenizer_config.json, which is a text or a
 * list of named ones of which `default` counts. Undefined where the model has none. Throws `input.tokenizer` for other values.
 */
export function findChatTemplate(
  tokenizerConfig: JsonObject,
  file: Uint8Array | undefined,
): string | undefined {
  if (file !== undefined) return decode(file);
  const value = Object.hasOwn(tokenizerConfig, "chat_template") ? tokenizerConfig.chat_template : undefined;
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return namedDefault(value as readonly Json[]);
  throw refuse("is neither a text nor a list");
}

function namedDefault(list: readonly Json[]): string | undefined {
  const named = list.map((entry) => {
    if (!isObject(entry) || typeof entry.name !== "string" || typeof entry.template !== "string") {
      throw refuse("holds an entry without name and template");
    }
    return { name: entry.name, template: entry.template };
  });
  return (named.find(({ name }) => name === "default") ?? named[0])?.template;
}

function decode(file: Uint8Array): string {
  try {
    return UTF8.decode(file);
  } catch (cause) {
    throw new IngotError("input.tokenizer", "'chat_template.jinja' is no UTF-8", {
      data: { where: "chat_template.jinja" },
      cause,
    });
  }
}

function refuse(what: string): IngotError {
  return new IngotError("input.tokenizer", `'chat_template' of 'tokenizer_config.json' ${what}`, {
    data: { where: "tokenizer_config.json, chat_template" },
  });
}
