import { IngotError } from "../base/errors.ts";
import type { HostTensor } from "../runtime/session.ts";
import type { OptimizerState } from "./adamw.ts";
import { adapterFiles } from "./adapter-files.ts";
import { Batching, realTokens } from "./batching.ts";
import { readState, writeState } from "./checkpoint-files.ts";
import { type EvolutionTable, summarise } from "./evolution.ts";
import { GraphPool } from "./graph-pool.ts";
import type { EnginePlan, EngineTrainEvent, TrainJob, TrainResult } from "./job.ts";
import { labelShift } from "./labels.ts";
import { type MicroBatch, trainSteps } from "./loop.ts";
import { type MicroBatchParts, microBatch } from "./micro-batch.ts";
import { describePrepared, type Prepared, prepare } from "./prepare.ts";
import { ProbeReader } from "./probe-reader.ts";
import { ruleOf } from "./reader.ts";
import type { RunParts } from "./run-parts.ts";
import { learningRate, snapshotSteps } from "./schedule.ts";
import { RowStream } from "./stream.ts";
import { frozenFeeds, thetaFeeds } from "./trainable-adapter.ts";
import { decayMask } from "./trainables.ts";

/** What a run has come to. */
interface Progress {
  step: number;
  /** Loss of the last step. */
  loss: number;
  /** Tokens trained, of new and of earlier rows. */
  readonly tokens: Record<string, number>;
}

/** A training that is planned: everything is read, checked and laid out; nothing has run. */
export class PreparedRun {
  readonly plan: EnginePlan;
  private readonly job: TrainJob;
  private readonly parts: RunParts;
  private readonly prepared: Prepared;
  private readonly stream: RowStream;
  /** Columns of the evolution that are held out. */
  private readonly heldOut: readonly number[];

  private constructor(job: TrainJob, parts: RunParts, prepared: Prepared) {
    this.job = job;
    this.parts = parts;
    this.prepared = prepared;
    const { rows, recipe, tracked } = prepared;
    const { replay, seed, order } = recipe;
    this.stream = new RowStream({
      newRows: rows.fresh.length,
      earlierRows: rows.earlier.length,
      replay,
      seed,
      order,
    });
    const heldOut = new Set<string>(rows.heldOut.map((row) => row.id));
    this.heldOut = tracked.flatMap((row, column) => (heldOut.has(row.id) ? [column] : []));
    this.plan = describePrepared(prepared, this.stream.rowsPerEpoch);
  }

  /** Plans a run. Throws before anything runs. */
  static async prepare(job: TrainJob, parts: RunParts): Promise<PreparedRun> {
    return new PreparedRun(job, parts, await prepare(job, parts.scratch));
  }

  /** Trains from the start or from `job.resume`. `pauseAsked` is looked at after every step. */
  async *execute(pauseAsked: () => boolean): AsyncGenerator<EngineTrainEvent, TrainResult> {
    const { parts, job } = this;
    const { recipe, adapter, base, frozen, rows, tracked } = this.prepared;
    const resume = job.resume;
    const state = await this.startState();
    const shift = labelShift(recipe.task);
    const layers = [...frozen.map((f) => f.layers), adapter.layers];
    const { runtime, scratch } = parts;
    const pool = new GraphPool({
      base,
      adapters: layers,
      loss: recipe.loss,
      runtime,
      scratch,
      threads: job.threads,
    });
    const batching = new Batching(base, [...rows.fresh, ...rows.earlier, ...rows.heldOut]);
    const tensors: ReadonlyMap<string, HostTensor> = new Map([
      ...frozen.flatMap((f) => [...frozenFeeds(f)]),
      ...thetaFeeds(adapter.trainables, state.theta),
    ]);
    const reader = new ProbeReader({
      base,
      layers,
      pool,
      batching,
      tracked,
      classes: rows.classes,
      recipe,
      shift,
      parts,
      threads: job.threads,
      table: resume?.evolution,
    });
    const readings = new Set(snapshotSteps(recipe.max_steps, job.snapshotSteps));
    const progress: Progress = {
      step: resume?.step ?? 0,
      loss: resume?.lastLoss ?? 0,
      tokens: { ...(resume?.tokens ?? {}) },
    };
    const batchParts = {
      batching,
      pool,
      tensors,
      trainables: adapter.trainables,
      loss: recipe.loss,
      shift,
    };
    try {
      if (readings.has(progress.step)) yield* this.read(reader, progress.step, tensors);
      const steps = trainSteps({
        recipe,
        state,
        decay: decayMask(adapter.trainables),
        from: progress.step,
        nowMs: parts.nowMs,
        batches: async (done) => this.microBatches(done, batchParts, progress),
      });
      if (pauseAsked()) return this.outcome(progress, reader.table, []);
      for await (const step of steps) {
        progress.step = step.step;
        progress.loss = step.loss;
        yield {
          event: "step",
          step: step.step,
          steps: recipe.max_steps,
          loss: step.loss,
          grad_norm: step.gradNorm,
          learning_rate: step.learningRate,
          tokens: step.tokens,
          durationMs: step.durationMs,
          memoryBytes: parts.memoryBytes(),
        };
        if (readings.has(step.step)) yield* this.read(reader, step.step, tensors);
        const last = step.step === recipe.max_steps;
        const pausing = !last && pauseAsked();
        if (pausing || (!last && step.step % recipe.save_steps === 0)) {
          yield await this.checkpoint(progress, state, reader.table);
        }
        if (pausing) return this.outcome(progress, reader.table, []);
      }
      return this.outcome(progress, reader.table, await this.writeAdapter(state));
    } finally {
      await reader.close();
      await pool.close();
    }
  }

