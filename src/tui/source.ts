import { bug } from "../base/errors.ts";
import type { Context } from "../commands/context.ts";
import type { EvolvedExample } from "../commands/evolution.ts";
import { type LogEntry, log } from "../commands/log.ts";
import { readHead } from "../commands/versions.ts";
import { differenceLines } from "./difference-lines.ts";
import type { ExampleChange, LogSource, VersionDetail, VersionRow } from "./version-row.ts";

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
    regressed: async (commit) => {
      if (entries.get(commit)?.evolution === undefined) return 0;
      const { evolution } = await import("../commands/evolution.ts");
      return (await evolution(context, { revision: commit })).counts.regressed;
    },
    detail: async (commit) => detailOf(context, entries.get(commit) ?? bug(`no entry of ${commit}`)),
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

async function detailOf(context: Context, entry: LogEntry): Promise<VersionDetail> {
  const plain = {
    commit: entry.commit,
    facts: factsOf(entry),
    statuses: [],
    learned: [],
    lost: [],
    loss: [],
  };
  if (entry.evolution === undefined) return plain;
  const { evolution } = await import("../commands/evolution.ts");
  const { examples, readings, counts } = await evolution(context, { revision: entry.commit });
  return {
    ...plain,
    statuses: Object.entries(counts),
    learned: examples.filter(({ strip }) => strip[0] === false && strip.at(-1) === true).map(changeOf),
    lost: examples.filter(({ strip }) => strip[0] === true && strip.at(-1) === false).map(changeOf),
    loss: readings.map(({ loss }) => loss),
  };
}

function changeOf({ id, input, expected, strip, loss }: EvolvedExample): ExampleChange {
  return {
    id: `e:${id.slice(0, EXAMPLE_DIGITS)}`,
    label: input || expected,
    correct: strip,
    lossFirst: loss[0] ?? 0,
    lossLast: loss.at(-1) ?? 0,
  };
}

const EXAMPLE_DIGITS = 6;

function factsOf(entry: LogEntry): VersionDetail["facts"] {
  const { before, after } = entry.metrics;
  const facts: (readonly [string, string | undefined])[] = [
    ["message", entry.message],
    ["aside", entry.aside],
    ["accuracy", after && change(percent(after.accuracy), before && percent(before.accuracy))],
    ["loss", after && change(after.loss.toFixed(3), before?.loss.toFixed(3))],
    ["examples", after && `measured on ${after.examples}`],
    ...entry.datasets.map(
      ({ name, role, tokens }) =>
        [role === "replay" ? "replay" : "data", `${name}  ${tokens} tokens`] as const,
    ),
    ["recipe", entry.recipe && recipeText(entry.recipe)],
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

/** The keys that a person looks for first, in PEFT's and transformers' words cut short. */
function recipeText(recipe: NonNullable<LogEntry["recipe"]>): string {
  const adapter =
    recipe.method === "lora" ? `lora r ${recipe.r} alpha ${recipe.lora_alpha}` : `${recipe.method}`;
  const rate = `lr ${recipe.learning_rate} ${recipe.lr_scheduler_type}`;
  return `${adapter}, ${rate}, batch ${recipe.per_device_train_batch_size}, replay ${recipe.replay}, seed ${recipe.seed}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function change(after: string, before: string | undefined): string {
  return before === undefined ? after : `${after}  (parent ${before})`;
}
