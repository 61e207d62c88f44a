import { IngotError } from "../../base/errors.ts";
import {
  type EvolutionOptions,
  evolution,
  formatEvolutionCsv,
  isExampleWord,
} from "../../commands/evolution.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";
import { openPaged } from "../pager.ts";
import { renderEvolution, renderExample } from "../render/evolution.ts";

export async function run(call: Invocation): Promise<undefined> {
  const { args } = call;
  const context = await call.context();
  const status = args.text("status");
  const options: EvolutionOptions = {
    ...readWords(args.text("what"), args.text("example")),
    ...(status === undefined
      ? {}
      : { status: [status] as unknown as NonNullable<EvolutionOptions["status"]> }),
  };
  const result = await evolution(context, options);
  if (call.json) {
    await printJson(call, result);
    return;
  }
  if (args.flag("csv")) {
    await call.io.stdout.write(formatEvolutionCsv(result));
    return;
  }
  const [only] = result.examples;
  const paged = await openPaged(call, context);
  try {
    const lines =
      options.example !== undefined && only !== undefined
        ? renderExample(call.terminal.out, result, only)
        : renderEvolution(call.terminal.out, result);
    await printLines(call, lines, paged.sink);
  } finally {
    await paged.close();
  }
}

function readWords(first: string | undefined, second: string | undefined): EvolutionOptions {
  if (first !== undefined && isExampleWord(first)) {
    if (second !== undefined)
      throw new IngotError("usage.argument", `'${second}' is one argument too many for 'evolution'`, {
        hint: "ingot evolution REV EXAMPLE",
      });
    return { example: first };
  }
  if (second !== undefined && !isExampleWord(second))
    throw new IngotError("usage.argument", `'${second}' is no example`, {
      hint: "an example is written e: and 4 digits of its id or more",
    });
  return {
    ...(first === undefined ? {} : { revision: first }),
    ...(second === undefined ? {} : { example: second }),
  };
}
