import type { Invocation } from "./invocation.ts";
import { printJson } from "./output.ts";

/** What stands at the end of the line that reports a change. */
export const UNDO_HINT = "(undo: ingot undo)";

/** With `--dry-run`: prints what would happen and says that this is all. */
export async function stopForDryRun(call: Invocation, line: string, plan: object = {}): Promise<boolean> {
  if (!call.args.flag("dry-run")) return false;
  if (call.json) await printJson(call, { dryRun: true, ...plan });
  else await call.io.stdout.write(`${line}\n`);
  return true;
}
