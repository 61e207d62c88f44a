import { showRefs } from "../../commands/show-ref.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";

export async function run(call: Invocation): Promise<undefined> {
  const refs = await showRefs(await call.context());
  if (call.json) await printJson(call, { refs });
  else
    await printLines(
      call,
      refs.map(
        ({ id, name, symbolic }) =>
          `${id ?? "-".repeat(64)} ${name}${symbolic === undefined ? "" : ` -> ${symbolic}`}`,
      ),
    );
}
