import type { TrainEvent } from "../../train/events.ts";
import type { Context } from "../context.ts";
import { executeTraining } from "./execute.ts";
import type { TrainOptions } from "./options.ts";
import { planTraining } from "./plan.ts";
import { assertPlanPasses } from "./plan-verdict.ts";

/**
 * Plans and trains in one go: the plan is the first event, the version the last. Throws where a check of the plan fails;
 * then nothing has run.
 */
export async function* train(context: Context, options: TrainOptions): AsyncGenerator<TrainEvent> {
  const planned = await planTraining(context, options);
  try {
    yield { event: "plan", ...planned.plan };
    assertPlanPasses(planned.plan);
    yield* executeTraining(context, planned);
  } finally {
    await planned.engine.close();
  }
}
