import { bug } from "../../base/errors.ts";
import { systemRandom } from "../../base/ports.ts";
import { openRuntime } from "../../runtime/ort.ts";
import type { EnginePlan, TrainJob, TrainResult } from "../../train/job.ts";
import { PreparedRun } from "../../train/run.ts";
import { engineEnvironment } from "./engine-environment.ts";
import type { MethodContext } from "./method-context.ts";

const PREPARED = "train.prepared";
const PAUSE = "train.pause";

/** Reads and checks everything, runs nothing, and keeps it for `train.start`. */
export async function planMethod(job: TrainJob, context: MethodContext): Promise<EnginePlan> {
  const runtime = await openRuntime();
  const scratch = await context.openScratch(job.model.folder);
  const run = await PreparedRun.prepare(job, {
    runtime,
    scratch,
    nowMs: () => performance.timeOrigin + performance.now(),
    memoryBytes: () => context.memoryBytes(),
    environment: engineEnvironment(runtime),
    label: Buffer.from(systemRandom.bytes(6)).toString("hex"),
  });
  context.state.set(PREPARED, run);
  return run.plan;
}

/** Trains what was planned; reports every event on the way. */
export async function startMethod(_payload: unknown, context: MethodContext): Promise<TrainResult> {
  const run = context.state.get(PREPARED) as PreparedRun | undefined;
  if (run === undefined) return bug("nothing is planned");
  const steps = run.execute(() => context.state.has(PAUSE));
  for (;;) {
    const next = await steps.next();
    if (next.done === true) return next.value;
    context.event(next.value);
  }
}

/** Asks the running training to save at the end of this step and stop. */
export async function pauseMethod(_payload: unknown, context: MethodContext): Promise<Record<string, never>> {
  context.state.set(PAUSE, true);
  return {};
}
