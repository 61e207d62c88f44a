import { type ReflogEntry, reflog } from "../../commands/reflog.ts";
import { previewUndo, undo } from "../../commands/undo.ts";
import { stopForDryRun, UNDO_HINT } from "../change.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";
import { renderChange, renderOperation } from "../render/operation.ts";
import { versionNames } from "../render/version-names.ts";

const LISTED = 20;

export async function run(call: Invocation): Promise<undefined> {
  const { args } = call;
  const context = await call.context();
  if (args.flag("list")) return list(call);
  const operation = args.number("op");
  const options = { ...(operation === undefined ? {} : { operation }), redo: args.flag("redo") };
  const before = await versionNames(context);
  const show = (refs: Parameters<typeof renderChange>[1][], names: Readonly<Record<string, string>>) =>
    refs.map((change) => `  ${renderChange(call.terminal.out, change, names)}`);
  if (args.flag("dry-run")) {
    const plan = await previewUndo(context, options);
    await stopForDryRun(
      call,
      [
        `would take back ${plan.undone.operation}: ${plan.undone.command}`,
        ...show([...plan.refs], before),
      ].join("\n"),
      plan,
    );
    return;
  }
  const result = await undo(context, options);
  if (call.json) await printJson(call, result);
  else if (!call.quiet)
    await printLines(call, [
      `took back ${result.undone.operation}: ${result.undone.command}     ${UNDO_HINT}`,
      ...show([...result.refs], { ...before, ...(await versionNames(context)) }),
    ]);
}

async function list(call: Invocation): Promise<undefined> {
  const operations: ReflogEntry[] = [];
  for await (const entry of reflog(await call.context(), { count: LISTED })) operations.push(entry);
  if (call.json) await printJson(call, { operations });
  else
    await printLines(
      call,
      operations.flatMap((entry) => renderOperation(call.terminal.out, entry)),
    );
}
