import { bug, IngotError } from "../base/errors.ts";
import type { Scratch } from "../base/ports.ts";
import type { HostTensor, Runtime } from "../runtime/session.ts";
import type { EncodedExample } from "../text/encoded.ts";
import type { OptimizerState } from "./adamw.ts";
import { adapterFiles, type LoadedAdapter, loadAdapter } from "./adapter-files.ts";
import { type BaseModel, loadBase } from "./base-model.ts";
import { Batching, realTokens } from "./batching.ts";
import { readState, writeState } from "./checkpoint-files.ts";
import { type EvolutionTable, summarise } from "./evolution.ts";
import { GraphPool } from "./graph-pool.ts";
import type { EnginePlan, EngineTrainEvent, TrainJob, TrainResult } from "./job.ts";
import { countLabels, headFeeds, labelShift } from "./labels.ts";
import { type MicroBatch, trainSteps } from "./loop.ts";
import { HEAD } from "./loss-head.ts";
import { ProbeReader } from "./probe-reader.ts";
import { chooseProbe, PROBE_EXAMPLES } from "./probe.ts";
import { type Recipe, type RecipeKey, resolveRecipe } from "./recipe.ts";
import { type Rows, readRows } from "./rows.ts";
import { learningRate, snapshotSteps } from "./schedule.ts";
import { rowsPerEpoch, RowStream } from "./stream.ts";
import { frozenFeeds, continuedKeys, thetaFeeds, type TrainableAdapter, trainableAdapter } from "./trainable-adapter.ts";
import { decayMask, totalSize } from "./trainables.ts";

export interface RunParts {
  readonly runtime: Runtime;
  readonly scratch: Scratch;
  readonly nowMs: () => number;
  readonly memoryBytes: () => number;
  readonly environment: Readonly<Record<string, string | number>>;
  /** Makes names of scratch files unique to this process. */
  readonly label: string;
}

/** Default `modules_to_save` of PEFT for heads that are made anew for a task. */
const FRESH_HEADS: Readonly<Record<string, readonly string[]>> = {
  "text-classification": ["classifier", "score"],
  "token-classification": ["classifier", "score"],
};

/** A training that is planned: everything is read, checked and laid out; nothing has run. */
export class PreparedRun {
  readonly plan: EnginePlan;
  private readonly job: TrainJob;
  private readonly parts: RunParts;
  private readonly base: BaseModel;
  private readonly recipe: Recipe;
  private readonly rows: Rows;
  private readonly frozen: readonly LoadedAdapter[];
  private readonly adapter: TrainableAdapter;
  private readonly tracked: readonly EncodedExample[];
  private readonly stream: RowStream;

  private constructor(job: TrainJob, parts: RunParts, made: { base: BaseModel; recipe: Recipe; rows: Rows; frozen: readonly LoadedAdapter[]; adapter: TrainableAdapter; tracked: readonly EncodedExample[]; all: number }) {
    this.job = job;
    this.parts = parts;
    this.base = made.base;
    this.recipe = made.recipe;
    this.rows = made.rows;
    this.frozen = made.frozen;
    this.adapter = made.adapter;
    this.tracked = made.tracked;
    const { replay, seed, order } = made.recipe;
    this.stream = new RowStream({ newRows: made.rows.fresh.length, earlierRows: made.rows.earlier.length, replay, seed, order });
    this.plan = this.describe(made.all);
  }

  /** Reads model, adapters and rows, resolves the recipe, and lays out what is trained. Throws before anything runs. */
  static async prepare(job: TrainJob, parts: RunParts): Promise<PreparedRun> {
    const { scratch } = parts;
    const base = await loadBase(job.model, scratch);
    const loaded: LoadedAdapter[] = [];
    for (const [i, adapter] of job.adapters.entries()) loaded.push(await loadAdapter(adapter, base, scratch, `ingot/adapter${i}/`));
    const last = job.stack ? undefined : loaded.at(-1);
    const given: Partial<Record<RecipeKey, unknown>> = { ...job.given };
    const task = (given.task as string | undefined) ?? base.task;
    const heads = FRESH_HEADS[task];
    if (last === undefined && given.modules_to_save === undefined && heads !== undefined && base.architecture !== undefined) given.modules_to_save = heads;
    const rows = await readRows(job.datasets, scratch, base, { task, maxLength: (given.max_seq_length as number | undefined) ?? 0 });
    if (rows.fresh.length === 0) throw new IngotError("input.format", "there is no row to train on", { hint: "ingot data add FILE" });
    const recipe = resolveRecipe(given, { task, rowsPerEpoch: (replay) => rowsPerEpoch(rows.fresh.length, rows.earlier.length, replay), continued: continuedKeys(last) });
    const adapter = await trainableAdapter(base, recipe, job.given as Partial<Record<RecipeKey, unknown>>, last);
    const byId = new Map<string, EncodedExample>([...rows.earlier, ...rows.fresh, ...rows.heldOut].map((r) => [r.id, r]));
    const ids = (list: readonly EncodedExample[]): readonly string[] => list.map((r) => r.id);
    const limit = job.probe === "none" ? 0 : job.probe === "all" ? byId.size : job.probe;
    const probe = job.probe === "none" ? [] : chooseProbe({ fresh: ids(rows.fresh), earlier: ids(rows.earlier), heldOut: ids(rows.heldOut), regressed: job.regressed }, limit || PROBE_EXAMPLES);
    const tracked = probe.map((id) => byId.get(id) ?? bug(`no row ${id}`));
    const frozen = last === undefined ? loaded : loaded.slice(0, -1);
    return new PreparedRun(job, parts, { base, recipe, rows, frozen, adapter, tracked, all: byId.size });
  }

