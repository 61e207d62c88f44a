import { oneLine } from "../../base/terminal-text.ts";
import type { Shown, ShownFile, ShownObject, ShownVersion } from "../../commands/show.ts";
import type { ModelDescription } from "../../commands/show-model.ts";
import type { Look } from "../terminal.ts";
import { count, formatBytes, formatCount, formatDuration, formatTime, table } from "./format.ts";
import { metricsText, refsText } from "./log.ts";

/** One thing in full, as text. */
export function renderShown(look: Look, shown: Shown): string[] {
  return shown.kind === "commit" ? renderVersion(look, shown) : renderObject(look, shown);
}

function renderVersion(look: Look, v: ShownVersion): string[] {
  const rows: string[][] = [
    ["id", v.id],
    ["snapshot", v.snapshot],
    ["made", `${formatTime(v.time)} by ${oneLine(v.author)}`],
    ["builds on", v.parentVersions.length === 0 ? "nothing: it is a base" : v.parentVersions.join(", ")],
  ];
  if (v.children.length > 0) rows.push(["built on it", v.children.map((c) => c.version).join(", ")]);
  for (const d of v.datasets)
    rows.push([
      d.role === "train" ? "trained on" : "replayed",
      `${oneLine(d.name)}  ${d.dataset.slice(0, 8)}  ${formatCount(d.tokens)} tokens`,
    ]);
  const metrics = metricsText(look, v.metrics);
  if (metrics !== "")
    rows.push(["measured", `${metrics}  on ${count(v.metrics.after!.examples, "example")}`]);
  if (v.training !== undefined)
    rows.push([
      "training",
      `${v.training.run}  ${v.training.steps} steps  last loss ${v.training.loss.toPrecision(4)}  ${formatDuration(v.training.durationMs)}`,
    ]);
  if (v.aside !== undefined) rows.push(["aside", oneLine(v.aside)]);
  const head = [look.paint("yellow", v.version), refsText(look, v, undefined), v.active ? "active" : ""]
    .filter((t) => t !== "")
    .join("  ");
  const lines = [head, ...(v.message === "" ? [] : [`    ${oneLine(v.message)}`]), "", ...table(rows)];
  lines.push("", `base ${v.base.model.slice(0, 8)}`, ...fileLines(v.base.files, v.base.entry));
  for (const adapter of v.adapters)
    lines.push(
      "",
      `adapter ${adapter.id.slice(0, 8)}  ${adapter.method}`,
      ...fileLines(adapter.files, adapter.entry),
    );
  if (v.base.description !== undefined) lines.push("", ...describeLines(v.base.description));
  if (v.recipe !== undefined) lines.push("", "recipe", ...keyLines(v.recipe));
  lines.push("", "environment", ...keyLines(v.environment));
  return lines;
}

function renderObject(look: Look, shown: ShownObject): string[] {
  const lines = [
    `${look.paint("yellow", shown.kind)} ${shown.id}  ${formatBytes(shown.sizeBytes)}${shown.names.length === 0 ? "" : `  (${shown.names.map(oneLine).join(", ")})`}`,
  ];
  if (shown.record !== undefined) {
    const { kind: _, ...fields } = shown.record;
    const plain = Object.fromEntries(Object.entries(fields).filter(([, value]) => typeof value !== "object"));
    lines.push("", ...keyLines(plain));
  }
  if (shown.references.length > 0)
    lines.push(
      "",
      "refers to",
      ...table(shown.references.slice(0, 200).map((r) => [`    ${oneLine(r.field)}`, r.kind, r.id])),
    );
  if (shown.references.length > 200)
    lines.push(`    and ${shown.references.length - 200} more     (use --json)`);
  if (shown.description !== undefined) lines.push("", ...describeLines(shown.description));
  return lines;
}

function fileLines(files: readonly ShownFile[], entry: string): string[] {
  return table(
    files.map((f) => [
      `    ${oneLine(f.path)}`,
      formatBytes(f.sizeBytes),
      f.id.slice(0, 8),
      f.path === entry ? "entry" : "",
    ]),
  );
}

function describeLines({ parameters, modules }: ModelDescription): string[] {
  return [
    `${formatCount(parameters)} parameters; ${count(modules.length, "module")} that can carry an adapter`,
    ...table(modules.map((m) => [`    ${oneLine(m.path)}`, m.kind, `${m.inFeatures} -> ${m.outFeatures}`])),
  ];
}

function keyLines(fields: Readonly<Record<string, unknown>>): string[] {
  return table(
    Object.entries(fields)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => [
        `    ${oneLine(key)}`,
        oneLine(typeof value === "string" ? value : (JSON.stringify(value) ?? "")),
      ]),
  );
}
