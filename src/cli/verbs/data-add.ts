import { oneLine } from "../../base/terminal-text.ts";
import { addData, type DataAddResult } from "../../commands/data/add.ts";
import { stopForDryRun } from "../change.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";
import { count, formatCount } from "../render/format.ts";
import { readAll } from "../stdin.ts";

export async function run(call: Invocation): Promise<undefined> {
  const { args } = call;
  const context = await call.context();
  const paths = args.list("paths");
  if (await stopForDryRun(call, `would add ${paths.join(", ")}`)) return;
  const columns = Object.fromEntries(
    (["prompt", "completion", "text", "label"] as const).flatMap((column) => {
      const name = args.text(`${column}-col`);
      return name === undefined ? [] : [[column, name]];
    }),
  );
  const result = await addData(context, {
    paths,
    stdin: () => readAll(call.io.stdin),
    name: args.text("name"),
    as: args.text("as"),
    heldOut: args.text("eval"),
    dedupe: args.flag("dedupe"),
    skipBad: args.flag("skip-bad"),
    columns,
  });
  if (call.json) await printJson(call, result);
  else if (!call.quiet) await printLines(call, render(result));
  if (!call.json) call.note(`hint: ingot train ${result.name}`);
}

function render(result: DataAddResult): string[] {
  const facts = [
    `${count(result.examples, "example")} (${result.format})`,
    `${formatCount(result.train)} train`,
    result.heldOut > 0 ? `${formatCount(result.heldOut)} eval` : "",
    result.duplicates > 0 ? count(result.duplicates, "duplicate") : "",
    result.skipped > 0 ? `${count(result.skipped, "bad row")} left out` : "",
    result.tokens === undefined ? "" : `${formatCount(result.tokens)} tokens`,
    result.longest === undefined ? "" : `longest ${formatCount(result.longest)} tokens`,
  ];
  const name = `${oneLine(result.name)}${result.version > 1 ? `:v${result.version}` : ""}`;
  const lines = [
    `${name}  ${facts.filter((f) => f !== "").join("  ")}${result.unchanged ? "  (registered already)" : "     (undo: ingot undo)"}`,
  ];
  for (const seen of result.seen)
    if (seen.dataset !== result.dataset)
      lines.push(
        `note: ${count(seen.examples, "example")} of it ${seen.examples === 1 ? "is" : "are"} in ${oneLine(seen.name)} already`,
      );
  for (const file of result.files)
    if (file.known && !result.unchanged) lines.push(`note: the file ${oneLine(file.path)} was known already`);
  return lines;
}
