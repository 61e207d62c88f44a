import { importPath } from "../../commands/import.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";
import { importLines } from "../render/import.ts";

export async function run(call: Invocation): Promise<undefined> {
  const { args } = call;
  const context = await call.context();
  const result = await importPath(context, {
    path: args.required("path"),
    onto: args.text("onto"),
    entry: args.text("entry"),
    message: args.text("message"),
  });
  if (call.json) {
    await printJson(call, result);
    return;
  }
  if (!call.quiet) await printLines(call, importLines(call.terminal.out, result));
  if (result.moved === undefined)
    call.note(`no branch moved; to build on it: ingot checkout ${result.version}`);
  if (result.kind === "model") call.note("hint: ingot data add FILE.jsonl");
}
