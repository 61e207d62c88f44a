import { IngotError } from "../base/errors.ts";
import type { Oid } from "../base/oid.ts";
import { formatTime } from "../base/time.ts";
import {
  countStatuses,
  type ExampleHistory,
  historyOf,
  type ReadingSummary,
  type Status,
  summarise,
} from "../train/evolution.ts";
import type { Context } from "./context.ts";
import { type ExampleText, exampleTexts } from "./data/example-text.ts";
import { resolveCommit } from "./log.ts";
import { readEvolution } from "./train/evolution-store.ts";
import { callVersion, indexVersions } from "./versions.ts";

export interface EvolutionOptions {
  /** Version; HEAD by default. */
  readonly revision?: string | undefined;
  /** One example: `e:` and digits of its id. */
  readonly example?: string | undefined;
  readonly status?: readonly Status[] | undefined;
}

export interface EvolvedExample extends ExampleHistory {
  readonly input: string;
  readonly expected: string;
  /** `file:line`. */
  readonly at: string;
  readonly heldOut: boolean;
}

export interface EvolutionReading extends ReadingSummary {
  /** Names the reading: version and step. */
  readonly id: string;
  readonly time?: string;
  readonly learningRate: number;
  readonly position: number;
}

export interface EvolutionResult {
  readonly version: string;
  readonly commit: Oid;
  readonly evolution: Oid;
  readonly rule: string;
  readonly readings: readonly EvolutionReading[];
  readonly tracked: number;
  readonly counts: Readonly<Record<Status, number>>;
  /** The users' three categories. */
  readonly categories: { readonly learned: number; readonly struggling: number; readonly notLearned: number };
  /** Sorted: regressed first, then struggling, wobbling, learned (latest first), known. */
  readonly examples: readonly EvolvedExample[];
}

const ORDER: readonly Status[] = ["regressed", "struggling", "new", "wobbling", "learned", "known"];

/** How each tracked example was learned or lost in the training that made a version. Throws `object.missing` where none was recorded. */
export async function evolution(context: Context, options: EvolutionOptions): Promise<EvolutionResult> {
  const repo = await context.openRepository();
  const commit = await resolveCommit(repo, options.revision ?? "HEAD");
  const record = await repo.readRecord(commit, "commit");
  const version = callVersion(indexVersions(await repo.refs()), commit);
  if (record.evolution === undefined) {
    const why =
      record.recipe === undefined ? "it was imported, not trained" : "it was trained with --probe none";
    throw new IngotError("object.missing", `${version} has no recorded evolution: ${why}`, {
      hint: "ingot log shows the versions that were trained",
      data: { where: version },
    });
  }
  const table = await readEvolution(repo, record.evolution, record.evolutionTimesMs);
  const texts = await exampleTexts(repo, table.datasets, new Set(table.examples));
  const histories = table.examples.map((_, column) => historyOf(table, column));
  const categories = { learned: 0, struggling: 0, notLearned: 0 };
  for (const { category } of histories) categories[category === "not learned" ? "notLearned" : category]++;
  const heldOut = table.examples.flatMap((id, column) => (texts.get(id)?.heldOut ? [column] : []));
  return {
    version,
    commit,
    evolution: record.evolution,
    rule: table.rule,
    readings: table.steps.map((_, row) => {
      const time = table.timesMs[row];
      return {
        id: `${version}@${table.steps[row]}`,
        ...summarise(table, row, heldOut.length > 0 ? heldOut : undefined),
        learningRate: table.learningRates[row]!,
        position: table.positions[row]!,
        ...(time === undefined ? {} : { time: formatTime(time) }),
      };
    }),
    tracked: table.examples.length,
    counts: countStatuses(table),
    categories,
    examples: chooseExamples(version, histories, texts, options),
  };
}

/** The examples asked for, in their order. Throws where one is named and none or several are meant. */
function chooseExamples(
  version: string,
  histories: readonly ExampleHistory[],
  texts: ReadonlyMap<string, ExampleText>,
  { example, status }: EvolutionOptions,
): readonly EvolvedExample[] {
  const prefix = example === undefined ? undefined : examplePrefix(example);
  const chosen = histories
    .filter(
      (h) =>
        (prefix === undefined || h.id.startsWith(prefix)) &&
        (status === undefined || status.includes(h.status)),
    )
    .map((h): EvolvedExample => {
      const { input = "", expected = "", at = "", heldOut = false } = texts.get(h.id) ?? {};
      return { ...h, input, expected, at, heldOut };
    })
    .sort(
      (a, b) =>
        ORDER.indexOf(a.status) - ORDER.indexOf(b.status) ||
        (b.learnedAt ?? 0) - (a.learnedAt ?? 0) ||
        (a.id < b.id ? -1 : 1),
    );
  const [first, ...others] = chosen;
  if (prefix === undefined || (first !== undefined && others.length === 0)) return chosen;
  if (first === undefined)
    throw new IngotError("object.missing", `${version} tracked no example '${example}'`, {
      hint: "ingot evolution lists the tracked examples",
    });
  throw new IngotError("object.ambiguous", `'${example}' begins the ids of ${chosen.length} examples`, {
    hint: `for example e:${first.id.slice(0, 12)}`,
  });
}

function examplePrefix(word: string): string {
  const digits = word.replace(/^e:/, "");
  if (!/^[0-9a-f]{4,64}$/.test(digits))
    throw new IngotError("usage.argument", `'${word}' is no example id`, {
      hint: "e: and at least 6 digits, as ingot evolution prints them",
    });
  return digits;
}

/** True for a word that names an example. */
export function isExampleWord(word: string): boolean {
  return /^e:[0-9a-f]{4,64}$/.test(word);
}

/** Comma-separated values, one row an example and reading; cells that a spreadsheet would run are quoted with an apostrophe. */
export function formatEvolutionCsv(result: EvolutionResult): string {
  const header = [
    "example",
    "at",
    "status",
    "category",
    "learned_at",
    "step",
    "loss",
    "confidence",
    "correct",
    "input",
    "expected",
    "prediction",
  ];
  const rows = result.examples.flatMap((e) =>
    result.readings.map((reading, i) => [
      e.id,
      e.at,
      e.status,
      e.category,
      e.learnedAt ?? "",
      reading.step,
      e.loss[i],
      e.confidence[i],
      e.strip[i] ? 1 : 0,
      e.input,
      e.expected,
      e.predictions[i],
    ]),
  );
  return `${[header, ...rows].map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
}

function cell(value: unknown): string {
  const plain = String(value ?? "");
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(plain) ? `'${plain}` : plain;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
