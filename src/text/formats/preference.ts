import { textOrMessages } from "./prompt-completion.ts";
import { type RowFormat, record } from "./row-format.ts";

/** TRL's preference rows: a `prompt` with a `chosen` and a `rejected` answer. */
export const preference: RowFormat = {
  name: "preference",
  keys: ["prompt", "chosen", "rejected"],
  columns: ["prompt", "chosen", "rejected"],
  parse: (row) =>
    record(
      (["prompt", "chosen", "rejected"] as const).map((key) => [key, textOrMessages(row, key)] as const),
    ),
};
