import { oneLine } from "../../base/terminal-text.ts";
import type { TrainEvent, TrainPlan } from "../../train/events.ts";
import type { Look } from "../terminal.ts";
import {
  count,
  formatBytes,
  formatCount,
  formatDuration,
  formatLoss,
  formatMagnitude,
  formatPercent,
} from "./format.ts";
import { metricsText } from "./log.ts";

type EventOf<Name extends TrainEvent["event"]> = Extract<TrainEvent, { event: Name }>;

/** The plan as a person reads it before saying yes: what, how long, how much, and every check. */
export function planLines(look: Look, plan: TrainPlan): string[] {
  const { base, estimates } = plan;
  const on = base.isBase ? `from the base (${base.version})` : `builds on ${base.version}`;
  const lines = [`${look.paint("bold", plan.next)} ${on}, ${plan.method}`];
  for (const d of plan.datasets) {
    const facts = [`${formatCount(d.examples)} examples`];
    if (d.role === "train" && d.newExamples < d.examples)
      facts.push(`${formatCount(d.newExamples)} of them new`);
    if (d.heldOut > 0) facts.push(`${formatCount(d.heldOut)} held out`);
    lines.push(`  ${d.role === "train" ? "data" : "replay"} ${oneLine(d.name)}: ${facts.join(", ")}`);
  }
  lines.push(
    `  ${formatMagnitude(plan.parameters.trainable)} of ${formatMagnitude(plan.parameters.trainable + plan.parameters.frozen)} parameters trained, in ${count(plan.targets.length, "kind")} of module`,
  );
  lines.push(
    `  ${formatCount(plan.steps)} steps, ${formatCount(plan.tokens)} tokens, about ${formatDuration(estimates.durationMs)}, at least ${formatBytes(estimates.memoryBytes)} of memory, ${formatBytes(estimates.diskBytes)} of disk`,
  );
  lines.push(
    `  ${formatCount(plan.probe.examples)} of ${formatCount(plan.probe.of)} examples tracked (probe)`,
  );
  for (const note of plan.notes) lines.push(`  note: ${oneLine(note)}`);
  const passed = plan.checks.filter((check) => check.ok).length;
  lines.push(`  ${passed} of ${plan.checks.length} checks pass`);
  for (const check of plan.checks) {
    const glyph = check.ok ? (look.unicode ? "✓" : "ok") : look.unicode ? "✗" : "FAILED";
    lines.push(
      `    ${look.paint(check.ok ? "green" : "red", glyph)} ${oneLine(check.name)}${check.detail === "" ? "" : `  ${oneLine(check.detail)}`}`,
    );
  }
  return lines;
}

const LEVELS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/** The last values as bars, on the scale of those shown; empty where only ASCII may be drawn. */
export function sparkline(look: Look, values: readonly number[]): string {
  if (!look.unicode || values.length < 2) return "";
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return values
    .map((v) => LEVELS[high === low ? 0 : Math.round(((v - low) / (high - low)) * (LEVELS.length - 1))])
    .join("");
}

/** What the progress line needs to remember of the steps so far. */
export interface StepHistory {
  readonly losses: readonly number[];
  /** Sum over this session. */
  readonly tokens: number;
  readonly elapsedMs: number;
  readonly steps: number;
}

/** `train 214/400  53%  loss 1.12 ▇▅▄▃▂▂  1 380 tok/s  2.9 GB  eta 1m58s` */
export function stepLine(look: Look, event: EventOf<"step">, history: StepHistory): string {
  const perStepMs = history.steps === 0 ? event.durationMs : history.elapsedMs / history.steps;
  const rate = history.elapsedMs === 0 ? 0 : history.tokens / (history.elapsedMs / 1000);
  const parts = [
    `train ${event.step}/${event.steps}`,
    `${Math.floor((event.step / event.steps) * 100)}%`.padStart(4),
    `loss ${formatLoss(event.loss)}`,
    sparkline(look, history.losses),
    rate === 0 ? "" : `${formatCount(rate)} tok/s`,
    event.memoryBytes === undefined ? "" : formatBytes(event.memoryBytes),
    event.step >= event.steps ? "" : `eta ${formatDuration(perStepMs * (event.steps - event.step))}`,
  ];
  return parts.filter((part) => part !== "").join("  ");
}

/** The lines that stay of an event; a step leaves none. */
export function lastingLines(look: Look, event: TrainEvent): readonly string[] {
  switch (event.event) {
    case "start":
      return event.from === 0
        ? [`${event.run} started`]
        : [`${event.run} from step ${event.from}, same seed and order`];
    case "snapshot":
      return [snapshotLine(look, event)];
    case "warning":
      return [`${look.paint("yellow", "warning:")} ${oneLine(event.message)}`];
    case "done":
      return doneLines(look, event);
    case "paused":
      return [`${event.run} paused at ${event.step} of ${event.steps}; go on with: ${event.resume}`];
    default:
      return [];
  }
}

function snapshotLine(look: Look, e: EventOf<"snapshot">): string {
  const moved = [
    `${e.learned} learned`,
    e.regressed > 0 ? look.paint("red", `${e.regressed} regressed`) : "0 regressed",
  ];
  return `  snapshot at ${e.step}  accuracy ${formatPercent(e.accuracy)}  loss ${formatLoss(e.loss)}  ${e.correct} of ${e.examples} right  ${moved.join("  ")}`;
}

function doneLines(look: Look, e: EventOf<"done">): string[] {
  const statuses = Object.entries(e.statuses ?? {})
    .filter(([, n]) => n > 0)
    .map(([name, n]) => `${name} ${n}`);
  const where = e.aside === undefined ? (e.branch ?? "") : "kept aside";
  const metrics =
    e.metrics?.after === undefined ? `loss ${formatLoss(e.loss)}` : metricsText(look, e.metrics);
  const head = [
    `${look.paint("yellow", e.version)} ${e.commit.slice(0, 8)}`,
    where,
    metrics,
    ...statuses,
    formatDuration(e.durationMs),
    `adapter ${formatBytes(e.adapterBytes)}`,
  ];
  const lines = [`${head.filter((part) => part !== "").join("  ")}     (undo: ingot undo)`];
  if (e.aside === undefined && e.branch === undefined) {
    lines.push(`no branch moved, HEAD stands elsewhere; to build on it: ingot checkout ${e.version}`);
  }
  if (e.aside !== undefined) {
    lines.push(`${look.paint("yellow", "aside:")} ${oneLine(e.aside)}; no branch moved`);
    lines.push(
      `hint: look  ingot evolution ${e.version} --status regressed    keep  ingot branch NAME ${e.version}    drop  ingot rm ${e.version}`,
    );
  }
  return lines;
}
