import path from "node:path";
import { bug, IngotError } from "../../base/errors.ts";
import type { Oid } from "../../base/oid.ts";
import type { CheckpointRecord, Plain } from "../../objects/records.ts";
import { acquireLease, type Lease } from "../../repo/lease.ts";
import type { Repository } from "../../repo/repository.ts";
import { appendUserLog } from "../../storage/files.ts";
import { openScratch } from "../../storage/scratch.ts";
import type { TrainEvent } from "../../train/events.ts";
import type { EngineTrainEvent, TrainResult } from "../../train/job.ts";
import type { Context } from "../context.ts";
import { withScratch } from "../model-cache.ts";
import { repositoryStorage } from "../repository-storage.ts";
import { storeEvolution } from "./evolution-store.ts";
import type { Execution } from "./execution.ts";
import { publishResult } from "./publish-result.ts";
import { takeTurn } from "./turn.ts";

const BEAT_MS = 60_000;

/**
 * Trains what was planned: records the run before its first step, stores checkpoints, and ends in a version. Events come as
 * they happen and are the run's log file too. An abort of `context.signal` saves and ends with `paused`. A failure moves no ref
 * and ends with `failed`, then throws.
 */
export async function* executeTraining(context: Context, execution: Execution): AsyncGenerator<TrainEvent> {
  const repo = await context.openRepository();
  const storage = repositoryStorage(context);
  const turn = await takeTurn(context);
  let lease: Lease | undefined;
  try {
    await assertHead(repo, execution);
    const run = execution.resumed?.run ?? (await recordRun(context, repo, execution));
    lease = await acquireLease(storage, `run-${run}`, {
      clock: context.clock,
      random: context.random,
      command: context.commandLine,
      waitMs: 0,
    });
    const training = new Training(context, repo, execution, run, [turn, lease]);
    const log = path.join(context.root ?? bug("no repository"), ".ingot", "runs", run, "events.jsonl");
    const record = (event: TrainEvent) => appendUserLog(log, `${JSON.stringify(event)}\n`);
    if (execution.plan !== undefined) record({ event: "plan", ...execution.plan });
    for await (const event of training.events()) {
      record(event);
      yield event;
    }
  } finally {
    await lease?.release();
    await turn.release();
    await execution.engine.close();
  }
}

/** A training that waited for another one must not build on what HEAD has left. */
async function assertHead(repo: Repository, { head }: Execution): Promise<void> {
  if (head === undefined || (await repo.refs()).oid("HEAD") === head) return;
  throw new IngotError("conflict.ref", "HEAD moved to another version after this training was planned", {
    hint: "run the command again: it is planned anew on what HEAD is now",
    data: { where: "HEAD" },
  });
}

/** Records the run at step 0, so that any crash from here on is resumable. */
async function recordRun(context: Context, repo: Repository, execution: Execution): Promise<string> {
  const session = await repo.begin({ transient: true });
  let run = "";
  const base = (await repo.refs()).counter("run");
  // The record names its run, so it is written under the number that is expected; another number makes it anew.
  run = `t${base + 1}`;
  const oid = await session.putRecord(
    checkpointRecord(execution, run, { step: 0, cursor: 0, tokens: {}, lastLoss: 0, elapsedMs: 0 }, []),
  );
  await session.publish((refs, next) => {
    const number = next("run");
    if (`t${number}` !== run)
      throw new IngotError("conflict.ref", "another training was recorded meanwhile", {
        hint: "run the command again",
      });
    return {
      command: context.commandLine,
      housekeeping: true,
      edits: [
        {
          ref: `runs/${run}/0`,
          ...(refs.get(`runs/${run}/0`) === undefined ? {} : { old: refs.get(`runs/${run}/0`)! }),
          new: { oid },
        },
      ],
    };
  });
  return run;
}

interface Progress {
  readonly step: number;
  readonly cursor: number;
  readonly tokens: Readonly<Record<string, number>>;
  readonly lastLoss: number;
  readonly elapsedMs: number;
}

function checkpointRecord(
  execution: Execution,
  run: string,
  progress: Progress,
  timesMs: readonly number[],
  stored: Pick<CheckpointRecord, "state" | "evolution"> = {},
): CheckpointRecord {
  return {
    kind: "checkpoint",
    run,
    on: execution.start.commit,
    recipe: execution.recipe as CheckpointRecord["recipe"],
    plan: plain(execution.record) as CheckpointRecord["plan"],
    datasets: execution.record.datasets.map((d) => d.oid as Oid),
    step: progress.step,
    cursor: progress.cursor,
    random: { seed: Number(execution.recipe.seed), kind: "counter" },
    evolutionTimesMs: timesMs,
    progress: {
      tokens: progress.tokens,
      lastLoss: progress.lastLoss,
      elapsedMs: Math.round(progress.elapsedMs),
    },
    ...stored,
  };
}

/** A value as records hold it: no undefined. */
function plain(value: unknown): Plain {
  return JSON.parse(JSON.stringify(value)) as Plain;
}

type QueueItem =
  | { readonly event: EngineTrainEvent }
  | { readonly result: TrainResult }
  | { readonly error: unknown };

/** One training on its way. */
class Training {
  private readonly context: Context;
  private readonly repo: Repository;
  private readonly execution: Execution;
  private readonly run: string;
  private readonly leases: readonly Lease[];
  private readonly items: QueueItem[] = [];
  private wake: (() => void) | undefined;
  private step = 0;

