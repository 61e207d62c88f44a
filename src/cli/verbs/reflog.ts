import { type ReflogEntry, reflog } from "../../commands/reflog.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";
import { openPaged } from "../pager.ts";
import { renderOperation } from "../render/operation.ts";

export async function run(call: Invocation): Promise<undefined> {
  const { args } = call;
  const context = await call.context();
  const ref = args.text("ref");
  const count = args.number("count");
  const entries = reflog(context, {
    ...(ref === undefined ? {} : { ref }),
    ...(count === undefined ? {} : { count }),
    all: args.flag("all"),
  });
  if (call.json) {
    const operations: ReflogEntry[] = [];
    for await (const entry of entries) operations.push(entry);
    await printJson(call, { operations });
    return;
  }
  const paged = await openPaged(call, context);
  try {
    for await (const entry of entries)
      await printLines(call, renderOperation(call.terminal.out, entry), paged.sink);
  } finally {
    await paged.close();
  }
}
