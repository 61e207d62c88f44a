import { previewPush, push } from "../../commands/share.ts";
import { stopForDryRun } from "../change.ts";
import type { Invocation } from "../invocation.ts";
import { printLines } from "../output.ts";
import { renderChange } from "../render/operation.ts";
import { versionNames } from "../render/version-names.ts";
import { followTransfer, sizeText } from "../share-progress.ts";

export async function run(call: Invocation): Promise<undefined> {
  const { args } = call;
  const context = await call.context();
  const remote = args.text("remote");
  const options = {
    ...(remote === undefined ? {} : { remote }),
    refs: args.list("refs"),
    force: args.flag("force"),
  };
  const names = await versionNames(context);
  if (args.flag("dry-run")) {
    const preview = await previewPush(context, options);
    const lines = preview.refs.map((change) => renderChange(call.terminal.out, change, names));
    await stopForDryRun(
      call,
      [`would send ${sizeText(preview.missing)} to ${preview.remote}`, ...lines].join("\n"),
      preview,
    );
    return;
  }
  const done = await followTransfer(call, push(context, options), () => context.clock.monotonicMs());
  if (call.json || call.quiet) return;
  const moved = done.refs.map((change) => `  ${renderChange(call.terminal.out, change, names)}`);
  const renumbered = done.renumbered.map(({ from, to }) => `  note: ${from ?? "a version"} is ${to} there`);
  await printLines(call, [
    `${done.remote}: ${done.refs.length === 0 ? "up to date" : `${sizeText(done)} sent`}`,
    ...moved,
    ...renumbered,
  ]);
}