  constructor(
    context: Context,
    repo: Repository,
    execution: Execution,
    run: string,
    leases: readonly Lease[],
  ) {
    this.context = context;
    this.repo = repo;
    this.execution = execution;
    this.run = run;
    this.leases = leases;
  }

  async *events(): AsyncGenerator<TrainEvent> {
    const { execution, context, run } = this;
    const steps = Number(execution.recipe.max_steps);
    const started = context.clock.monotonicMs() - (execution.resumed?.elapsedMs ?? 0);
    this.step = execution.resumed?.step ?? 0;
    const client = execution.engine.client;
    const pause = (): void => void client.request("train.pause", {}).catch(() => {});
    context.signal.addEventListener("abort", pause, { once: true });
    if (context.signal.aborted) pause();
    const beat = setInterval(() => void this.beat(), BEAT_MS);
    try {
      yield { event: "start", run, from: this.step, steps };
      client
        .request<TrainResult>("train.start", {}, (event: EngineTrainEvent) => this.push({ event }))
        .then(
          (result) => this.push({ result }),
          (error: unknown) => this.push({ error }),
        );
      for (;;) {
        const item = await this.next();
        if ("error" in item) throw item.error;
        if ("result" in item) {
          for (const lease of this.leases) await lease.assertHeld();
          yield await this.end(item.result, steps, context.clock.monotonicMs() - started);
          return;
        }
        yield await this.handle(item.event, context.clock.monotonicMs() - started);
      }
    } catch (error) {
      const code = error instanceof IngotError ? error.code : "bug";
      const message = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
      yield { event: "failed", code, message, step: this.step, resume: `ingot train --resume ${run}` };
      throw error;
    } finally {
      clearInterval(beat);
      context.signal.removeEventListener("abort", pause);
    }
  }

  private push(item: QueueItem): void {
    this.items.push(item);
    this.wake?.();
  }

  private async next(): Promise<QueueItem> {
    for (;;) {
      const item = this.items.shift();
      if (item !== undefined) return item;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  private async beat(): Promise<void> {
    try {
      for (const lease of this.leases) await lease.beat();
    } catch (error) {
      this.push({ error });
    }
  }

  private async handle(event: EngineTrainEvent, elapsedMs: number): Promise<TrainEvent> {
    if (event.event === "checkpoint")
      return { event: "checkpoint", step: event.step, id: await this.storeCheckpoint(event, elapsedMs) };
    if (event.event === "step") this.step = event.step;
    return event;
  }

  private async end(result: TrainResult, steps: number, durationMs: number): Promise<TrainEvent> {
    if (result.finished)
      return publishResult(this.context, this.repo, this.execution, this.run, result, durationMs);
    return {
      event: "paused",
      code: "paused.run",
      run: this.run,
      step: result.step,
      steps,
      resume: `ingot train --resume ${this.run}`,
    };
  }

  /** Stores a checkpoint as a pack of its own and drops those beyond the last few of the run, in one operation. */
  private async storeCheckpoint(
    event: Extract<EngineTrainEvent, { event: "checkpoint" }>,
    elapsedMs: number,
  ): Promise<Oid> {
    const { repo, execution, run, context } = this;
    for (const lease of this.leases) await lease.assertHeld();
    const scratch = await openScratch(execution.job.model.folder);
    const session = await repo.begin({ transient: true });
    try {
      const put = (name: string): Promise<Oid> =>
        withScratch(scratch, name, async (source) => (await session.putSource(source)).oid);
      const state = {
        theta: await put(event.files.theta),
        m: await put(event.files.m),
        v: await put(event.files.v),
      };
      const evolution =
        event.evolution === undefined || event.evolution.steps.length === 0
          ? undefined
          : await storeEvolution(
              session,
              event.evolution,
              execution.record.datasets.map((d) => d.oid as Oid),
              "exact",
            );
      const progress = {
        step: event.step,
        cursor: event.cursor,
        tokens: event.tokens,
        lastLoss: event.lastLoss,
        elapsedMs,
      };
      const oid = await session.putRecord(
        checkpointRecord(execution, run, progress, event.evolution?.timesMs ?? [], {
          state,
          ...(evolution === undefined ? {} : { evolution }),
        }),
      );
      const limit = Number(execution.recipe.save_total_limit);
      await session.publish((refs) => {
        const ref = `runs/${run}/${event.step}`;
        const mine = refs
          .list(`runs/${run}/`)
          .map(({ name, value }) => ({ name, value, step: Number(name.slice(name.lastIndexOf("/") + 1)) }));
        const kept = mine.filter((c) => c.step < event.step).sort((a, b) => b.step - a.step);
        const gone = [...kept.slice(limit - 1), ...mine.filter((c) => c.step > event.step)];
        const old = refs.get(ref);
        return {
          command: context.commandLine,
          housekeeping: true,
          edits: [
            { ref, ...(old === undefined ? {} : { old }), new: { oid } },
            ...gone.map((c) => ({ ref: c.name, old: c.value })),
          ],
        };
      });
      return oid;
    } catch (error) {
      await session.abort();
      throw error;
    } finally {
      for (const name of Object.values(event.files)) await scratch.remove(name);
    }
  }
}
