import { oneLine } from "../../base/terminal-text.ts";
import type { KeyDifference, VersionDiff } from "../../commands/diff.ts";
import type { Look } from "../terminal.ts";
import { formatChange, formatLoss, formatPercent, table } from "./format.ts";

/** Modules shown without `--weights`. */
const SHOWN_MODULES = 10;

/** What differs between two versions, as text; `a` on the left, `b` on the right. */
export function renderDiff(
  look: Look,
  d: VersionDiff,
  { allModules }: { readonly allModules: boolean },
): string[] {
  const lines = [
    `${d.a.version} ${d.a.commit.slice(0, 8)}  ${look.unicode ? "→" : "->"}  ${d.b.version} ${d.b.commit.slice(0, 8)}`,
  ];
  if (d.sameSnapshot) lines.push("the same model, byte for byte");
  if (!d.sameBase) lines.push(look.paint("yellow", "different base models"));
  if (d.a.metrics !== undefined && d.b.metrics !== undefined && d.metrics !== undefined) {
    lines.push(
      "",
      ...table([
        [
          "accuracy",
          formatPercent(d.a.metrics.accuracy),
          formatPercent(d.b.metrics.accuracy),
          formatChange(look, d.metrics.accuracy, formatPercent(Math.abs(d.metrics.accuracy)), true),
        ],
        [
          "loss",
          formatLoss(d.a.metrics.loss),
          formatLoss(d.b.metrics.loss),
          formatChange(look, d.metrics.loss, formatLoss(Math.abs(d.metrics.loss)), false),
        ],
      ]),
    );
    if (d.a.metrics.examples !== d.b.metrics.examples)
      lines.push(
        look.paint(
          "dim",
          `measured on ${d.a.metrics.examples} and ${d.b.metrics.examples} examples: not the same ones`,
        ),
      );
  }
  lines.push(
    ...section("recipe", keyLines(look, d.recipe)),
    ...section("environment", keyLines(look, d.environment)),
  );
  const data = [
    ...d.data.onlyA.map(({ name, dataset }) =>
      look.paint("red", `    - ${oneLine(name)}  ${dataset.slice(0, 8)}`),
    ),
    ...d.data.onlyB.map(({ name, dataset }) =>
      look.paint("green", `    + ${oneLine(name)}  ${dataset.slice(0, 8)}`),
    ),
  ];
  lines.push(...section("data", data));
  const shown = allModules ? d.weights : d.weights.slice(0, SHOWN_MODULES);
  const modules = table(
    shown.map((m) => [
      `    ${oneLine(m.module)}`,
      `|a| ${norm(m.normA)}`,
      `|b| ${norm(m.normB)}`,
      `|b-a| ${norm(m.normDifference)}`,
    ]),
  );
  if (shown.length < d.weights.length)
    modules.push(`    and ${d.weights.length - shown.length} more     (use --weights)`);
  lines.push(...section("weights by module", modules));
  if (lines.length === 1) lines.push("no difference");
  return lines;
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", title, ...lines];
}

function keyLines(look: Look, differences: readonly KeyDifference[]): string[] {
  const text = (value: unknown) =>
    value === undefined ? "unset" : oneLine(typeof value === "string" ? value : JSON.stringify(value));
  return table(
    differences.map(({ key, a, b }) => [
      `    ${oneLine(key)}`,
      `${text(a)} ${look.unicode ? "→" : "->"} ${text(b)}`,
    ]),
  );
}

function norm(value: number | undefined): string {
  return value === undefined ? "none" : value.toPrecision(4);
}
