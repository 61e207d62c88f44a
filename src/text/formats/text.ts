import { RowFault } from "../rows.ts";
import { optional, type RowFormat, record, textOf } from "./row-format.ts";

/** `text`: every token is learned. */
export const text: RowFormat = {
  name: "text",
  keys: ["text"],
  unless: ["label"],
  columns: ["text"],
  parse: (row) => record([["text", textOf(row, "text")]]),
};

/** `text` with a `label`: a class by name or number, or a number to regress to. */
export const textLabel: RowFormat = {
  name: "text-label",
  keys: ["text", "label"],
  columns: ["text", "label"],
  parse(row) {
    const label = optional(row, "label");
    if (label === undefined) throw new RowFault("no 'label'");
    if (typeof label !== "string" && typeof label !== "number") {
      throw new RowFault("'label' that is neither text nor a number");
    }
    if (label === "") throw new RowFault("an empty 'label'");
    return record([
      ["text", textOf(row, "text")],
      ["label", label],
    ]);
  },
};
