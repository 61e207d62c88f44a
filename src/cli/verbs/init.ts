import { init } from "../../commands/init.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";
import { importLines } from "../render/import.ts";

export async function run(call: Invocation): Promise<undefined> {
  const { args } = call;
  const context = await call.context();
  const [dir, base, entry, message] = [
    args.text("dir"),
    args.text("base"),
    args.text("entry"),
    args.text("message"),
  ];
  const result = await init(context, {
    ...(dir === undefined ? {} : { dir }),
    ...(base === undefined ? {} : { base }),
    ...(entry === undefined ? {} : { entry }),
    ...(message === undefined ? {} : { message }),
  });
  if (call.json) {
    await printJson(call, {
      root: result.root,
      id: result.id,
      branch: result.branch,
      ...(result.base === undefined
        ? {}
        : { version: result.base.version, commit: result.base.commit, base: result.base }),
    });
    return;
  }
  if (!call.quiet)
    await printLines(call, [
      `repository in ${result.root}`,
      ...(result.base === undefined ? [] : importLines(call.terminal.out, result.base)),
    ]);
  call.note(result.base === undefined ? "hint: ingot import MODEL" : "hint: ingot data add FILE.jsonl");
}
