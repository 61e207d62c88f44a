import { IngotError } from "../../base/errors.ts";
import type { Context } from "../../commands/context.ts";
import { executePromote, planPromote } from "../../commands/promote.ts";
import { executeTraining } from "../../commands/train/execute.ts";
import type { Execution } from "../../commands/train/execution.ts";
import { planTraining } from "../../commands/train/plan.ts";
import { assertPlanPasses } from "../../commands/train/plan-verdict.ts";
import { planResume } from "../../commands/train/resume.ts";
import type { TrainEvent } from "../../train/events.ts";
import type { Invocation } from "../invocation.ts";
import { printEvent, printJson, printLines } from "../output.ts";
import { askYesNo } from "../prompt.ts";
import { lastingLines, planLines } from "../render/train.ts";
import { readTrainOptions } from "../train-options.ts";
import { trainProgress } from "../train-progress.ts";

/** Exit codes of trainings that end without an error, and not as a new version of the branch. */
const EXIT_ASIDE = 9;
const EXIT_PAUSED = 75;

export async function run(call: Invocation): Promise<undefined | number> {
  const context = await call.context();
  if (call.args.flag("stage") && call.args.flag("no-stage"))
    throw new IngotError("usage.flag", "'--stage' and '--no-stage' exclude each other", {
      hint: "ingot train -h",
    });
  const execution = call.args.flag("resume") ? await resume(call, context) : await plan(call, context);
  return execution === undefined ? undefined : execute(call, context, execution);
}

async function resume(call: Invocation, context: Context): Promise<Execution | undefined> {
  const [name, ...others] = call.args.list("data");
  if (others.length > 0)
    throw new IngotError("usage.argument", "'train --resume' takes one run", {
      hint: "ingot train --resume t1",
    });
  const { at: where, ...execution } = await planResume(context, {
    run: name,
    threads: call.args.number("threads"),
  });
  if (call.args.flag("dry-run")) {
    await execution.engine.close();
    const run = execution.resumed?.run;
    if (call.json) await printJson(call, { dryRun: true, run, ...where });
    else await printLines(call, [`would go on with ${run} from step ${where.step} of ${where.steps}`]);
    return undefined;
  }
  return execution;
}

async function plan(call: Invocation, context: Context): Promise<Execution | undefined> {
  const planned = await planTraining(context, readTrainOptions(call.args));
  try {
    call.io.signal.throwIfAborted();
    if (call.json) await printEvent(call, { schema: "ingot.train/1", event: "plan", ...planned.plan });
    else if (call.args.flag("dry-run")) await printLines(call, planLines(call.terminal.out, planned.plan));
    else for (const line of planLines(call.terminal.err, planned.plan)) call.note(line);
    if (!call.args.flag("dry-run")) assertPlanPasses(planned.plan);
    const goesOn = !call.args.flag("dry-run") && (await mayStart(call, planned.asksAgain));
    if (goesOn) return planned;
    if (!call.args.flag("dry-run")) call.note("nothing was trained");
    await planned.engine.close();
    return undefined;
  } catch (error) {
    await planned.engine.close();
    throw error;
  }
}

/** A person is asked; without one it starts, unless data that the line was trained on is named again. */
async function mayStart(call: Invocation, asksAgain: readonly string[]): Promise<boolean> {
  if (asksAgain.length > 0)
    return askYesNo(call, `This line was trained on ${asksAgain.join(", ")} already. Train on it again?`);
  if (!call.terminal.canAsk || call.json) return !call.args.flag("no");
  return askYesNo(call, "Start?", { enterMeansYes: true });
}

async function execute(
  call: Invocation,
  context: Context,
  execution: Execution,
): Promise<undefined | number> {
  const progress = trainProgress(call, () => context.clock.monotonicMs());
  const onStop = () =>
    call.note(
      "\nsaving after this step... Ctrl-C again stops at once (then it resumes from the last checkpoint)",
    );
  call.io.signal.addEventListener("abort", onStop, { once: true });
  let last: TrainEvent | undefined;
  try {
    for await (const event of executeTraining(context, execution)) {
      last = event;
      if (call.json) await printEvent(call, event);
      else await progress.show(event);
    }
  } finally {
    await progress.pause();
    call.io.signal.removeEventListener("abort", onStop);
  }
  if (last?.event === "paused") {
    if (!call.json) await printLines(call, lastingLines(call.terminal.out, last));
    return EXIT_PAUSED;
  }
  if (last?.event !== "done") return undefined;
  if (!call.json) await printLines(call, lastingLines(call.terminal.out, last));
  if (last.aside !== undefined) return EXIT_ASIDE;
  await offerStaging(call, context, last.version);
  return undefined;
}

/** `staging` moves by `--stage` or the person's yes at a terminal, never by `--yes`. */
async function offerStaging(call: Invocation, context: Context, version: string): Promise<void> {
  const { args } = call;
  if (args.flag("no-stage")) return;
  if (!args.flag("stage")) {
    if (!call.terminal.canAsk || call.json || args.flag("no"))
      return call.note(`hint: ingot promote ${version} staging`);
    if (!(await askYesNo(call, `Move staging to ${version}?`, { mayYes: false }))) return;
  }
  const planned = await planPromote(context, { revision: version, ref: "staging" });
  if (planned.old?.commit === planned.new.commit) return;
  await executePromote(context, planned);
  if (!call.json && !call.quiet)
    await printLines(call, [
      `staging ${planned.old === undefined ? "to" : `${planned.old.version} ->`} ${version}     (undo: ingot undo)`,
    ]);
}
