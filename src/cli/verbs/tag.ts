import { IngotError } from "../../base/errors.ts";
import { deleteTag, listTags, makeTag } from "../../commands/tag.ts";
import { stopForDryRun, UNDO_HINT } from "../change.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";

export async function run(call: Invocation): Promise<undefined> {
  const { args } = call;
  const context = await call.context();
  const name = args.text("name");
  if (name === undefined) {
    if (args.flag("delete"))
      throw new IngotError("usage.argument", "'tag -d' needs NAME", { hint: "ingot tag -d NAME" });
    const tags = await listTags(context);
    if (call.json) await printJson(call, { tags });
    else
      await printLines(
        call,
        tags.map((tag) =>
          tag.name === tag.version ? `${tag.name}  ${tag.commit.slice(0, 8)}` : `${tag.name}  ${tag.version}`,
        ),
      );
    return;
  }
  if (
    await stopForDryRun(
      call,
      args.flag("delete") ? `would delete tag ${name}` : `would tag ${args.text("rev") ?? "HEAD"} as ${name}`,
    )
  )
    return;
  const result = args.flag("delete")
    ? await deleteTag(context, name)
    : await makeTag(context, name, args.text("rev"));
  if (call.json) await printJson(call, result);
  else if (!call.quiet)
    await printLines(call, [
      `${result.tag} ${args.flag("delete") ? "is gone, it named" : "names"} ${result.version}     ${UNDO_HINT}`,
    ]);
}
