import { IngotError } from "../base/errors.ts";
import type { JsonObject } from "../base/json.ts";
import { nearest } from "../base/nearest.ts";
import { chat } from "./formats/chat.ts";
import { conversations } from "./formats/conversations.ts";
import { instruction } from "./formats/instruction.ts";
import { preference } from "./formats/preference.ts";
import { promptCompletion } from "./formats/prompt-completion.ts";
import type { RowFormat } from "./formats/row-format.ts";
import { text, textLabel } from "./formats/text.ts";
import { tokens } from "./formats/tokens.ts";

/** The formats of rows, in the order in which they are named to people. */
export const ROW_FORMATS: readonly RowFormat[] = [
  chat,
  promptCompletion,
  instruction,
  conversations,
  text,
  textLabel,
  preference,
  tokens,
];

/** Name of the format of tensor files, which have no rows of text. */
export const TENSORS_FORMAT = "tensors";

/** The format of a name. Throws `usage.flag` for an unknown one. */
export function formatNamed(name: string): RowFormat {
  const format = ROW_FORMATS.find((candidate) => candidate.name === name);
  if (format !== undefined) return format;
  const names = ROW_FORMATS.map((candidate) => candidate.name);
  const near = nearest(name, names);
  throw new IngotError("usage.flag", `no dataset format is called '${name}'`, {
    hint: near === undefined ? `--as takes ${names.join(", ")}` : `--as ${near}`,
  });
}

/** Every format that a row with these keys can be read as. */
export function readingsOf(row: JsonObject): readonly RowFormat[] {
  const has = (key: string): boolean => Object.hasOwn(row, key) && row[key] !== null;
  return ROW_FORMATS.filter(({ keys, unless }) => keys.every(has) && !(unless ?? []).some(has));
}

/** The one format of a row. Throws `input.format` where there is none or more than one, naming all. */
export function detectRowFormat(row: JsonObject, where: string): RowFormat {
  const readings = readingsOf(row);
  if (readings.length === 1) return readings[0] as RowFormat;
  const found = Object.keys(row).slice(0, 12);
  if (readings.length > 1) {
    const names = readings.map(({ name }) => `'${name}'`).join(" and as ");
    throw new IngotError("input.format", `the row at '${where}' can be read as ${names}`, {
      hint: `say which: ${readings.map(({ name }) => `--as ${name}`).join(" or ")}`,
      data: { where, formats: readings.map(({ name }) => name) },
    });
  }
  const keys = ROW_FORMATS.map((format) => format.keys.join(" + ")).join(", ");
  throw new IngotError(
    "input.format",
    `the row at '${where}' is of no known format: its keys are ${found.map((key) => `'${key.slice(0, 40)}'`).join(", ") || "none"}`,
    {
      hint: `known rows have ${keys}; name columns with --prompt-col, --completion-col, --text-col, --label-col`,
      data: { where },
    },
  );
}
