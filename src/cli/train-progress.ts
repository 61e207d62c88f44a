import type { TrainEvent } from "../train/events.ts";
import type { Invocation } from "./invocation.ts";
import { lastingLines, type StepHistory, stepLine } from "./render/train.ts";

/** A live line is drawn at most this often, a plain one at most this seldom. */
const FRAME_MS = 100;
const PLAIN_MS = 10_000;
const PLAIN_SHARE = 0.05;
const SPARK_POINTS = 12;

/** Draws a training on stderr: one live line on a terminal, a line now and then in a pipe. */
export interface TrainProgress {
  show(event: TrainEvent): Promise<void>;
  /** Clears the live line, so that other text can follow. */
  pause(): Promise<void>;
}

/** Draws the events of a training on stderr: a live line on a terminal, a line now and then elsewhere. */
export function trainProgress(call: Invocation, nowMs: () => number): TrainProgress {
  const look = call.terminal.err;
  const { stderr } = call.io;
  const live = look.isTTY && !call.quiet;
  let history: StepHistory = { losses: [], tokens: 0, elapsedMs: 0, steps: 0 };
  let drawnMs = Number.NEGATIVE_INFINITY;
  let drawnShare = 0;
  let isDrawn = false;

  const clear = async () => {
    if (isDrawn) await stderr.write("\r\x1b[2K");
    isDrawn = false;
  };
  const step = async (event: Extract<TrainEvent, { event: "step" }>) => {
    history = {
      losses: [...history.losses, event.loss].slice(-SPARK_POINTS),
      tokens: history.tokens + event.tokens,
      elapsedMs: history.elapsedMs + event.durationMs,
      steps: history.steps + 1,
    };
    if (call.quiet) return;
    const isLast = event.step >= event.steps;
    const sinceMs = nowMs() - drawnMs;
    const share = event.step / event.steps;
    const isDue = live ? sinceMs >= FRAME_MS : sinceMs >= PLAIN_MS || share - drawnShare >= PLAIN_SHARE;
    if (!isDue && !isLast) return;
    drawnMs = nowMs();
    drawnShare = share;
    const line = stepLine(look, event, history);
    if (!live) await stderr.write(`${line}\n`);
    else {
      await stderr.write(`\r\x1b[2K${line.slice(0, look.width - 1)}`);
      isDrawn = true;
    }
  };
  return {
    show: async (event) => {
      if (event.event === "step") return step(event);
      // The result is what was asked for: it goes to stdout, by the verb.
      if (
        event.event === "done" ||
        event.event === "paused" ||
        event.event === "failed" ||
        event.event === "plan"
      )
        return clear();
      if (call.quiet && event.event !== "warning") return;
      const lines = lastingLines(look, event);
      if (lines.length === 0) return;
      await clear();
      await stderr.write(`${lines.join("\n")}\n`);
    },
    pause: clear,
  };
}
