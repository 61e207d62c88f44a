import { ERROR_CODES, IngotError } from "../../base/errors.ts";
import { nearest } from "../../base/nearest.ts";
import { helpOf, overview } from "../help-text.ts";
import type { Invocation } from "../invocation.ts";
import type { Io } from "../io.ts";
import { COMMANDS, FAMILIES, findCommand, SYNONYMS } from "../registry.ts";
import type { Terminal } from "../terminal.ts";
import { codeHelp, TOPICS } from "../topics.ts";

export async function run(call: Invocation): Promise<undefined> {
  await printHelp(call.args.list("topic"), {
    io: call.io,
    terminal: call.terminal,
    all: call.args.flag("all"),
  });
}

/** Prints the overview, or the page of a verb, family of verbs, topic or error code. Throws `usage.command` for an unknown word. */
export async function printHelp(
  words: readonly string[],
  { io, terminal, all }: { readonly io: Io; readonly terminal: Terminal; readonly all: boolean },
): Promise<void> {
  const lines =
    words.length === 0 ? overview(terminal.out, { all, hint: await hintFor(io) }) : pageOf(words, terminal);
  await io.stdout.write(`${lines.join("\n")}\n`);
}

function pageOf(words: readonly string[], terminal: Terminal): readonly string[] {
  const [first = ""] = words;
  if (words.length === 1) {
    if (Object.hasOwn(TOPICS, first)) return TOPICS[first]!(terminal.out);
    if (Object.hasOwn(ERROR_CODES, first)) return codeHelp(first as keyof typeof ERROR_CODES);
    if (Object.hasOwn(FAMILIES, first))
      return COMMANDS.filter((c) => c.name.startsWith(`${first} `)).flatMap((c, i) => [
        ...(i === 0 ? [] : [""]),
        ...helpOf(terminal.out, c),
      ]);
  }
  const found = findCommand(words);
  if (found !== undefined && found.words === words.length) return helpOf(terminal.out, found.command);
  const known = [
    ...COMMANDS.map((c) => c.name),
    ...Object.keys(FAMILIES),
    ...Object.keys(TOPICS),
    ...Object.keys(ERROR_CODES),
  ];
  const word = words.join(" ");
  const near = nearest(word, known);
  throw new IngotError("usage.command", `there is no help on '${word}'`, {
    hint:
      near !== undefined
        ? `did you mean ingot help ${near}?`
        : Object.hasOwn(SYNONYMS, first)
          ? SYNONYMS[first]!
          : "ingot help -a",
  });
}

/** One next step, chosen from what the folder is. */
async function hintFor(io: Io): Promise<string> {
  const { contextOptions } = await import("../context.ts");
  const { openContext } = await import("../../commands/open-context.ts");
  try {
    const { root } = await openContext(contextOptions(io));
    return root === undefined ? "start here: ingot init --base MODEL" : "where you are: ingot status";
  } catch {
    return "where you are: ingot status";
  }
}
