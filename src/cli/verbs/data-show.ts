import { oneLine } from "../../base/terminal-text.ts";
import { showData } from "../../commands/data/list.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";
import { formatBytes, formatCount, table } from "../render/format.ts";

export async function run(call: Invocation): Promise<undefined> {
  const count = call.args.number("count");
  const data = await showData(await call.context(), {
    data: call.args.required("data"),
    ...(count === undefined ? {} : { count }),
  });
  if (call.json) {
    await printJson(call, data);
    return;
  }
  const trained = data.trainedIn.length === 0 ? "not yet trained" : `trained in ${data.trainedIn.join(", ")}`;
  await printLines(call, [
    `${call.terminal.out.paint("yellow", `${oneLine(data.name)}:v${data.version}`)} ${data.dataset}`,
    `${formatCount(data.train)} train  ${formatCount(data.heldOut)} eval  ${data.format}  ${trained}`,
    "",
    ...table(
      data.files.map((file) => [
        `    ${oneLine(file.path)}`,
        formatBytes(file.sizeBytes),
        file.id.slice(0, 8),
      ]),
    ),
    ...data.firstExamples.flatMap((e) => [
      "",
      `e:${e.id.slice(0, 6)}  ${oneLine(e.at)}`,
      `    ${oneLine(e.input).slice(0, 200)}`,
      `    ${oneLine(e.expected).slice(0, 200)}`,
    ]),
  ]);
}
