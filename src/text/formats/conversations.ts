import { RowFault } from "../rows.ts";
import { isObject, listOf, type RowFormat, record } from "./row-format.ts";

/** Roles by ShareGPT's names for them. */
export const CONVERSATION_ROLES: ReadonlyMap<string, string> = new Map([
  ["system", "system"],
  ["human", "user"],
  ["user", "user"],
  ["gpt", "assistant"],
  ["chatgpt", "assistant"],
  ["assistant", "assistant"],
  ["model", "assistant"],
  ["tool", "tool"],
]);

/** ShareGPT's rows: `conversations` of `from` and `value`. */
export const conversations: RowFormat = {
  name: "conversations",
  keys: ["conversations"],
  columns: [],
  parse: (row) =>
    record([
      [
        "conversations",
        listOf(row, "conversations").map((turn, i) => {
          const at = `conversations[${i}]`;
          if (!isObject(turn)) throw new RowFault(`'${at}' that is no object`);
          const { from, value } = turn;
          if (typeof from !== "string" || !CONVERSATION_ROLES.has(from)) {
            throw new RowFault(
              `'${at}' whose 'from' is none of ${[...CONVERSATION_ROLES.keys()].join(", ")}`,
            );
          }
          if (typeof value !== "string") throw new RowFault(`'${at}' without a text as its 'value'`);
          return record([
            ["from", from],
            ["value", value],
          ]);
        }),
      ],
    ]),
};
