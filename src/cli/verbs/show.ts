import { show } from "../../commands/show.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";
import { openPaged } from "../pager.ts";
import { renderShown } from "../render/show.ts";

export async function run(call: Invocation): Promise<undefined> {
  const context = await call.context();
  const what = call.args.text("what");
  const shown = await show(context, what === undefined ? {} : { what });
  if (call.json) {
    await printJson(call, shown);
    return;
  }
  const paged = await openPaged(call, context);
  try {
    await printLines(call, renderShown(call.terminal.out, shown), paged.sink);
  } finally {
    await paged.close();
  }
}
