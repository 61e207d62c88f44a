import type { JsonObject } from "../../base/json.ts";
import { parseMessages } from "./chat.ts";
import { type FieldValue, optional, type RowFormat, record, textOf } from "./row-format.ts";

/** `prompt` and `completion`, each a text or, as in TRL, a list of messages. */
export const promptCompletion: RowFormat = {
  name: "prompt-completion",
  keys: ["prompt", "completion"],
  columns: ["prompt", "completion"],
  parse: (row) =>
    record([
      ["prompt", textOrMessages(row, "prompt")],
      ["completion", textOrMessages(row, "completion")],
    ]),
};

/** The text or the messages under a key. Throws a `RowFault`. */
export function textOrMessages(row: JsonObject, key: string): FieldValue {
  return Array.isArray(optional(row, key)) ? parseMessages(row, key) : textOf(row, key);
}
