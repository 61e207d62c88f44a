import { IngotError } from "../base/errors.ts";
import { missingValue } from "./arguments.ts";
import { type CommandDefinition, GLOBAL_OPTIONS } from "./command.ts";
import { FAMILIES, findCommand, unknownCommand } from "./registry.ts";

/** What a command line asks for, before the verb's own arguments are read. */
export type Request =
  | { readonly kind: "version" }
  | { readonly kind: "overview" }
  | { readonly kind: "help"; readonly words: readonly string[] }
  | { readonly kind: "command"; readonly command: CommandDefinition; readonly argv: readonly string[] };

/** Finds the verb. Options that every verb takes may stand before it. Throws `usage.command`, `usage.flag`. */
export function readRequest(argv: readonly string[]): Request {
  const leading: string[] = [];
  let stray: string | undefined;
  let at = 0;
  for (; at < argv.length && argv[at]!.startsWith("-") && argv[at] !== "-"; at++) {
    const word = argv[at]!;
    if (word === "--version" || word === "-V") return { kind: "version" };
    leading.push(word);
    const option = GLOBAL_OPTIONS.find((o) => word === `--${o.name}` || word === `-${o.short}`);
    if (option === undefined && !isGlued(word)) stray ??= word;
    if (option?.kind === undefined) continue;
    const value = argv[++at];
    if (value === undefined) throw missingValue(option);
    leading.push(value);
  }
  const words = argv.slice(at);
  const wantsHelp = hasHelp(argv);
  if (words.length === 0) {
    if (stray === undefined || wantsHelp) return { kind: "overview" };
    throw new IngotError("usage.flag", `'ingot' has no option '${stray}'`, { hint: "ingot help" });
  }
  const found = findCommand(words);
  if (found === undefined) {
    if (wantsHelp && Object.hasOwn(FAMILIES, words[0]!)) return { kind: "help", words: [words[0]!] };
    throw unknownCommand(words);
  }
  if (wantsHelp && found.command.name !== "help") {
    const isFamilyAlone = found.words === 1 && Object.hasOwn(FAMILIES, words[0]!);
    return { kind: "help", words: isFamilyAlone ? [words[0]!] : found.command.name.split(" ") };
  }
  return { kind: "command", command: found.command, argv: [...leading, ...words.slice(found.words)] };
}

/** True for an option with its value in one word, for several switches in one, and for `--`. */
function isGlued(word: string): boolean {
  return (
    word === "--" ||
    GLOBAL_OPTIONS.some(
      (o) => word.startsWith(`--${o.name}=`) || (o.short !== undefined && word.startsWith(`-${o.short}`)),
    )
  );
}

/** Arguments before `--`. */
export function beforeDashes(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf("--");
  return end < 0 ? argv : argv.slice(0, end);
}

function hasHelp(argv: readonly string[]): boolean {
  return beforeDashes(argv).some((word) => word === "-h" || word === "--help");
}
