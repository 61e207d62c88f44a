import { oneLine } from "../../base/terminal-text.ts";
import { listRemotes } from "../../commands/remote.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";
import { table } from "../render/format.ts";

export async function run(call: Invocation): Promise<undefined> {
  const context = await call.context();
  await context.openRepository();
  const remotes = listRemotes(context);
  if (call.json) await printJson(call, { remotes }, "remote");
  else await printLines(call, table(remotes.map(({ name, url }) => [name, oneLine(url)])));
  if (remotes.length === 0) call.note("no remote yet; hint: ingot remote add origin FOLDER");
}
