import { status } from "../../commands/status.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";
import { renderStatus } from "../render/status.ts";

export async function run(call: Invocation): Promise<undefined> {
  const result = await status(await call.context());
  if (call.json) await printJson(call, result);
  else await printLines(call, renderStatus(call.terminal.out, result));
}
