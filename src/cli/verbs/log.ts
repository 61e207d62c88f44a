import { IngotError } from "../../base/errors.ts";
import { type LogEntry, log } from "../../commands/log.ts";
import { readHead } from "../../commands/versions.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";
import { openPaged } from "../pager.ts";
import { logRenderer } from "../render/log.ts";

export async function run(call: Invocation): Promise<undefined> {
  const { args } = call;
  const context = await call.context();
  if (await wantsFullScreen(call)) {
    const { openLog } = await import("../../tui/main.ts");
    await openLog(context);
    return;
  }
  const count = args.number("count");
  const range = args.text("range");
  const entries = log(context, {
    ...(range === undefined ? {} : { range }),
    ...(count === undefined ? {} : { count }),
  });
  if (call.json) {
    const versions: LogEntry[] = [];
    for await (const entry of entries) versions.push(entry);
    await printJson(call, { versions });
    return;
  }
  const { branch } = readHead(await (await context.openRepository()).refs());
  const render = logRenderer(call.terminal.out, {
    graph: args.flag("graph"),
    oneline: args.flag("oneline"),
    branch,
  });
  const paged = await openPaged(call, context);
  try {
    let any = false;
    for await (const entry of entries) {
      any = true;
      await printLines(call, render(entry), paged.sink);
    }
    if (!any && count !== 0) call.note("no version yet; hint: ingot import PATH");
  } finally {
    await paged.close();
  }
}

async function wantsFullScreen(call: Invocation): Promise<boolean> {
  const { args, io, terminal } = call;
  const canDraw = io.stdout.isTTY && io.stdin.isTTY;
  if (args.flag("interactive")) {
    if (!canDraw || call.json)
      throw new IngotError("usage.flag", "'-i' needs a terminal", { hint: "ingot log" });
    return true;
  }
  const isPlain =
    call.json || args.flag("graph") || args.flag("oneline") || args.has("count") || args.has("range");
  return (
    canDraw && terminal.canAsk && !isPlain && (await call.context()).settings.flag("log.interactive") === true
  );
}
