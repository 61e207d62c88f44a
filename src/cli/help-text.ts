import { optionsOf, placeholderOf } from "./arguments.ts";
import type { CommandDefinition, OptionDefinition, PositionalDefinition } from "./command.ts";
import { COMMANDS, FAMILIES, GROUPS, subcommandsOf } from "./registry.ts";
import type { Look } from "./terminal.ts";

/** The page of bare `ingot`: every verb by group, three examples, one hint. With `all` the plumbing as well. */
export function overview(
  look: Look,
  { all, hint }: { readonly all: boolean; readonly hint: string },
): readonly string[] {
  const lines = ["usage: ingot [-C DIR] VERB [ARGUMENTS]     git for models: every training is a commit"];
  for (const [group, title] of GROUPS) {
    if (group === "plumbing" && !all) continue;
    lines.push("", look.paint("bold", title));
    const seen = new Set<string>();
    for (const command of COMMANDS.filter((c) => c.group === group)) {
      const family = command.name.split(" ")[0]!;
      if (seen.has(family)) continue;
      seen.add(family);
      const isFamily = Object.hasOwn(FAMILIES, family);
      const name = isFamily ? `${family} ${subcommandsOf(family).join("|")}` : command.name;
      lines.push(`  ${name.padEnd(20)} ${isFamily ? FAMILY_SUMMARIES[family] : command.summary}`);
    }
  }
  return [
    ...lines,
    "",
    look.paint("bold", "examples"),
    "  ingot init --base ./model && ingot data add faq.jsonl && ingot train faq",
    '  ingot run "Can I return a gift card?"',
    "  ingot log --graph --oneline",
    "",
    `ingot VERB -h explains a verb; ingot help -a lists the plumbing      ${hint}`,
  ];
}

const FAMILY_SUMMARIES: Readonly<Record<string, string>> = {
  data: "Version examples: jsonl, json, csv, text, tensors",
  remote: "Places to share with",
  config: "Settings, and where each comes from",
};

/** The page of one verb: usage, arguments, options, examples. */
export function helpOf(look: Look, command: CommandDefinition): readonly string[] {
  const positionals = command.positionals ?? [];
  const own = command.options ?? [];
  const globals = optionsOf(command).filter((o) => !own.includes(o) && isMeant(command, o));
  const lines = [
    `usage: ingot ${[command.name, ...positionals.map(usageOf), ...(own.length === 0 ? [] : ["[OPTIONS]"])].join(" ")}`,
    "",
    `${command.summary}.`,
  ];
  if (command.aliases !== undefined) lines.push(`Also: ${command.aliases.join(", ")}.`);
  if (command.details !== undefined) lines.push("", ...wrap(command.details, Math.min(look.width, 100)));
  if (positionals.length > 0)
    lines.push(
      "",
      look.paint("bold", "arguments"),
      ...columns(positionals.map((p) => [usageOf(p), p.summary])),
    );
  if (own.length > 0)
    lines.push("", look.paint("bold", "options"), ...columns(own.map((o) => [optionUsage(o), o.summary])));
  lines.push(
    "",
    look.paint("bold", "for every verb"),
    ...columns(globals.map((o) => [optionUsage(o), o.summary])),
  );
  if (command.examples !== undefined)
    lines.push("", look.paint("bold", "examples"), ...columns(command.examples));
  return lines;
}

function isMeant(command: CommandDefinition, { name }: OptionDefinition): boolean {
  if (name === "json") return command.json === true;
  if (name === "dry-run") return command.dryRun === true;
  return name !== "help";
}

function usageOf({ kind, required, many }: PositionalDefinition): string {
  const word = `${placeholderOf(kind)}${many === true ? "..." : ""}`;
  return required === true ? word : `[${word}]`;
}

function optionUsage({ name, short, kind }: OptionDefinition): string {
  const long = name.length === 1 ? "" : `--${name}`;
  const forms = [short === undefined ? "" : `-${short}`, long].filter((form) => form !== "").join(", ");
  return kind === undefined ? forms : `${forms} ${placeholderOf(kind)}`;
}

function columns(rows: readonly (readonly [string, string] | readonly string[])[]): string[] {
  const width = Math.min(34, Math.max(...rows.map(([left = ""]) => left.length)));
  return rows.flatMap(([left = "", right = ""]) =>
    left.length > width
      ? [`  ${left}`, `  ${" ".repeat(width)}  ${right}`]
      : [`  ${left.padEnd(width)}  ${right}`],
  );
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
