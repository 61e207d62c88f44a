import { type FieldValue, optional, type RowFormat, record, textOf } from "./row-format.ts";

/** Alpaca's rows: `instruction`, `output` and an `input` that may be empty or absent, which is the same. */
export const instruction: RowFormat = {
  name: "instruction",
  keys: ["instruction", "output"],
  columns: ["instruction", "input", "output"],
  parse(row) {
    const fields: [string, FieldValue][] = [["instruction", textOf(row, "instruction")]];
    const input = optional(row, "input") === undefined ? "" : textOf(row, "input");
    if (input !== "") fields.push(["input", input]);
    fields.push(["output", textOf(row, "output")]);
    return record(fields);
  },
};