  private async startState(): Promise<OptimizerState> {
    const { theta } = this.prepared.adapter;
    const files = this.job.resume?.state;
    if (files !== undefined) {
      const state = await readState(this.parts.scratch, files, theta.length);
      for (const name of Object.values(files)) await this.parts.scratch.remove(name);
      return state;
    }
    return { theta, m: new Float32Array(theta.length), v: new Float32Array(theta.length) };
  }

  private get rule(): string {
    const { recipe, tracked } = this.prepared;
    return ruleOf(
      recipe.loss,
      tracked.some((row) => row.labels.dims.length > 0),
    );
  }

  private get rowsPerStep(): number {
    const { recipe } = this.prepared;
    return recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps;
  }

  private microBatches(done: number, parts: MicroBatchParts, progress: Progress): readonly MicroBatch[] {
    const { recipe, rows } = this.prepared;
    const size = recipe.per_device_train_batch_size;
    return Array.from({ length: recipe.gradient_accumulation_steps }, (_, micro) => {
      const drawn = this.stream.at((done * recipe.gradient_accumulation_steps + micro) * size, size);
      const chosen = drawn.map((row) => (row.from === "new" ? rows.fresh : rows.earlier)[row.index]!);
      drawn.forEach(({ from }, i) => {
        progress.tokens[from] = (progress.tokens[from] ?? 0) + realTokens(chosen[i]!);
      });
      return microBatch(chosen, parts);
    });
  }

  private async *read(
    reader: ProbeReader,
    step: number,
    tensors: ReadonlyMap<string, HostTensor>,
  ): AsyncGenerator<EngineTrainEvent> {
    const { recipe, tracked } = this.prepared;
    if (tracked.length === 0 || reader.table.steps.includes(step)) return;
    const started = this.parts.nowMs();
    const rate = step === 0 ? 0 : learningRate(recipe, step - 1);
    await reader.read(step, rate, step * this.rowsPerStep, tensors);
    const measured = this.heldOut.length > 0 ? this.heldOut : undefined;
    const summary = summarise(reader.table, reader.table.steps.length - 1, measured);
    if (!Number.isFinite(summary.loss)) {
      throw new IngotError(
        "input.tensor",
        `the loss of the tracked examples is ${summary.loss} after step ${step}`,
        {
          hint: step === 0 ? "check the model and the data" : "lower --lr; every ref is where it was",
          data: { where: `step ${step}` },
        },
      );
    }
    yield { event: "snapshot", ...summary, durationMs: this.parts.nowMs() - started };
  }

  private async checkpoint(
    progress: Progress,
    state: OptimizerState,
    table: EvolutionTable,
  ): Promise<EngineTrainEvent> {
    const { scratch, label } = this.parts;
    return {
      event: "checkpoint",
      step: progress.step,
      cursor: progress.step * this.rowsPerStep,
      files: await writeState(scratch, label, progress.step, state),
      ...(this.prepared.tracked.length === 0 ? {} : { evolution: table }),
      rule: this.rule,
      tokens: { ...progress.tokens },
      lastLoss: progress.loss,
    };
  }

  private async writeAdapter(state: OptimizerState): Promise<TrainResult["files"]> {
    const { recipe, adapter, base } = this.prepared;
    const { scratch, label } = this.parts;
    const lora =
      adapter.config === undefined
        ? undefined
        : {
            config: adapter.config,
            layers: adapter.layers,
            base,
            task: recipe.task,
            baseName: `ingot:${this.job.model.id}`,
          };
    const files = [];
    for (const [path, bytes] of adapterFiles(recipe.method, adapter.trainables, state.theta, lora)) {
      const name = `result-${label}-${path}`;
      await scratch.write(name, bytes);
      files.push({ path, name });
    }
    return files;
  }

  /** What came out; without files the run was paused, and its last event is the checkpoint to go on from. */
  private outcome(progress: Progress, table: EvolutionTable, files: TrainResult["files"]): TrainResult {
    const { recipe, tracked } = this.prepared;
    const measured = this.heldOut.length > 0 ? this.heldOut : undefined;
    const metric = (row: number) => {
      const { loss, accuracy } = summarise(table, row, measured);
      return { loss, accuracy, examples: measured?.length ?? tracked.length };
    };
    return {
      finished: files.length > 0,
      step: progress.step,
      loss: progress.loss,
      files,
      entry: recipe.method === "full" ? "model.safetensors" : "adapter_model.safetensors",
      method: recipe.method,
      rule: this.rule,
      heldOut: this.heldOut,
      tokens: progress.tokens,
      environment: this.parts.environment,
      ...(table.steps.length === 0
        ? {}
        : { evolution: table, metrics: { before: metric(0), after: metric(table.steps.length - 1) } }),
    };
  }
}
