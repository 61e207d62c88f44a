import { IngotError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import type { CommandDefinition, CommandGroup } from "./command.ts";
import { dataCommands } from "./definitions/data.ts";
import { historyCommands } from "./definitions/history.ts";
import { maintainCommands } from "./definitions/maintain.ts";
import { plumbingCommands } from "./definitions/plumbing.ts";
import { releaseCommands } from "./definitions/release.ts";
import { shareCommands } from "./definitions/share.ts";
import { startCommands } from "./definitions/start.ts";

/** Groups in the order of the help, with their headings. */
export const GROUPS: readonly (readonly [CommandGroup, string])[] = [
  ["start", "start a repository"],
  ["data", "data and training"],
  ["history", "examine history and state"],
  ["release", "branch and release"],
  ["share", "share"],
  ["maintain", "run and maintain"],
  ["plumbing", "plumbing"],
];

/** Every verb. `data add` and its like are verbs of two words. */
export const COMMANDS: readonly CommandDefinition[] = [
  ...startCommands,
  ...dataCommands,
  ...historyCommands,
  ...releaseCommands,
  ...shareCommands,
  ...maintainCommands,
  ...plumbingCommands,
];

/** First words of verbs of two words, and which verb the word alone means. */
export const FAMILIES: Readonly<Record<string, string>> = {
  data: "data list",
  remote: "remote list",
  config: "config list",
};

/** Words of other programs, and what they are here. */
export const SYNONYMS: Readonly<Record<string, string>> = {
  add: "ingot data add FILE",
  commit: "ingot train DATA",
  revert: "ingot rollback",
  reset: "ingot rollback REF --to REV",
  chat: "ingot run",
  generate: "ingot run",
  ask: "ingot run",
  repair: "ingot fsck",
  doctor: "ingot fsck",
  verify: "ingot fsck --deep",
  compare: "ingot diff A B",
  restore: "ingot clone FOLDER, or ingot undo",
  delete: "ingot rm VERSION",
  remove: "ingot rm VERSION",
  export: "ingot checkout REV DIR",
  fetch: "ingot pull",
  fork: "ingot branch NAME REV",
  history: "ingot log",
  versions: "ingot log",
  merge: "ingot train --on REV",
  rebase: "ingot train --on REV",
  "cherry-pick": "ingot train --on REV",
  stash: "ingot branch NAME: every version is kept",
  finetune: "ingot train DATA",
  "fine-tune": "ingot train DATA",
  dataset: "ingot data list",
  prune: "ingot gc",
  deploy: "ingot promote",
};

export interface FoundCommand {
  readonly command: CommandDefinition;
  /** Words of the command line that named it. */
  readonly words: number;
}

/** The verb that words start with; undefined where there is none. */
export function findCommand(words: readonly string[]): FoundCommand | undefined {
  const [first, second] = words;
  if (first === undefined) return undefined;
  if (second !== undefined && Object.hasOwn(FAMILIES, first)) {
    const both = COMMANDS.find((c) => c.name === `${first} ${second}`);
    if (both !== undefined) return { command: both, words: 2 };
    if (!second.startsWith("-")) return undefined;
  }
  const name = Object.hasOwn(FAMILIES, first) ? FAMILIES[first]! : first;
  const command = COMMANDS.find((c) => c.name === name || c.aliases?.includes(name) === true);
  return command === undefined ? undefined : { command, words: 1 };
}

/** `usage.command` for words that name no verb, with what was probably meant. */
export function unknownCommand(words: readonly string[]): IngotError {
  const [first = "", second = ""] = words;
  if (Object.hasOwn(FAMILIES, first)) {
    const subs = subcommandsOf(first);
    const near = nearest(second, subs);
    return new IngotError("usage.command", `'${first} ${second}' is not a verb`, {
      hint: near === undefined ? `ingot ${first} ${subs.join("|")}` : `did you mean ingot ${first} ${near}?`,
    });
  }
  const synonym = Object.hasOwn(SYNONYMS, first.toLowerCase()) ? SYNONYMS[first.toLowerCase()] : undefined;
  if (synonym !== undefined)
    return new IngotError("usage.command", `'${first}' is not a verb of ingot`, { hint: synonym });
  const names = [...new Set(COMMANDS.flatMap((c) => [c.name.split(" ")[0]!, ...(c.aliases ?? [])]))];
  const near = nearest(first, [...names, ...Object.keys(SYNONYMS)]);
  return new IngotError("usage.command", `'${first}' is not a verb of ingot`, {
    hint:
      near === undefined
        ? "ingot help"
        : `did you mean ${Object.hasOwn(SYNONYMS, near) ? SYNONYMS[near] : `ingot ${near}`}?`,
  });
}

/** Second words of a family. */
export function subcommandsOf(family: string): readonly string[] {
  return COMMANDS.filter((c) => c.name.startsWith(`${family} `)).map((c) => c.name.slice(family.length + 1));
}
