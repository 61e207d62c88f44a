import { checkoutFiles } from "../../commands/checkout-files.ts";
import type { Context } from "../../commands/context.ts";
import { stopForDryRun } from "../change.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";
import { count, formatBytes } from "../render/format.ts";

/** `checkout REV DIR`: writes files, moves nothing. */
export async function writeFilesOf(call: Invocation, context: Context, folder: string): Promise<undefined> {
  const { args } = call;
  const revision = args.text("rev") ?? "HEAD";
  if (await stopForDryRun(call, `would write the files of ${revision} to ${folder}`)) return;
  const result = await checkoutFiles(context, {
    revision,
    folder,
    withBase: args.flag("with-base"),
    overwrite: args.flag("force"),
  });
  const sizeBytes = result.files.reduce((sum, file) => sum + file.sizeBytes, 0);
  if (call.json) await printJson(call, result);
  else if (!call.quiet)
    await printLines(call, [
      `${result.version}: ${count(result.files.length, "file")}, ${formatBytes(sizeBytes)} in ${result.folder}`,
    ]);
}
