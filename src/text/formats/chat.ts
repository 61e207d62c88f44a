import type { Json, JsonObject } from "../../base/json.ts";
import { RowFault } from "../rows.ts";
import {
  type FieldRecord,
  type FieldValue,
  isObject,
  listOf,
  optional,
  type RowFormat,
  record,
  withoutNulls,
} from "./row-format.ts";

/** OpenAI's chat rows: `messages` with `role`, `content` and, on answers, `weight` 0 or 1; `tools` go to the template. */
export const chat: RowFormat = {
  name: "chat",
  keys: ["messages"],
  columns: [],
  parse(row) {
    const messages = parseMessages(row, "messages");
    const tools = optional(row, "tools");
    const fields: [string, FieldValue][] = [["messages", messages]];
    if (tools !== undefined) fields.push(["tools", withoutNulls(tools, "tools")]);
    return record(fields);
  },
};

/**
 * The messages under a key. A content in parts is their text joined; a weight of 1, the default, is left out, so that
 * saying it changes no id. Throws a `RowFault`.
 */
export function parseMessages(row: JsonObject, key: string): readonly FieldRecord[] {
  return listOf(row, key).map((message, i) => parseMessage(message, `${key}[${i}]`));
}

function parseMessage(message: Json, at: string): FieldRecord {
  if (!isObject(message)) throw new RowFault(`'${at}' that is no object`);
  const role = optional(message, "role");
  if (typeof role !== "string" || role === "") throw new RowFault(`'${at}' without a role`);
  const weight = optional(message, "weight");
  if (weight !== undefined && weight !== 0 && weight !== 1)
    throw new RowFault(`'${at}' with a weight other than 0 and 1`);
  if (weight !== undefined && role !== "assistant")
    throw new RowFault(`'${at}' with a weight on a message that is no answer`);

  const fields: [string, FieldValue][] = [["role", role]];
  const content = parseContent(optional(message, "content"), at);
  if (content !== undefined) fields.push(["content", content]);
  else if (optional(message, "tool_calls") === undefined) throw new RowFault(`'${at}' without content`);
  if (weight === 0) fields.push(["weight", 0]);
  for (const [name, value] of Object.entries(message)) {
    if (name === "role" || name === "content" || name === "weight" || value === null) continue;
    fields.push([name, withoutNulls(value, `${at}.${name}`)]);
  }
  return record(fields);
}

function parseContent(content: Exclude<Json, null> | undefined, at: string): string | undefined {
  if (content === undefined || typeof content === "string") return content;
  if (!Array.isArray(content)) throw new RowFault(`'${at}' whose content is no text`);
  return content
    .map((part: Json) => {
      const text = isObject(part) && part.type === "text" ? part.text : undefined;
      if (typeof text !== "string") throw new RowFault(`'${at}' with a part of content that is no text`);
      return text;
    })
    .join("");
}
