import { oneLine } from "../../base/terminal-text.ts";
import { addRemote } from "../../commands/remote.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";

export async function run(call: Invocation): Promise<undefined> {
  const remote = await addRemote(await call.context(), {
    name: call.args.required("name"),
    url: call.args.required("url"),
  });
  if (call.json) await printJson(call, remote);
  else if (!call.quiet) await printLines(call, [`${remote.name}  ${oneLine(remote.url)}`]);
  call.note(`hint: ingot push ${remote.name}`);
}
