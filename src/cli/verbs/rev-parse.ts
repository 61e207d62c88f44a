import { revParse } from "../../commands/rev-parse.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";

export async function run(call: Invocation): Promise<undefined> {
  const revisions = await revParse(await call.context(), call.args.list("rev"));
  if (call.json) await printJson(call, { revisions });
  else
    await printLines(
      call,
      revisions.map(({ id }) => id),
    );
}
