import { catObject, chunksOfSource } from "../../commands/cat-object.ts";
import type { Invocation } from "../invocation.ts";
import { printJson } from "../output.ts";

export async function run(call: Invocation): Promise<undefined> {
  const { id, source, record } = await catObject(await call.context(), call.args.required("id"));
  if (call.json) {
    await printJson(
      call,
      record === undefined
        ? { id, kind: "blob", sizeBytes: source.sizeBytes }
        : { id, kind: record.kind, sizeBytes: source.sizeBytes, record },
    );
    return;
  }
  for await (const chunk of chunksOfSource(source)) await call.io.stdout.write(chunk);
}
