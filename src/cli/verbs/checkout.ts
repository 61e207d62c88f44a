import { IngotError } from "../../base/errors.ts";
import { checkout } from "../../commands/checkout.ts";
import { stopForDryRun, UNDO_HINT } from "../change.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";

export async function run(call: Invocation): Promise<undefined> {
  const { args } = call;
  const context = await call.context();
  const dir = args.text("dir");
  const newBranch = args.text("branch") ?? args.text("create");
  const revision = args.text("rev");
  if (dir !== undefined) {
    const { writeFilesOf } = await import("./checkout-files.ts");
    return writeFilesOf(call, context, dir);
  }
  if (revision === undefined && newBranch === undefined)
    throw new IngotError("usage.argument", "'checkout' needs REV", { hint: "ingot checkout -h" });
  if (
    await stopForDryRun(
      call,
      newBranch === undefined
        ? `would check out ${revision}`
        : `would make and check out branch ${newBranch}`,
    )
  )
    return;
  const result = await checkout(context, {
    ...(revision === undefined ? {} : { revision }),
    ...(newBranch === undefined ? {} : { newBranch }),
  });
  if (call.json) {
    await printJson(call, result);
    return;
  }
  if (call.quiet) return;
  const where =
    result.branch === undefined
      ? `HEAD is ${result.version}, on no branch`
      : `on ${result.branch}${result.version === undefined ? "" : ` at ${result.version}`}`;
  const next = result.version === undefined ? "" : `; the next training builds on ${result.version}`;
  await printLines(call, [
    `${result.unchanged ? "already " : ""}${where}${next}${result.unchanged ? "" : `     ${UNDO_HINT}`}`,
  ]);
}
