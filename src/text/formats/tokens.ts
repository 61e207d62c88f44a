import type { Json } from "../../base/json.ts";
import { RowFault } from "../rows.ts";
import { type FieldValue, listOf, optional, type RowFormat, record } from "./row-format.ts";

/** Model inputs that a row of tokens may hold beside `input_ids`, one whole number a position. */
export const TOKEN_INPUTS = ["attention_mask", "token_type_ids", "position_ids"] as const;
/** Inputs of a decoder, whose length is its own. */
export const DECODER_INPUTS = ["decoder_input_ids", "decoder_attention_mask"] as const;

const MOST = 2 ** 31 - 1;

/**
 * Rows that are tokens already: `input_ids` with the model's further inputs, and `labels`: one a position (-100 = not
 * trained), or one for the row.
 */
export const tokens: RowFormat = {
  name: "tokens",
  keys: ["input_ids"],
  columns: [],
  parse(row) {
    const ids = wholeNumbers(row.input_ids as Json, "input_ids", 0);
    const fields: [string, FieldValue][] = [["input_ids", ids]];
    for (const key of [...TOKEN_INPUTS, ...DECODER_INPUTS]) {
      const value = optional(row, key);
      if (value === undefined) continue;
      const numbers = wholeNumbers(value, key, 0);
      if (TOKEN_INPUTS.some((name) => name === key)) sameLength(key, numbers, ids);
      fields.push([key, numbers]);
    }
    const labels = optional(row, "labels");
    if (labels !== undefined)
      fields.push(["labels", parseLabels(labels, ids, optional(row, "decoder_input_ids"))]);
    return record(fields);
  },
};

function parseLabels(
  labels: Exclude<Json, null>,
  ids: readonly number[],
  decoder: Json | undefined,
): FieldValue {
  if (typeof labels === "number") return labels;
  if (!Array.isArray(labels)) throw new RowFault("'labels' that are neither a number nor a list");
  const list = labels as readonly Json[];
  if (list.length > 0 && list.every((label) => typeof label === "number" && !Number.isInteger(label))) {
    return list as readonly number[];
  }
  const numbers = wholeNumbers(list, "labels", -100);
  const target = Array.isArray(decoder) ? (decoder as readonly number[]) : ids;
  sameLength("labels", numbers, target);
  return numbers;
}

function sameLength(key: string, numbers: readonly number[], ids: readonly number[]): void {
  if (numbers.length !== ids.length) {
    throw new RowFault(`${numbers.length} '${key}' for ${ids.length} tokens`);
  }
}

function wholeNumbers(value: Json, key: string, least: number): readonly number[] {
  const list = listOf({ [key]: value }, key);
  for (const [i, number] of list.entries()) {
    if (typeof number !== "number" || !Number.isInteger(number) || number < least || number > MOST) {
      throw new RowFault(`'${key}[${i}]' that is no whole number from ${least} to ${MOST}`);
    }
  }
  return list as readonly number[];
}
