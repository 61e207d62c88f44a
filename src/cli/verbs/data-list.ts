import { oneLine } from "../../base/terminal-text.ts";
import { type DatasetSummary, listData } from "../../commands/data/list.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";
import { count, formatBytes, formatCount, table } from "../render/format.ts";

export async function run(call: Invocation): Promise<undefined> {
  const datasets = await listData(await call.context());
  if (call.json) {
    await printJson(call, { datasets });
    return;
  }
  await printLines(call, table(datasets.map(row)));
  if (datasets.length === 0) call.note("no data yet; hint: ingot data add FILE");
}

function row(d: DatasetSummary): string[] {
  const trained = d.trainedIn.length === 0 ? "not yet trained" : `trained in ${d.trainedIn.join(", ")}`;
  return [
    `${oneLine(d.name)}:v${d.version}`,
    d.dataset.slice(0, 8),
    count(d.examples, "example"),
    d.heldOut > 0 ? `${formatCount(d.heldOut)} eval` : "",
    d.format,
    formatBytes(d.sizeBytes),
    trained,
  ];
}
