import { optionsOf } from "./arguments.ts";
import type { CompletionSource, ValueKind } from "./command.ts";
import type { Io } from "./io.ts";
import { COMMANDS, FAMILIES, findCommand, subcommandsOf } from "./registry.ts";

/** Prints what may stand at the last word of a command line that begins with the program's name, a candidate a line. */
export async function printCompletions(words: readonly string[], io: Io): Promise<void> {
  const candidates = await complete(words.slice(1), io);
  if (candidates.length > 0) await io.stdout.write(`${candidates.join("\n")}\n`);
}

/** Candidates for the last of `words`, which may be empty. */
export async function complete(words: readonly string[], io: Io): Promise<readonly string[]> {
  const { rest, folder } = withoutFolder(words);
  const current = rest.at(-1) ?? "";
  const before = rest.slice(0, -1);
  const family = before[0];
  if (before.length === 0) return matching(topWords(), current);
  if (before.length === 1 && family !== undefined && Object.hasOwn(FAMILIES, family))
    return matching(subcommandsOf(family), current);
  const found = findCommand(before);
  if (found === undefined) return [];
  const options = optionsOf(found.command);
  const last = before.at(-1)!;
  const waiting = options.find(
    (o) => o.kind !== undefined && (last === `--${o.name}` || last === `-${o.short}`),
  );
  if (waiting?.kind !== undefined) return matching(await valuesOf(waiting.kind, io, folder), current);
  if (current.startsWith("-"))
    return matching(
      options.filter((o) => o.name.length > 1).map((o) => `--${o.name}`),
      current,
    );
  const given = before
    .slice(found.words)
    .filter((word, i, all) => !word.startsWith("-") && !takesValue(all[i - 1])).length;
  const positionals = found.command.positionals ?? [];
  const positional =
    positionals[given] ?? (positionals.at(-1)?.many === true ? positionals.at(-1) : undefined);
  return positional === undefined ? [] : matching(await valuesOf(positional.kind, io, folder), current);

  function takesValue(word: string | undefined): boolean {
    return (
      word !== undefined &&
      options.some((o) => o.kind !== undefined && (word === `--${o.name}` || word === `-${o.short}`))
    );
  }
}

function withoutFolder(words: readonly string[]): {
  readonly rest: readonly string[];
  readonly folder: string | undefined;
} {
  if (words[0] !== "-C" || words.length < 3) return { rest: words, folder: undefined };
  return { rest: words.slice(2), folder: words[1] };
}

function topWords(): readonly string[] {
  return [...new Set(COMMANDS.map((c) => c.name.split(" ")[0]!))];
}

async function valuesOf(kind: ValueKind, io: Io, folder: string | undefined): Promise<readonly string[]> {
  if (kind.type === "choice") return kind.values;
  if (kind.type !== "text" || kind.complete === undefined || kind.complete === "file") return [];
  if (kind.complete === "topic") return [...topWords(), ...Object.keys((await import("./topics.ts")).TOPICS)];
  if (kind.complete === "setting")
    return Object.keys((await import("../commands/setting-keys.ts")).SETTING_KEYS);
  return refNames(kind.complete, io, folder);
}

async function refNames(
  source: CompletionSource,
  io: Io,
  folder: string | undefined,
): Promise<readonly string[]> {
  const { resolve } = await import("node:path");
  const { contextOptions } = await import("./context.ts");
  const { openContext } = await import("../commands/open-context.ts");
  const context = await openContext({
    ...contextOptions(io),
    cwd: folder === undefined ? io.cwd : resolve(io.cwd, folder),
  });
  if (context.root === undefined) return [];
  try {
    const refs = await (await context.openRepository()).refs();
    const names = refs.list("").map(({ name }) => name);
    const under = (prefix: string) =>
      names.filter((n) => n.startsWith(prefix)).map((n) => n.slice(prefix.length));
    const datasets = [...new Set(under("data/").map((n) => n.replace(/\/v\d+$/, "")))];
    const bare = names.filter((n) => !n.includes("/"));
    if (source === "branch") return under("heads/");
    if (source === "dataset") return datasets;
    if (source === "ref")
      return [...bare.filter((n) => n !== "HEAD"), "production", "staging", ...under("heads/")];
    return [...bare, "latest", "base", ...under("heads/"), ...under("tags/")];
  } finally {
    await context.close();
  }
}

function matching(candidates: readonly string[], current: string): readonly string[] {
  return [...new Set(candidates)].filter((c) => c.startsWith(current)).sort();
}
