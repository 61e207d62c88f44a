import { IngotError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import { type CommandDefinition, GLOBAL_OPTIONS, type OptionDefinition, type ValueKind } from "./command.ts";
import { Arguments, type ArgumentValue } from "./invocation.ts";

/** Arguments as typed: nothing checked, a switch is `true`. */
export interface RawArguments {
  readonly options: ReadonlyMap<string, readonly (string | true)[]>;
  readonly positionals: readonly string[];
}

/** Options of a verb, its own first. */
export function optionsOf(command: CommandDefinition): readonly OptionDefinition[] {
  const own = command.options ?? [];
  const taken = new Set(own.flatMap((o) => [o.name, o.short]));
  const globals = GLOBAL_OPTIONS.filter((o) => !taken.has(o.name)).map((o) =>
    taken.has(o.short) && o.name !== o.short ? withoutShort(o) : o,
  );
  return [...own, ...globals];
}

function withoutShort({ short: _, ...option }: OptionDefinition): OptionDefinition {
  return option;
}

/** `usage.flag` for an option that the verb does not have, with the nearest one. */
export function unknownOption(command: CommandDefinition, typed: string): IngotError {
  const names = optionsOf(command).flatMap((o) => [
    `--${o.name}`,
    ...(o.short === undefined ? [] : [`-${o.short}`]),
  ]);
  const near = typed.startsWith("--")
    ? nearest(
        typed,
        names.filter((n) => n.startsWith("--")),
      )
    : undefined;
  return new IngotError("usage.flag", `'${command.name}' has no option '${typed}'`, {
    hint: near === undefined ? `ingot ${command.name} -h` : `did you mean ${near}?`,
  });
}

/** `usage.flag` for an option without its value. */
export function missingValue(option: OptionDefinition): IngotError {
  const flag = option.name.length === 1 ? `-${option.name}` : `--${option.name}`;
  return new IngotError("usage.flag", `'${flag}' needs a value`, {
    hint: `${flag} ${placeholderOf(option.kind!)}`,
  });
}

/** `usage.flag` for a switch with a value. */
export function unwantedValue(command: CommandDefinition, name: string): IngotError {
  return new IngotError("usage.flag", `'--${name}' takes no value`, { hint: `ingot ${command.name} -h` });
}

/** How a value is shown in help. */
export function placeholderOf(kind: ValueKind): string {
  return kind.type === "choice" ? kind.values.join("|") : kind.placeholder;
}

/** Checks types, ranges, choices and counts. Throws `usage.flag` or `usage.argument`. */
export function checkArguments(command: CommandDefinition, raw: RawArguments): Arguments {
  const values = new Map<string, ArgumentValue>();
  const options = optionsOf(command);
  for (const option of options) {
    const given = raw.options.get(option.name);
    if (given === undefined || given.length === 0) continue;
    if (option.kind === undefined) {
      if (given.some((v) => v !== true)) throw unwantedValue(command, option.name);
      values.set(option.name, true);
    } else if (option.repeat === true) {
      values.set(
        option.name,
        given.map((v) => readValue(option.kind!, v, `--${option.name}`)) as ArgumentValue,
      );
    } else {
      values.set(option.name, readValue(option.kind, given.at(-1)!, `--${option.name}`));
    }
  }
  placePositionals(command, raw.positionals, values);
  const known = new Set([...options.map((o) => o.name), ...(command.positionals ?? []).map((p) => p.name)]);
  return new Arguments(values, known);
}

function placePositionals(
  command: CommandDefinition,
  given: readonly string[],
  values: Map<string, ArgumentValue>,
): void {
  let next = 0;
  for (const positional of command.positionals ?? []) {
    if (positional.many === true) {
      const rest = given.slice(next).map((v) => readValue(positional.kind, v, positional.name));
      if (positional.required === true && rest.length === 0) throw missingArgument(command, positional.name);
      if (rest.length > 0) values.set(positional.name, rest as ArgumentValue);
      next = given.length;
    } else if (next < given.length) {
      values.set(positional.name, readValue(positional.kind, given[next++]!, positional.name));
    } else if (positional.required === true) {
      throw missingArgument(command, positional.name);
    }
  }
  if (next < given.length) {
    throw new IngotError(
      "usage.argument",
      `'${given[next]}' is one argument too many for '${command.name}'`,
      { hint: `ingot ${command.name} -h` },
    );
  }
}

function missingArgument(command: CommandDefinition, name: string): IngotError {
  return new IngotError("usage.argument", `'${command.name}' needs ${name.toUpperCase()}`, {
    hint: `ingot ${command.name} -h`,
  });
}

function readValue(kind: ValueKind, typed: string | true, name: string): string | number {
  if (typed === true)
    throw new IngotError("usage.flag", `'${name}' needs a value`, { hint: `${name} ${placeholderOf(kind)}` });
  if (kind.type === "text") return typed;
  if (kind.type === "choice") {
    if (kind.values.includes(typed)) return typed;
    const near = nearest(typed, kind.values);
    throw new IngotError("usage.flag", `'${typed}' is no value of '${name}'`, {
      hint:
        near === undefined
          ? `one of ${kind.values.join(", ")}`
          : `did you mean ${near}? (${kind.values.join(", ")})`,
    });
  }
  return readNumber(kind, typed, name);
}

const INTEGER = /^[+-]?\d+$/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function readNumber(
  kind: Extract<ValueKind, { type: "integer" | "number" }>,
  typed: string,
  name: string,
): number {
  const value = Number(typed);
  const isShaped = (kind.type === "integer" ? INTEGER : NUMBER).test(typed) && Number.isFinite(value);
  const tooSmall = kind.min !== undefined && value < kind.min;
  const tooLarge = kind.max !== undefined && value > kind.max;
  if (isShaped && !tooSmall && !tooLarge) return value;
  const range = `${kind.min === undefined ? "" : ` from ${kind.min}`}${kind.max === undefined || kind.max === Number.MAX_SAFE_INTEGER ? "" : ` to ${kind.max}`}`;
  throw new IngotError("usage.flag", `'${typed}' is no value of '${name}'`, {
    hint: `${name} takes a${kind.type === "integer" ? " whole" : ""} number${range}`,
  });
}