  private describe(all: number): EnginePlan {
    const { recipe, rows, adapter, base } = this;
    const used = [...rows.fresh, ...(this.stream.rowsPerEpoch > rows.fresh.length ? rows.earlier : [])];
    const mean = used.reduce((sum, row) => sum + realTokens(row), 0) / used.length;
    const rowsInAll = recipe.max_steps * recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps;
    const total = base.parameters.reduce((sum, p) => sum + (base.model.graph.initializers.get(p.name)?.dims ?? []).reduce((a, d) => a * d, 1), 0);
    const trainable = totalSize(adapter.trainables);
    const notes: string[] = [];
    if (rows.superseded.length > 0) notes.push(`${rows.superseded.length} earlier examples are answered anew by these rows: they are neither replayed nor tracked`);
    const cut = rows.fresh.filter((row) => row.cut).length;
    if (cut > 0) notes.push(`${cut} rows are longer than max_seq_length and are cut`);
    return {
      recipe: { ...recipe },
      trainable,
      frozen: recipe.method === "full" ? 0 : total,
      targets: recipe.method === "full" ? [] : [...new Set(adapter.layers.pairs.map((p) => p.module.path.split(".").at(-1)!))].sort(),
      steps: recipe.max_steps,
      tokens: Math.round(rowsInAll * mean),
      longest: used.reduce((most, row) => Math.max(most, row.inputIds.length), 0),
      cut,
      newRows: rows.fresh.length,
      earlierRows: rows.earlier.length,
      superseded: rows.superseded.length,
      probe: { examples: this.tracked.length, of: all },
      notes,
      memoryBytes: total * 4 + trainable * 4 * 4,
      stateBytes: trainable * 4 * 3,
    };
  }

  /** Trains. `pauseAsked` is looked at after every step. */
  async *execute(pauseAsked: () => boolean): AsyncGenerator<EngineTrainEvent, TrainResult> {
    const { recipe, adapter, parts, job } = this;
    const resume = job.resume;
    const size = adapter.theta.length;
    const state: OptimizerState = resume?.state === undefined ? { theta: adapter.theta, m: new Float32Array(size), v: new Float32Array(size) } : await readState(parts.scratch, resume.state, size);
    const layers = [...this.frozen.map((f) => f.layers), adapter.layers];
    const shift = labelShift(recipe.task);
    const pool = new GraphPool({ base: this.base, adapters: layers, loss: recipe.loss, runtime: parts.runtime, scratch: parts.scratch, threads: job.threads });
    const everyRow = [...this.rows.fresh, ...this.rows.earlier, ...this.rows.heldOut];
    const batching = new Batching(this.base, everyRow);
    const tensors = new Map([...this.frozen.flatMap((f) => [...frozenFeeds(f)]), ...thetaFeeds(adapter.trainables, state.theta)]);
    const heldOutIds = new Set<string>(this.rows.heldOut.map((r) => r.id));
    const heldOut = this.tracked.flatMap((row, column) => (heldOutIds.has(row.id) ? [column] : []));
    const reader = new ProbeReader({ base: this.base, layers, pool, batching, tracked: this.tracked, classes: this.rows.classes, recipe, shift, parts, threads: job.threads, table: resume?.evolution });
    const readings = new Set(snapshotSteps(recipe.max_steps, job.snapshotSteps));
    const tokens: Record<string, number> = { ...(resume?.tokens ?? {}) };
    const from = resume?.step ?? 0;
    const rowsPerStep = recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps;
    let loss = resume?.lastLoss ?? 0;
    let done = from;

    const read = async (step: number): Promise<EngineTrainEvent | undefined> => {
      if (this.tracked.length === 0 || !readings.has(step) || reader.table.steps.includes(step)) return undefined;
      const started = parts.nowMs();
      await reader.read(step, step === 0 ? 0 : learningRate(recipe, step - 1), step * rowsPerStep, tensors);
      const summary = summarise(reader.table, reader.table.steps.length - 1, heldOut.length > 0 ? heldOut : undefined);
      return { event: "snapshot", ...summary, durationMs: parts.nowMs() - started };
    };
    const checkpoint = async (): Promise<EngineTrainEvent> => ({
      event: "checkpoint",
      step: done,
      cursor: done * rowsPerStep,
      files: await writeState(parts.scratch, parts.label, done, state),
      ...(this.tracked.length === 0 ? {} : { evolution: reader.table }),
      tokens: { ...tokens },
      lastLoss: loss,
    });

    try {
      const first = await read(from);
      if (first !== undefined) yield first;
      const steps = trainSteps({
        recipe,
        state,
        decay: decayMask(adapter.trainables),
        from,
        nowMs: parts.nowMs,
        batches: async (at) => this.microBatches(at, batching, pool, tensors, shift, tokens),
      });
      if (pauseAsked()) return await this.paused(done, loss, reader.table, heldOut, tokens);
      for await (const step of steps) {
        done = step.step;
        loss = step.loss;
        yield { event: "step", step: done, steps: recipe.max_steps, loss, grad_norm: step.gradNorm, learning_rate: step.learningRate, tokens: step.tokens, durationMs: step.durationMs, memoryBytes: parts.memoryBytes() };
        const snapshot = await read(done);
        if (snapshot !== undefined) yield snapshot;
        const last = done === recipe.max_steps;
        const pausing = !last && pauseAsked();
        if (pausing || (!last && done % recipe.save_steps === 0)) yield await checkpoint();
        if (pausing) return await this.paused(done, loss, reader.table, heldOut, tokens);
      }
      return await this.finished(state, loss, reader.table, heldOut, tokens);
    } finally {
      await reader.close();
      await pool.close();
    }
  }

