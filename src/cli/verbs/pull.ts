import { pull } from "../../commands/share.ts";
import { UNDO_HINT } from "../change.ts";
import type { Invocation } from "../invocation.ts";
import { printLines } from "../output.ts";
import { renderChange } from "../render/operation.ts";
import { versionNames } from "../render/version-names.ts";
import { followTransfer, sizeText } from "../share-progress.ts";

export async function run(call: Invocation): Promise<undefined> {
  const context = await call.context();
  const remote = call.args.text("remote");
  const done = await followTransfer(call, pull(context, remote === undefined ? {} : { remote }), () =>
    context.clock.monotonicMs(),
  );
  if (call.json || call.quiet) return;
  const names = await versionNames(context);
  const shown = done.refs.filter((change) => !change.name.startsWith("about/"));
  const moved = shown.map((change) => `  ${renderChange(call.terminal.out, change, names)}`);
  const renumbered = done.renumbered.map(
    ({ from, to }) => `  note: what is ${from ?? "unnamed"} there is ${to} here`,
  );
  await printLines(call, [
    done.refs.length === 0
      ? `${done.remote}: nothing new`
      : `${done.remote}: ${sizeText(done)} fetched     ${UNDO_HINT}`,
    ...moved,
    ...renumbered,
  ]);
}
