import { clone } from "../../commands/share.ts";
import type { Invocation } from "../invocation.ts";
import { printLines } from "../output.ts";
import { followTransfer, sizeText } from "../share-progress.ts";

export async function run(call: Invocation): Promise<undefined> {
  const context = await call.context();
  const dir = call.args.text("dir");
  const done = await followTransfer(
    call,
    clone(context, { from: call.args.required("from"), ...(dir === undefined ? {} : { dir }) }),
    () => context.clock.monotonicMs(),
  );
  if (!call.json && !call.quiet) await printLines(call, [`${done.root}: ${sizeText(done)}`]);
}