  private microBatches(done: number, batching: Batching, pool: GraphPool, tensors: ReadonlyMap<string, HostTensor>, shift: 0 | 1, tokens: Record<string, number>): readonly MicroBatch[] {
    const { recipe, adapter } = this;
    const size = recipe.per_device_train_batch_size;
    return Array.from({ length: recipe.gradient_accumulation_steps }, (_, micro) => {
      const position = (done * recipe.gradient_accumulation_steps + micro) * size;
      const drawn = this.stream.at(position, size);
      const rows = drawn.map((row) => (row.from === "new" ? this.rows.fresh : this.rows.earlier)[row.index]!);
      drawn.forEach((row, i) => {
        tokens[row.from] = (tokens[row.from] ?? 0) + realTokens(rows[i]!);
      });
      const batch = batching.batch(rows);
      return {
        labels: countLabels(batch.labels, shift),
        tokens: batch.tokens,
        run: async (_theta, gradient, total) => {
          const graph = await pool.training(batch.feeds);
          const head = headFeeds(batch.labels, recipe.loss, shift, total);
          const feeds = new Map([...batch.feeds, ...tensors, [HEAD.target, head.target], [HEAD.weight, head.weight]]);
          const wanted = new Map([...feeds].filter(([name]) => graph.session.inputNames.includes(name)));
          const outputs = await graph.session.run(wanted);
          for (const t of adapter.trainables) {
            const part = outputs.get(graph.gradients.get(t.key) ?? "")?.data as Float32Array | undefined;
            if (part === undefined) return bug(`no gradient of '${t.key}'`);
            for (let i = 0; i < part.length; i++) gradient[t.offset + i]! += part[i]!;
          }
          return (outputs.get(HEAD.loss)?.data as Float32Array)[0]!;
        },
      };
    });
  }

  private outcome(step: number, loss: number, table: EvolutionTable, heldOut: readonly number[], tokens: Readonly<Record<string, number>>): Omit<TrainResult, "finished" | "files" | "entry"> {
    const { recipe, tracked, parts } = this;
    const measured = heldOut.length > 0 ? heldOut : undefined;
    const metric = (row: number) => {
      const { loss: mean, accuracy } = summarise(table, row, measured);
      return { loss: mean, accuracy, examples: measured?.length ?? tracked.length };
    };
    return {
      step,
      loss,
      method: recipe.method,
      rule: recipe.loss === "mse" ? "threshold" : tracked.some((row) => row.labels.dims.length > 0) ? "exact" : "label",
      heldOut,
      tokens,
      environment: parts.environment,
      ...(tracked.length === 0 || table.steps.length === 0 ? {} : { evolution: table, metrics: { before: metric(0), after: metric(table.steps.length - 1) } }),
    };
  }

  private async paused(step: number, loss: number, table: EvolutionTable, heldOut: readonly number[], tokens: Readonly<Record<string, number>>): Promise<TrainResult> {
    return { finished: false, files: [], entry: "", ...this.outcome(step, loss, table, heldOut, tokens) };
  }

  private async finished(state: OptimizerState, loss: number, table: EvolutionTable, heldOut: readonly number[], tokens: Readonly<Record<string, number>>): Promise<TrainResult> {
    const { recipe, adapter, base, parts, job } = this;
    const lora = adapter.config === undefined ? undefined : { config: adapter.config, layers: adapter.layers, base, task: recipe.task, baseName: `ingot:${job.model.id}` };
    const files = [];
    for (const [path, bytes] of adapterFiles(recipe.method, adapter.trainables, state.theta, lora)) {
      const name = `result-${parts.label}-${path}`;
      await parts.scratch.write(name, bytes);
      files.push({ path, name });
    }
    const entry = recipe.method === "full" ? "model.safetensors" : "adapter_model.safetensors";
    return { finished: true, files, entry, ...this.outcome(recipe.max_steps, loss, table, heldOut, tokens) };
  }
}
