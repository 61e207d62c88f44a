import { missingValue, optionsOf, type RawArguments, unknownOption } from "./arguments.ts";
import type { CommandDefinition, OptionDefinition } from "./command.ts";

/**
 * Reads arguments without yargs, for verbs that a shell prompt or completion calls: `--name value`, `--name=value`,
 * `-n value`, `-nvalue`, `-abc`, `--`. Gives what `parseWithYargs` gives.
 */
export function parseQuick(command: CommandDefinition, argv: readonly string[]): RawArguments {
  const byName = new Map<string, OptionDefinition>();
  for (const option of optionsOf(command)) {
    byName.set(`--${option.name}`, option);
    if (option.short !== undefined) byName.set(`-${option.short}`, option);
  }
  const options = new Map<string, (string | true)[]>();
  const positionals: string[] = [];
  const put = (option: OptionDefinition, value: string | true) => {
    const list = options.get(option.name);
    if (list === undefined) options.set(option.name, [value]);
    else list.push(value);
  };
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === "--") {
      positionals.push(...argv.slice(i + 1));
      break;
    }
    if (!word.startsWith("-") || word === "-" || isNegativeNumber(word)) {
      positionals.push(word);
      continue;
    }
    const takeValue = (option: OptionDefinition): string => {
      const next = argv[++i];
      if (next === undefined || (next.startsWith("-") && next !== "-" && !isNegativeNumber(next)))
        throw missingValue(option);
      return next;
    };
    if (word.startsWith("--")) {
      const equals = word.indexOf("=");
      const name = equals < 0 ? word : word.slice(0, equals);
      const option = byName.get(name) ?? fail(command, name);
      if (equals >= 0) put(option, word.slice(equals + 1));
      else put(option, option.kind === undefined ? true : takeValue(option));
      continue;
    }
    for (let at = 1; at < word.length; at++) {
      const option = byName.get(`-${word[at]}`) ?? fail(command, `-${word[at]}`);
      if (option.kind === undefined) {
        put(option, true);
        continue;
      }
      const rest = word.slice(at + 1).replace(/^=/, "");
      put(option, rest === "" ? takeValue(option) : rest);
      break;
    }
  }
  return { options, positionals };
}

function isNegativeNumber(word: string): boolean {
  return /^-(\d|\.\d)/.test(word);
}

function fail(command: CommandDefinition, typed: string): never {
  throw unknownOption(command, typed);
}
