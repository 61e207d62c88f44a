import { type ErrorCode, IngotError } from "../../base/errors.ts";
import type { TrainPlan } from "../../train/events.ts";

/** What a check that fails alone means; several together, or another one, are a refusal. */
const CODE_OF_CHECK: Readonly<Record<string, ErrorCode>> = {
  "previous run": "conflict.lease",
  disk: "environment.disk",
};

/** Throws where a check of a plan fails, naming all that do: a training starts only when every one passes. */
export function assertPlanPasses(plan: TrainPlan): void {
  const failed = plan.checks.filter((check) => !check.ok);
  const [first, ...others] = failed;
  if (first === undefined) return;
  const code = (others.length === 0 ? CODE_OF_CHECK[first.name] : undefined) ?? "refused.policy";
  const names = failed.map(({ name, detail }) => `${name} (${detail})`).join(", ");
  throw new IngotError(code, `${failed.length} of ${plan.checks.length} checks fail: ${names}`, {
    hint: "mend what the plan names; ingot train --dry-run shows it again",
    data: { checks: failed },
  });
}
