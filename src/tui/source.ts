import type { Context } from "../commands/context.ts";
import { type LogEntry, log } from "../commands/log.ts";
import { readHead } from "../commands/versions.ts";
import { differenceLines } from "./difference-lines.ts";
import type { LogSource, VersionDetail, VersionRow } from "./version-row.ts";

/** The screen's view of a repository, read through the commands that the command line uses. */
export async function openLogSource(context: Context): Promise<LogSource> {
  const repo = await context.openRepository();
  const head = readHead(await repo.refs());
  const entries = new Map<string, LogEntry>();
  return {
    title: (context.root ?? context.cwd).split(/[\\/]/).at(-1) ?? "",
    branch: head.branch ?? "detached",
    versions: async function* () {
      entries.clear();
      for await (const entry of log(context, {})) {
        entries.set(entry.commit, entry);
        yield rowOf(entry);
      }
    },
    detail: async (commit) => detailOf(entries.get(commit)),
    difference: async (from, to) => {
      const { diff } = await import("../commands/diff.ts");
      return differenceLines(await diff(context, { a: from, b: to }));
    },
  };
}

/** A log entry as a row of the list. */
export function rowOf(entry: LogEntry): VersionRow {
  const { before, after } = entry.metrics;
  return {
    commit: entry.commit,
    version: entry.version,
    parents: entry.parents,
    refs: entry.refs.filter((name) => name !== "HEAD"),
    current: entry.refs.includes("HEAD"),
    timeMs: Date.parse(entry.time),
    message: entry.message.split("\n")[0] ?? "",
    datasets: entry.datasets.filter(({ role }) => role === "train").map(({ name }) => name),
    imported: entry.recipe === undefined,
    ...(after === undefined ? {} : { accuracy: after.accuracy }),
    ...(before === undefined ? {} : { accuracyBefore: before.accuracy }),
    ...(entry.aside === undefined ? {} : { aside: entry.aside }),
  };
}

function detailOf(entry: LogEntry | undefined): VersionDetail {
  return {
    commit: entry?.commit ?? "",
    facts: entry === undefined ? [] : factsOf(entry),
    statuses: [],
    learned: [],
    lost: [],
    loss: [],
  };
}

/** Keys of a recipe that a person looks for first. */
const RECIPE_KEYS = [
  "method",
  "r",
  "lora_alpha",
  "learning_rate",
  "lr_scheduler_type",
  "per_device_train_batch_size",
  "max_steps",
  "replay",
  "seed",
];

function factsOf(entry: LogEntry): VersionDetail["facts"] {
  const { before, after } = entry.metrics;
  const recipe = RECIPE_KEYS.flatMap((key) =>
    entry.recipe?.[key] === undefined ? [] : [`${key} ${entry.recipe[key]}`],
  );
  const facts: (readonly [string, string | undefined])[] = [
    ["message", entry.message],
    ["aside", entry.aside],
    ["accuracy", after && change(percent(after.accuracy), before && percent(before.accuracy))],
    ["loss", after && change(after.loss.toFixed(3), before?.loss.toFixed(3))],
    ["examples", after && `${after.examples} tracked`],
    ...entry.datasets.map(
      ({ name, role, tokens }) =>
        [role === "replay" ? "replay" : "data", `${name}  ${tokens} tokens`] as const,
    ),
    ["recipe", recipe.length === 0 ? undefined : recipe.join("  ")],
    [
      "training",
      entry.training && `${entry.training.steps} steps in ${(entry.training.durationMs / 1000).toFixed(1)} s`,
    ],
    ["parent", entry.parentVersions.join(" ") || undefined],
    ["author", entry.author],
    ["time", entry.time],
    ["commit", entry.commit],
  ];
  return facts.flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [[name, value] as const],
  );
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function change(after: string, before: string | undefined): string {
  return before === undefined ? after : `${after}  (parent ${before})`;
}
