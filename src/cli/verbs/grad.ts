import { IngotError } from "../../base/errors.ts";
import { grad } from "../../commands/grad.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";
import { count } from "../render/format.ts";

export async function run(call: Invocation): Promise<undefined> {
  const { args } = call;
  const needed = (name: "inputs" | "out") => {
    const value = args.text(name);
    if (value === undefined)
      throw new IngotError("usage.argument", `'grad' needs --${name} FILE.safetensors`, {
        hint: "ingot grad -h",
      });
    return value;
  };
  const names = args.list("wrt").flatMap((word) => word.split(","));
  const result = await grad(await call.context(), {
    model: args.required("model"),
    inputs: needed("inputs"),
    cotangents: args.text("cotangents"),
    wrt: names.length === 0 || (names.length === 1 && names[0] === "all") ? "all" : names,
    out: needed("out"),
  });
  if (call.json) await printJson(call, result);
  else if (!call.quiet)
    await printLines(call, [`${count(result.gradients.length, "gradient")} in ${args.text("out")}`]);
}
