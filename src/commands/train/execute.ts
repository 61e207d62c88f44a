import path from "node:path";
import { bug, IngotError } from "../../base/errors.ts";
import { acquireLease, type Lease } from "../../repo/lease.ts";
import type { Repository } from "../../repo/repository.ts";
import { appendUserLog } from "../../storage/files.ts";
import type { TrainEvent } from "../../train/events.ts";
import type { EngineTrainEvent, TrainResult } from "../../train/job.ts";
import type { Context } from "../context.ts";
import { repositoryStorage } from "../repository-storage.ts";
import { recordRun, storeCheckpoint } from "./checkpoint-store.ts";
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
    if (event.event === "checkpoint") {
      const { context, repo, execution, run } = this;
      for (const lease of this.leases) await lease.assertHeld();
      const id = await storeCheckpoint(context, repo, execution, run, event, elapsedMs);
      return { event: "checkpoint", step: event.step, id };
    }
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
}
