import { oneLine } from "../../base/terminal-text.ts";
import { removeRemote } from "../../commands/remote.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";

export async function run(call: Invocation): Promise<undefined> {
  const remote = await removeRemote(await call.context(), call.args.required("name"));
  if (call.json) await printJson(call, remote);
  else if (!call.quiet)
    await printLines(call, [`${remote.name} is forgotten; what lies in ${oneLine(remote.url)} stays there`]);
}
