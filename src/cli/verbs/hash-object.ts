import { type HashedFile, hashFiles } from "../../commands/hash-object.ts";
import type { Invocation } from "../invocation.ts";
import { printJson } from "../output.ts";

export async function run(call: Invocation): Promise<undefined> {
  const hashed = hashFiles(await call.context(), call.args.list("files"), () => call.io.stdin.chunks());
  const files: HashedFile[] = [];
  for await (const file of hashed) {
    if (call.json) files.push(file);
    else await call.io.stdout.write(lineOf(file));
  }
  if (call.json) await printJson(call, { files });
}

/** As b3sum writes it: a name with a backslash or newline is escaped, and the line says so by a leading backslash. */
function lineOf({ id, path }: HashedFile): string {
  if (path === "-") return `${id}  -\n`;
  const escaped = path.replace(/\\/g, "\\\\").replace(/\n/g, "\\n").replace(/\r/g, "\\r");
  return `${escaped === path ? "" : "\\"}${id}  ${escaped}\n`;
}
