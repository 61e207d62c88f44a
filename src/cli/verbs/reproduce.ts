import { IngotError } from "../../base/errors.ts";
import { reproduce } from "../../commands/train/reproduce.ts";
import type { TrainEvent } from "../../train/events.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";
import { trainProgress } from "../train-progress.ts";

const EXIT_DIFFERENT = 6;

export async function run(call: Invocation): Promise<undefined | number> {
  const context = await call.context();
  const revision = call.args.required("rev");
  const progress = trainProgress(call, () => context.clock.monotonicMs());
  const result = await reproduce(context, {
    revision,
    threads: call.args.number("threads"),
    onEvent: (event) => {
      if (!call.json && event.event === "step") void progress.show(event as TrainEvent);
    },
  }).finally(() => progress.pause());
  if (call.json) await printJson(call, result);
  if (result.reproduced) {
    if (!call.json && !call.quiet)
      await printLines(call, [
        `${revision} reproduced: ${result.steps} steps, the same bytes (snapshot ${result.expected.slice(0, 8)})`,
      ]);
    return undefined;
  }
  for (const { name, recorded, now } of result.environment)
    call.note(`environment differs: ${name} was ${recorded}, is ${now}`);
  if (call.json) return EXIT_DIFFERENT;
  throw new IngotError(
    "integrity.reproduce",
    `'${revision}' came out different: snapshot ${result.actual.slice(0, 8)}, expected ${result.expected.slice(0, 8)}`,
    {
      hint:
        result.environment.length > 0
          ? "train it again on the machine and runtime that made it"
          : "ingot fsck --deep",
      data: { expected: result.expected, actual: result.actual },
    },
  );
}
