import { executeCollection, isEmptyCollection, planCollection } from "../../commands/gc.ts";
import { stopForDryRun, UNDO_HINT } from "../change.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";
import { askName, askYesNo } from "../prompt.ts";
import { count, formatBytes, formatDuration } from "../render/format.ts";

type Plan = Awaited<ReturnType<typeof planCollection>>;

/** What is typed where nothing brings it back. */
const TYPED = "forever";

export async function run(call: Invocation): Promise<undefined> {
  const context = await call.context();
  const grace = call.args.text("grace");
  const plan = await planCollection(context, grace === undefined ? {} : { grace });
  const lines = describe(plan);
  if (await stopForDryRun(call, lines.join("\n"), { plan })) return;
  if (isEmptyCollection(plan)) {
    if (call.json)
      await printJson(call, {
        event: "done",
        refs: [],
        condemnedPacks: 0,
        droppedPacks: 0,
        freedNowBytes: 0,
        freedLaterBytes: 0,
      });
    else call.note("nothing to collect");
    return;
  }
  for (const line of lines) call.note(line);
  const isFinal = plan.graceMs === 0;
  const goesOn = isFinal
    ? await askName(call, "This is not undoable.", {
        name: TYPED,
        typed: TYPED,
        line: "ingot gc --grace 0 --yes",
      })
    : await askYesNo(call, "Condemn?");
  if (!goesOn) {
    if (call.json) await printJson(call, { event: "done", refs: [], declined: true });
    else call.note("nothing was collected");
    return;
  }
  const done = await executeCollection(context, plan);
  if (call.json) await printJson(call, { event: "done", ...done });
  else if (!call.quiet) {
    const condemned =
      done.freedLaterBytes > 0
        ? `${formatBytes(done.freedLaterBytes)} condemned, freed after ${formatDuration(done.graceMs)}     ${UNDO_HINT}`
        : "";
    const freed = done.freedNowBytes > 0 ? `${formatBytes(done.freedNowBytes)} freed` : "";
    await printLines(
      call,
      [freed, condemned].filter((line) => line !== ""),
    );
  }
}

function describe(plan: Plan): string[] {
  if (isEmptyCollection(plan)) return ["nothing to collect"];
  const lines: string[] = [];
  const size = (packs: Plan["condemn"]) =>
    formatBytes(packs.reduce((sum, pack) => sum + pack.sizeBytes - pack.liveBytes, 0));
  if (plan.condemn.length > 0)
    lines.push(`${size(plan.condemn)} in ${count(plan.condemn.length, "pack")} that nothing needs`);
  if (plan.repack.length > 0)
    lines.push(
      `${size(plan.repack)} in ${count(plan.repack.length, "pack")} that ${plan.repack.length === 1 ? "is" : "are"} written again without what nothing needs`,
    );
  if (plan.drop.length > 0)
    lines.push(
      `${size(plan.drop)} in ${count(plan.drop.length, "pack")} freed for good: condemned long enough ago, or checkpoints of ended runs`,
    );
  return lines;
}
