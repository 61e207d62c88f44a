import { oneLine } from "../../base/terminal-text.ts";
import type { LogEntry } from "../../commands/log.ts";
import type { Look } from "../terminal.ts";
import { count, formatChange, formatLoss, formatPercent, formatTime } from "./format.ts";
import { Graph } from "./graph.ts";

export interface LogLook {
  readonly graph: boolean;
  readonly oneline: boolean;
  /** Short name of the branch HEAD is on. */
  readonly branch: string | undefined;
}

/** A renderer of `log`: give it the entries in order, it gives the lines of each. */
export function logRenderer(
  look: Look,
  { graph, oneline, branch }: LogLook,
): (entry: LogEntry) => readonly string[] {
  const drawing = graph ? new Graph(look.unicode) : undefined;
  let first = true;
  return (entry) => {
    const lines = oneline ? [shortLine(look, entry, branch)] : longLines(look, entry, branch);
    if (drawing === undefined) {
      const gap = !oneline && !first ? [""] : [];
      first = false;
      return [...gap, ...lines];
    }
    const { before, node, rest } = drawing.next(entry, glyphOf(look, entry));
    const [head, ...others] = lines;
    const tail = oneline ? [] : [...others, ""];
    return [...before, `${node} ${head}`, ...tail.map((line) => `${rest} ${line}`.trimEnd())];
  };
}

function glyphOf(look: Look, entry: LogEntry): string {
  if (entry.refs.includes("HEAD")) return "@";
  if (entry.aside !== undefined) return look.unicode ? "✗" : "x";
  if (entry.recipe === undefined && entry.parents.length === 0) return look.unicode ? "◇" : "o";
  return look.unicode ? "○" : "*";
}

/** `(HEAD -> main, staging)`; empty where no ref points here. */
export function refsText(
  look: Look,
  entry: Pick<LogEntry, "refs" | "aside" | "dropped">,
  branch: string | undefined,
): string {
  const onBranch = branch !== undefined && entry.refs.includes("HEAD") && entry.refs.includes(branch);
  const names = entry.refs.flatMap((name) => {
    if (name === "HEAD") return [look.paint("cyan", onBranch ? `HEAD -> ${branch}` : "HEAD")];
    if (onBranch && name === branch) return [];
    return [look.paint(name === "production" || name === "staging" ? "magenta" : "green", oneLine(name))];
  });
  if (entry.aside !== undefined) names.push(look.paint("red", "aside"));
  if (entry.dropped === true) names.push(look.paint("dim", "deleted"));
  return names.length === 0 ? "" : `(${names.join(", ")})`;
}

/** `accuracy 71.0 ▲+38.2  loss 0.96 ▼-0.40`; empty where nothing was measured. */
export function metricsText(look: Look, { before, after }: LogEntry["metrics"]): string {
  if (after === undefined) return "";
  const accuracy =
    before === undefined
      ? ""
      : ` ${formatChange(look, rounded(after.accuracy - before.accuracy, 3), formatPercent(Math.abs(after.accuracy - before.accuracy)), true)}`;
  const loss =
    before === undefined
      ? ""
      : ` ${formatChange(look, rounded(after.loss - before.loss, 4), formatLoss(Math.abs(after.loss - before.loss)), false)}`;
  return `accuracy ${formatPercent(after.accuracy)}${accuracy}  loss ${formatLoss(after.loss)}${loss}`;
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function shortLine(look: Look, entry: LogEntry, branch: string | undefined): string {
  const parts = [
    look.paint("yellow", entry.version),
    look.paint("dim", entry.commit.slice(0, 8)),
    refsText(look, entry, branch),
    oneLine(entry.message),
    metricsText(look, entry.metrics),
  ];
  return parts.filter((part) => part !== "").join("  ");
}

function longLines(look: Look, entry: LogEntry, branch: string | undefined): string[] {
  const head = [
    look.paint("yellow", entry.version),
    look.paint("dim", entry.commit.slice(0, 8)),
    refsText(look, entry, branch),
    metricsText(look, entry.metrics),
  ];
  const data = entry.datasets.filter((d) => d.role === "train").map((d) => oneLine(d.name));
  const facts = [
    formatTime(entry.time),
    oneLine(entry.author),
    entry.parentVersions.length === 0 ? "" : `on ${entry.parentVersions.join(", ")}`,
    data.length === 0 ? "" : `data ${[...new Set(data)].join(", ")}`,
    entry.training === undefined ? "" : count(entry.training.steps, "step"),
  ];
  const lines = [
    head.filter((part) => part !== "").join("  "),
    `    ${look.paint("dim", facts.filter((part) => part !== "").join("  "))}`,
  ];
  if (entry.message !== "") lines.push(`    ${oneLine(entry.message)}`);
  if (entry.aside !== undefined) lines.push(`    ${look.paint("red", "aside:")} ${oneLine(entry.aside)}`);
  return lines;
}
