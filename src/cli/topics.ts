import { ERROR_CODES, type ErrorCode, type ErrorKind } from "../base/errors.ts";
import { SETTING_KEYS } from "../commands/setting-keys.ts";
import { SYNONYMS } from "./registry.ts";
import type { Look } from "./terminal.ts";

/** Process exit codes and what each means; stable. */
export const EXIT_CODES: readonly (readonly [code: string, meaning: string])[] = [
  ["0", "all is well"],
  ["1", "a mistake of ingot itself; please report it"],
  ["2", "usage, or a question that has no terminal to be asked on (give the flag it names)"],
  ["3", "bad, hostile or unsupported input: model, operator, format"],
  ["4", "not found: file, repository, ref, object"],
  ["5", "conflict, or held by another process; try again"],
  ["6", "damage found, or reproduce came out different"],
  ["7", "environment: disk, permission, memory"],
  ["8", "remote, network or authentication"],
  ["9", "refused by a gate, lock or policy; a training kept aside"],
  ["10", "a limit or timeout"],
  ["75", "paused; can be resumed"],
  ["128+n", "ended by signal n"],
];

/** What a kind of error means and what to do about it. */
const KIND_HELP: Readonly<Record<ErrorKind, readonly [meaning: string, remedy: string]>> = {
  usage: [
    "The command line, a recipe or a settings file says something that has no meaning.",
    "Look at `ingot VERB -h`; the message names the word.",
  ],
  input: [
    "A file from outside is not what it should be, or uses something that ingot does not support.",
    "The message names file, place and field; nothing was stored.",
  ],
  missing: [
    "Something that was named is not there.",
    "`ingot log`, `ingot show-ref` and `ingot data list` say what there is.",
  ],
  conflict: [
    "Something else changed the same thing meanwhile, or holds it.",
    "Look at `ingot reflog`, then run the command again.",
  ],
  integrity: [
    "Stored bytes are not what their id says.",
    "`ingot fsck --deep` names every damaged object and the versions it affects; `ingot pull` or a copy brings the bytes back.",
  ],
  environment: [
    "The machine could not do what was needed.",
    "The message names the disk, permission or missing library; no ref was moved.",
  ],
  remote: [
    "The other place could not be reached or does not speak ingot.",
    "Check the address by `ingot remote list`; transfers can be repeated without harm.",
  ],
  refused: [
    "A gate, lock or policy stands in the way on purpose.",
    "The message says which, and what lifts it.",
  ],
  limit: ["Something is larger, deeper or slower than is allowed.", "The message names the limit."],
  paused: [
    "A training was saved before its end.",
    "`ingot train --resume` goes on exactly where it stopped.",
  ],
};

/** What an error code means and what to do, for `ingot help CODE`. */
export function codeHelp(code: ErrorCode): readonly string[] {
  const { kind, exit } = ERROR_CODES[code];
  const [meaning, remedy] = KIND_HELP[kind];
  return [
    `${code}     exit ${exit} (${EXIT_CODES.find(([n]) => n === String(exit))?.[1]})`,
    "",
    meaning,
    remedy,
  ];
}

const page = (rows: readonly (readonly [string, string])[]): string[] => {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
};

/** Pages of `ingot help TOPIC`. */
export const TOPICS: Readonly<Record<string, (look: Look) => readonly string[]>> = {
  "exit-codes": () => [
    "Exit codes of ingot; an unknown one means failure.",
    "",
    ...page(EXIT_CODES),
    "",
    "`ingot help errors` lists every error code.",
  ],
  errors: () => [
    "Error codes; `ingot help CODE` explains one.",
    "",
    ...page(Object.entries(ERROR_CODES).map(([code, { exit }]) => [code, `exit ${exit}`])),
  ],
  environment: () => [
    "Variables that ingot reads.",
    "",
    ...page([
      ["INGOT_HOME", "folder of your own settings ($XDG_CONFIG_HOME/ingot)"],
      ["INGOT_AUTHOR_NAME", "who makes versions (user.name)"],
      ["INGOT_AUTHOR_EMAIL", "address beside the name (user.email)"],
      ["INGOT_THREADS", "threads of the machine (engine.threads)"],
      ["INGOT_PAGER, PAGER", "program that shows long output; empty or cat: none"],
      ["NO_COLOR, INGOT_NO_COLOR", "no colour"],
      ["FORCE_COLOR", "colour even in a pipe"],
      ["INGOT_ASCII", "draw with ASCII only"],
      ["INGOT_DEBUG", "show the stack of an error"],
    ]),
  ],
  revisions: () => [
    "Ways to name a version.",
    "",
    ...page([
      ["v3", "by its number"],
      ["main, math_fixes", "a branch, or another name of a version"],
      ["HEAD", "what is checked out"],
      ["production, staging", "the protected refs"],
      ["latest", "the highest number that a branch or HEAD contains"],
      ["base", "the version that brought in the base of HEAD's line"],
      ["HEAD~2, main^", "ancestors, by first parents"],
      ["main@{1}", "what a ref held one move ago"],
      ["production@{2026-05-01}", "what a ref held then"],
      ["5d0c21aa", "the beginning of an id, 4 digits or more"],
      ["A..B", "for log: what leads to B and not to A"],
    ]),
  ],
  config: () => [
    "Settings: flags > INGOT_* > .ingot/config.toml (this copy) > ingot.toml (shared) > your own file.",
    "Keys that run programs, hold secrets or decide whom to trust are read from your own file alone.",
    "",
    ...page([
      ...Object.entries(SETTING_KEYS),
      ["train.*", "keys of a recipe, as defaults of every training"],
    ]),
  ],
  json: () => [
    "--json on a reading verb prints one value, `schema` first; train, push, pull, gc and fsck print an object a line,",
    "each with `event`, the last of them `done`, `failed` or `paused`. Nothing else goes to stdout.",
    "Ids are 64 digits of hex, times RFC 3339 in UTC, sizes bytes (…Bytes), durations milliseconds (…Ms).",
    'An error is one object on stderr: {"error":{"code","what","where","fix","exit"}}.',
  ],
  statuses: () => [
    "Status of an example over the evolution snapshots of a training.",
    "",
    ...page([
      ["known", "right in every snapshot"],
      ["learned", "right now, lost at most once on the way"],
      ["wobbling", "right now, lost twice or more on the way"],
      ["regressed", "wrong now, was right before"],
      ["struggling", "wrong in every snapshot"],
      ["new", "wrong in every one of fewer than three"],
    ]),
  ],
  "git-users": () => [
    "Words of other programs, and what they are here.",
    "",
    ...page(Object.entries(SYNONYMS)),
  ],
};
