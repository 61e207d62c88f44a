import { IngotError } from "../../base/errors.ts";
import type { TrainEvent } from "../../train/events.ts";
import type { Context } from "../context.ts";
import { executeTraining } from "./execute.ts";
import type { TrainOptions } from "./options.ts";
import { planTraining } from "./plan.ts";

/**
 * Plans and trains in one go: the plan is the first event, the version the last. Throws `refused.policy` where a check of the
 * plan fails; then nothing has run.
 */
export async function* train(context: Context, options: TrainOptions): AsyncGenerator<TrainEvent> {
  const planned = await planTraining(context, options);
  try {
    yield { event: "plan", ...planned.plan };
    const failed = planned.plan.checks.filter((check) => !check.ok);
    if (failed.length > 0) {
      throw new IngotError(
        "refused.policy",
        `${failed.length} checks of the plan fail: ${failed.map((c) => `${c.name} (${c.detail})`).join(", ")}`,
        { data: { checks: failed } },
      );
    }
    yield* executeTraining(context, planned);
  } finally {
    await planned.engine.close();
  }
}
