import { executePromote, type PromotePlan, planPromote } from "../../commands/promote.ts";
import { stopForDryRun, UNDO_HINT } from "../change.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";
import { askYesNo } from "../prompt.ts";

export async function run(call: Invocation): Promise<undefined> {
  const { args } = call;
  const context = await call.context();
  const revision = args.text("rev");
  const ref = args.text("ref");
  const reason = args.text("reason");
  const plan = await planPromote(context, {
    ...(revision === undefined ? {} : { revision }),
    ...(ref === undefined ? {} : { ref }),
    ...(reason === undefined ? {} : { reason }),
  });
  if (plan.old?.commit === plan.new.commit) {
    if (call.json) await printJson(call, { refs: [], warnings: [], unchanged: true });
    else call.note(`${plan.ref} is ${plan.new.version} already`);
    return;
  }
  for (const { message } of plan.warnings)
    call.note(`${call.terminal.err.paint("yellow", "warning:")} ${plan.new.version}: ${message}`);
  if (await stopForDryRun(call, `would move ${describe(plan)}`, { plan: shownPlan(plan) })) return;
  if (!(await askYesNo(call, `Move ${describe(plan)}?`))) {
    if (call.json) await printJson(call, { refs: [], declined: true, warnings: plan.warnings });
    else call.note(`nothing moved: ${plan.ref} is still ${plan.old?.version ?? "unset"}`);
    return;
  }
  const result = await executePromote(context, plan);
  if (call.json)
    await printJson(call, {
      ...result,
      version: plan.new.version,
      previous: plan.old?.version,
      warnings: plan.warnings,
    });
  else if (!call.quiet) await printLines(call, [`${describe(plan)}     ${UNDO_HINT}`]);
}

function describe({ ref, old, new: to }: Pick<PromotePlan, "ref" | "old" | "new">): string {
  return old === undefined ? `${ref} to ${to.version}` : `${ref} ${old.version} -> ${to.version}`;
}

function shownPlan({ seen: _, ...plan }: PromotePlan): object {
  return plan;
}
