import { diff } from "../../commands/diff.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";
import { renderDiff } from "../render/diff.ts";

export async function run(call: Invocation): Promise<undefined> {
  const { args } = call;
  const b = args.text("b");
  const result = await diff(await call.context(), {
    a: args.required("a"),
    ...(b === undefined ? {} : { b }),
  });
  if (call.json) await printJson(call, result);
  else await printLines(call, renderDiff(call.terminal.out, result, { allModules: args.flag("weights") }));
}
