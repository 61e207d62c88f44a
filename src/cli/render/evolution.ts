import { oneLine } from "../../base/terminal-text.ts";
import type { EvolutionResult, EvolvedExample } from "../../commands/evolution.ts";
import type { Colour, Look } from "../terminal.ts";
import { formatChange, formatLoss, formatPercent } from "./format.ts";
import { sparkline } from "./train.ts";

const GLYPHS: Readonly<Record<string, readonly [unicode: string, ascii: string, colour: Colour]>> = {
  known: ["=", "=", "dim"],
  learned: ["▲", "^", "green"],
  wobbling: ["~", "~", "yellow"],
  regressed: ["▼", "v", "red"],
  struggling: ["!", "!", "red"],
  new: ["?", "?", "dim"],
};

/** Readings shown as bars; more are thinned out. */
const STRIP = 16;

/** Counts, every reading, and a line an example. */
export function renderEvolution(look: Look, result: EvolutionResult): string[] {
  const { readings, counts, categories } = result;
  const last = readings.at(-1);
  const { learned } = categories;
  const lines = [
    `${look.paint("yellow", result.version)}  ${readings.length} snapshots  ${result.tracked} examples tracked (probe), right = ${result.rule}`,
    `${percentOf(learned, result.tracked)} learned (${learned} of ${result.tracked}), ${categories.struggling} struggling, ${categories.notLearned} not learned`,
    Object.entries(counts)
      .filter(([, n]) => n > 0)
      .map(([status, n]) => `${status} ${n}`)
      .join("  "),
  ];
  if (last !== undefined) {
    const losses = readings.map((r) => r.loss);
    lines.push(
      `accuracy ${formatPercent(readings[0]!.accuracy)} to ${formatPercent(last.accuracy)} ${formatChange(look, last.accuracy - readings[0]!.accuracy, formatPercent(Math.abs(last.accuracy - readings[0]!.accuracy)), true)}  loss ${formatLoss(losses[0]!)} to ${formatLoss(last.loss)} ${sparkline(look, losses)}`,
    );
    lines.push(
      `since the snapshot before: ${last.improving} improving, ${last.regressing} regressing, ${last.stable} stable`,
    );
  }
  if (result.examples.length > 0) lines.push("");
  // One scale for all rows: a flat row draws flat.
  let highest = 0;
  for (const { loss } of result.examples)
    for (const value of loss) if (Number.isFinite(value)) highest = Math.max(highest, value);
  for (const example of result.examples)
    lines.push(
      exampleLine(
        look,
        example,
        readings.map((r) => r.step),
        highest,
      ),
    );
  if (result.examples.length > 0)
    lines.push(
      "",
      look.paint(
        "dim",
        `bars: loss, all on one scale from 0 to ${formatLoss(highest)}; one example: ingot evolution ${result.version} e:${result.examples[0]!.id.slice(0, 6)}`,
      ),
    );
  return lines;
}

function exampleLine(look: Look, example: EvolvedExample, steps: readonly number[], highest: number): string {
  const kept = thin(steps.length);
  const strip = kept
    .map((i) => (example.strip[i] ? (look.unicode ? "✓" : "+") : look.unicode ? "✗" : "-"))
    .join("");
  const bars = sparkOn(
    look,
    kept.map((i) => example.loss[i] ?? 0),
    highest,
  );
  const when = example.learnedAt === undefined ? "" : `learned at ${example.learnedAt}`;
  const text = oneLine(example.input);
  const [unicode, ascii, colour] = GLYPHS[example.status] ?? ["?", "?", "dim"];
  const head = `${look.paint(colour, `${look.unicode ? unicode : ascii} ${example.status.padEnd(10)}`)} e:${example.id.slice(0, 6)}  ${[bars, strip].filter((t) => t !== "").join(" ")}  ${when.padEnd(15)}`;
  return `${head} ${text.length > 44 ? `${text.slice(0, 43)}…` : text}`.trimEnd();
}

/** Indices of at most STRIP readings, first and last among them. */
function thin(count: number): readonly number[] {
  if (count <= STRIP) return Array.from({ length: count }, (_, i) => i);
  return Array.from({ length: STRIP }, (_, i) => Math.round((i * (count - 1)) / (STRIP - 1)));
}

const LEVELS = "▁▂▃▄▅▆▇█";

function sparkOn(look: Look, values: readonly number[], highest: number): string {
  if (!look.unicode || highest === 0) return "";
  return values
    .map(
      (v) =>
        LEVELS[Math.min(LEVELS.length - 1, Math.max(0, Math.round((v / highest) * (LEVELS.length - 1))))],
    )
    .join("");
}

function percentOf(part: number, whole: number): string {
  return whole === 0 ? "0 %" : `${Math.round((part / whole) * 100)} %`;
}

/** One example: its curve and every prediction. */
export function renderExample(look: Look, result: EvolutionResult, example: EvolvedExample): string[] {
  const right = look.unicode ? "✓" : "+";
  const wrong = look.unicode ? "✗" : "-";
  const lines = [
    `${example.status}  e:${example.id}  ${oneLine(example.at)}${example.heldOut ? "  held out" : ""}  ${result.version}`,
    `  input     ${oneLine(example.input)}`,
    `  expected  ${oneLine(example.expected)}`,
    `  loss ${sparkline(look, example.loss)}  ${example.learnedAt === undefined ? "wrong at the end" : `learned at ${example.learnedAt}`}`,
  ];
  for (const [i, { step }] of result.readings.entries()) {
    const isRight = example.strip[i] === true;
    const glyph = look.paint(isRight ? "green" : "red", isRight ? right : wrong);
    lines.push(
      `  at ${String(step).padStart(5)} ${glyph}  loss ${formatLoss(example.loss[i] ?? 0).padEnd(8)} confidence ${(example.confidence[i] ?? 0).toFixed(2)}  ${oneLine(example.predictions[i] ?? "")}`,
    );
  }
  return lines;
}
