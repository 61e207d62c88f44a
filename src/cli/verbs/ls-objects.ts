import { type ListedObject, type ListObjectsOptions, listObjects } from "../../commands/ls-objects.ts";
import type { Invocation } from "../invocation.ts";
import { printJson } from "../output.ts";

export async function run(call: Invocation): Promise<undefined> {
  const kind = call.args.text("kind") as ListObjectsOptions["kind"];
  const listed = listObjects(await call.context(), {
    ...(kind === undefined ? {} : { kind }),
    unreachable: call.args.flag("unreachable"),
  });
  const objects: ListedObject[] = [];
  for await (const object of listed) {
    if (call.json) objects.push(object);
    else await call.io.stdout.write(`${object.id} ${object.kind} ${object.sizeBytes}\n`);
  }
  if (call.json) await printJson(call, { objects });
}
