import { oneLine } from "../../base/terminal-text.ts";
import { executeRemoval, planRemoval } from "../../commands/rm.ts";
import { stopForDryRun, UNDO_HINT } from "../change.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";
import { askName, askYesNo } from "../prompt.ts";

export async function run(call: Invocation): Promise<undefined> {
  const { args } = call;
  const context = await call.context();
  const words = args.list("versions");
  const reason = args.text("reason");
  const plan = await planRemoval(context, {
    versions: words,
    force: args.flag("force"),
    ...(reason === undefined ? {} : { reason }),
  });
  const lines = plan.removals.flatMap(({ version, message, locks, effects }) => [
    `${version}  ${oneLine(message)}`,
    ...locks.map((lock) => `    ${call.terminal.err.paint("red", "lock:")} ${lock.message}`),
    ...effects.map((effect) => `    ${effect}`),
  ]);
  if (await stopForDryRun(call, ["would delete", ...lines].join("\n"), { removals: plan.removals })) return;
  for (const line of lines) call.note(line);
  for (const { version, locks } of plan.removals) {
    if (locks.length === 0) continue;
    const typed = words.includes(version) ? version : "";
    const line = `ingot rm ${version} --force --yes`;
    if (!(await askName(call, `${version} is locked.`, { name: version, typed, line })))
      return declined(call);
  }
  const names = plan.removals.map((r) => r.version).join(", ");
  const free = plan.removals.filter((r) => r.locks.length === 0);
  if (free.length > 0 && !(await askYesNo(call, `Delete ${free.map((r) => r.version).join(", ")}?`)))
    return declined(call);
  const result = await executeRemoval(context, plan);
  if (call.json) await printJson(call, result);
  else if (!call.quiet) await printLines(call, [`${names} deleted; the record stays     ${UNDO_HINT}`]);
}

async function declined(call: Invocation): Promise<undefined> {
  if (call.json) await printJson(call, { refs: [], declined: true });
  else call.note("nothing was deleted");
}
