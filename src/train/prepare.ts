import { bug, IngotError } from "../base/errors.ts";
import type { Scratch } from "../base/ports.ts";
import type { EncodedExample } from "../text/encoded.ts";
import { type LoadedAdapter, loadAdapter } from "./adapter-files.ts";
import { type BaseModel, loadBase } from "./base-model.ts";
import { realTokens } from "./batching.ts";
import type { EnginePlan, TrainJob } from "./job.ts";
import { chooseProbe, PROBE_EXAMPLES } from "./probe.ts";
import { type Recipe, type RecipeKey, resolveRecipe } from "./recipe.ts";
import { type Rows, readRows } from "./rows.ts";
import { rowsPerEpoch } from "./stream.ts";
import { continuedKeys, type TrainableAdapter, trainableAdapter } from "./trainable-adapter.ts";
import { totalSize } from "./trainables.ts";

/** Everything of a training that is known before its first step. */
export interface Prepared {
  readonly base: BaseModel;
  readonly recipe: Recipe;
  readonly rows: Rows;
  /** Adapters below the trained one, in order. */
  readonly frozen: readonly LoadedAdapter[];
  readonly adapter: TrainableAdapter;
  /** Rows of the probe. */
  readonly tracked: readonly EncodedExample[];
  /** Distinct rows in all. */
  readonly distinctRows: number;
}

/** What the engine's process holds before any weights: Node and the native runtime. */
const PROCESS_BYTES = 100e6;

/** Default `modules_to_save` of PEFT for heads that are made anew for a task. */
const FRESH_HEADS: Readonly<Record<string, readonly string[]>> = {
  "text-classification": ["classifier", "score"],
  "token-classification": ["classifier", "score"],
};

/** Reads model, adapters and rows, resolves the recipe, and lays out what is trained. Throws before anything runs. */
export async function prepare(job: TrainJob, scratch: Scratch): Promise<Prepared> {
  const method = job.given.method ?? (job.stack ? undefined : job.adapters.at(-1)?.method);
  const tie = method === "full" || job.adapters.some((adapter) => adapter.method === "full");
  const base = await loadBase(job.model, scratch, { tie });
  const loaded: LoadedAdapter[] = [];
  for (const [i, adapter] of job.adapters.entries()) {
    loaded.push(await loadAdapter(adapter, base, scratch, `ingot/adapter${i}/`));
  }
  const last = job.stack ? undefined : loaded.at(-1);
  const given: Partial<Record<RecipeKey, unknown>> = { ...job.given };
  const task = (given.task as string | undefined) ?? base.task;
  const heads = FRESH_HEADS[task];
  const isFresh = last === undefined && base.architecture !== undefined;
  if (isFresh && given.modules_to_save === undefined && heads !== undefined) given.modules_to_save = heads;
  const maxLength = (given.max_seq_length as number | undefined) ?? 0;
  const newOnly = given.new_only === true;
  const rows = await readRows(job.datasets, scratch, base, { task, maxLength, newOnly });
  if (rows.fresh.length === 0) {
    throw new IngotError("input.format", "there is no row to train on", { hint: "ingot data add FILE" });
  }
  const recipe = resolveRecipe(given, {
    task,
    rowsPerEpoch: (replay) => rowsPerEpoch(rows.fresh.length, rows.earlier.length, replay),
    continued: continuedKeys(last),
  });
  const asked = job.given as Partial<Record<RecipeKey, unknown>>;
  const adapter = await trainableAdapter(base, recipe, asked, last);
  const byId = new Map<string, EncodedExample>();
  for (const row of [...rows.earlier, ...rows.fresh, ...rows.heldOut]) byId.set(row.id, row);
  return {
    base,
    recipe,
    rows,
    frozen: last === undefined ? loaded : loaded.slice(0, -1),
    adapter,
    tracked: probeOf(job, rows, byId.size).map((id) => byId.get(id) ?? bug(`no row ${id}`)),
    distinctRows: byId.size,
  };
}

function probeOf(job: TrainJob, rows: Rows, all: number): readonly string[] {
  if (job.probe === "none") return [];
  const ids = (list: readonly EncodedExample[]): readonly string[] => list.map((row) => row.id);
  const sources = {
    fresh: ids(rows.fresh),
    earlier: ids(rows.earlier),
    heldOut: ids(rows.heldOut),
    regressed: job.regressed,
  };
  return chooseProbe(sources, job.probe === "all" ? all : job.probe || PROBE_EXAMPLES);
}

/** What a person is told before a training starts. Memory and disk are what weights and state need at least. */
export function describePrepared(prepared: Prepared, epochRows: number): EnginePlan {
  const { recipe, rows, adapter, base } = prepared;
  const used = [...rows.fresh, ...(epochRows > rows.fresh.length ? rows.earlier : [])];
  const mean = used.reduce((sum, row) => sum + realTokens(row), 0) / used.length;
  const rowsInAll =
    recipe.max_steps * recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps;
  const total = countParameters(base);
  const trainable = totalSize(adapter.trainables);
  const cut = rows.fresh.filter((row) => row.cut).length;
  const notes: string[] = [];
  if (rows.superseded.length > 0) {
    notes.push(
      `${rows.superseded.length} earlier examples are answered anew by these rows: they are neither replayed nor tracked`,
    );
  }
  if (cut > 0) notes.push(`${cut} rows are longer than max_seq_length and are cut`);
  return {
    recipe: { ...recipe },
    trainable,
    frozen: recipe.method === "full" ? 0 : total,
    targets: [...new Set(adapter.layers.pairs.map((p) => p.module.path.split(".").at(-1)!))].sort(),
    steps: recipe.max_steps,
    tokens: Math.round(rowsInAll * mean),
    longest: used.reduce((most, row) => Math.max(most, row.inputIds.length), 0),
    cut,
    newRows: rows.fresh.length,
    earlierRows: rows.earlier.length,
    superseded: rows.superseded.length,
    probe: { examples: prepared.tracked.length, of: prepared.distinctRows },
    notes,
    memoryBytes: PROCESS_BYTES + 2 * total * 4 + trainable * 4 * 4,
    stateBytes: trainable * 4 * 3,
  };
}

/** Elements of all weights of a model. */
export function countParameters(base: BaseModel): number {
  const size = (name: string): number =>
    (base.model.graph.initializers.get(name)?.dims ?? []).reduce((product, d) => product * d, 1);
  return base.parameters.reduce((sum, { name }) => sum + size(name), 0);
}
