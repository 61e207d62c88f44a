import { executeRollback, planRollback } from "../../commands/rollback.ts";
import { stopForDryRun, UNDO_HINT } from "../change.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";
import { askYesNo } from "../prompt.ts";

export async function run(call: Invocation): Promise<undefined> {
  const { args } = call;
  const context = await call.context();
  const ref = args.text("ref");
  const to = args.text("to");
  const reason = args.text("reason");
  const plan = await planRollback(context, {
    ...(ref === undefined ? {} : { ref }),
    ...(to === undefined ? {} : { to }),
    ...(reason === undefined ? {} : { reason }),
  });
  const line = `${plan.ref} ${plan.old.version} -> ${plan.new.version}`;
  if (plan.old.commit === plan.new.commit) {
    if (call.json) await printJson(call, { refs: [], unchanged: true });
    else call.note(`${plan.ref} is ${plan.new.version} already`);
    return;
  }
  const { seen: _, fullRef: __, ...shown } = plan;
  if (args.flag("preview")) {
    if (call.json) await printJson(call, { dryRun: true, plan: shown });
    else await printLines(call, [`would move ${line}`]);
    return;
  }
  if (await stopForDryRun(call, `would move ${line}`, { plan: shown })) return;
  if (!(await askYesNo(call, `Move ${line}?`, { enterMeansYes: true }))) {
    if (call.json) await printJson(call, { refs: [], declined: true });
    else call.note(`nothing moved: ${plan.ref} is still ${plan.old.version}`);
    return;
  }
  const result = await executeRollback(context, plan);
  if (call.json) await printJson(call, { ...result, version: plan.new.version, previous: plan.old.version });
  else if (!call.quiet) await printLines(call, [`${line}     ${UNDO_HINT}`]);
}
