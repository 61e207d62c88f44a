import yargs from "yargs";
import { IngotError } from "../base/errors.ts";
import { missingValue, optionsOf, type RawArguments, unknownOption, unwantedValue } from "./arguments.ts";
import type { CommandDefinition, OptionDefinition } from "./command.ts";
import { beforeDashes } from "./request.ts";

/** Reads the arguments that follow a verb. Every value stays the text that was typed: `checkArguments` decides what it means. */
export async function parseWithYargs(
  command: CommandDefinition,
  argv: readonly string[],
): Promise<RawArguments> {
  const definitions = optionsOf(command);
  refuseValuesOfSwitches(command, definitions, argv);
  const parser = yargs([])
    .help(false)
    .version(false)
    .detectLocale(false)
    .exitProcess(false)
    .parserConfiguration({
      "boolean-negation": false,
      "camel-case-expansion": false,
      "dot-notation": false,
      "duplicate-arguments-array": true,
      "greedy-arrays": false,
      "parse-numbers": false,
      "parse-positional-numbers": false,
      "populate--": true,
      "strip-aliased": true,
    })
    .fail((message, error) => {
      throw error instanceof IngotError
        ? error
        : new IngotError("usage.flag", message ?? error?.message ?? "bad arguments", {
            hint: `ingot ${command.name} -h`,
          });
    });
  for (const { name, short, kind } of definitions) {
    const alias = short === undefined || short === name ? {} : { alias: short };
    // An array of one-word items keeps repeated values and an absent one apart.
    parser.option(
      name,
      kind === undefined
        ? { ...alias, type: "boolean" }
        : { ...alias, type: "string", array: true, nargs: 1 },
    );
  }
  const parsed = await parseOrExplain(parser, command, argv);
  const options = new Map<string, (string | true)[]>();
  for (const [key, value] of Object.entries(parsed)) {
    if (key === "_" || key === "--" || key === "$0" || value === undefined || value === false) continue;
    const option = definitions.find((d) => d.name === key || d.short === key);
    if (option === undefined) throw unknownOption(command, `${key.length === 1 ? "-" : "--"}${key}`);
    const list = (Array.isArray(value) ? value : [value]) as (string | boolean)[];
    options.set(
      option.name,
      list.map((v) => (typeof v === "boolean" ? true : String(v))),
    );
  }
  const rest = (parsed["--"] as readonly string[] | undefined) ?? [];
  return { options, positionals: [...parsed._, ...rest].map(String) };
}

/** yargs reads `--stage=yes` as a switch that is set, and `--stage=no` as one that is not. */
function refuseValuesOfSwitches(
  command: CommandDefinition,
  definitions: readonly OptionDefinition[],
  argv: readonly string[],
): void {
  for (const word of beforeDashes(argv)) {
    const name = /^--([^=]+)=/.exec(word)?.[1];
    if (definitions.some((d) => d.name === name && d.kind === undefined)) throw unwantedValue(command, name!);
  }
}

async function parseOrExplain(
  parser: ReturnType<typeof yargs>,
  command: CommandDefinition,
  argv: readonly string[],
) {
  try {
    return (await parser.parse([...argv])) as { _: readonly (string | number)[]; [key: string]: unknown };
  } catch (error) {
    if (error instanceof IngotError) {
      const short = /: (\S+)$/.exec(error.message)?.[1];
      const option = optionsOf(command).find((o) => o.name === short || o.short === short);
      if (error.message.startsWith("Not enough arguments") && option !== undefined)
        throw missingValue(option);
    }
    throw error;
  }
}
