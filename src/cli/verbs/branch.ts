import { IngotError } from "../../base/errors.ts";
import { deleteBranch, listBranches, makeBranch, renameBranch } from "../../commands/branch.ts";
import { readHead } from "../../commands/versions.ts";
import { stopForDryRun, UNDO_HINT } from "../change.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";

export async function run(call: Invocation): Promise<undefined> {
  const { args } = call;
  const context = await call.context();
  const name = args.text("name");
  const rev = args.text("rev");
  if (args.flag("delete") || args.flag("move")) {
    if (args.flag("delete") && args.flag("move"))
      throw new IngotError("usage.flag", "'-d' and '-m' exclude each other", { hint: "ingot branch -h" });
    if (name === undefined)
      throw new IngotError("usage.argument", "'branch' needs NAME", { hint: "ingot branch -h" });
    if (args.flag("delete") && rev !== undefined)
      throw new IngotError("usage.argument", `'${rev}' is one argument too many for 'branch -d'`, {
        hint: "ingot branch -d NAME",
      });
    if (
      await stopForDryRun(
        call,
        args.flag("delete") ? `would delete branch ${name}` : `would rename branch ${name}`,
      )
    )
      return;
    if (args.flag("delete")) return report(call, await deleteBranch(context, name), "deleted, it was at");
    const current = readHead(await (await context.openRepository()).refs()).branch;
    const [from, to] = rev === undefined ? [current, name] : [name, rev];
    if (from === undefined)
      throw new IngotError("usage.argument", "HEAD is on no branch: which one is to be renamed?", {
        hint: "ingot branch -m OLD NEW",
      });
    return report(call, await renameBranch(context, from, to), "renamed, at");
  }
  if (name !== undefined) {
    if (await stopForDryRun(call, `would make branch ${name} at ${rev ?? "HEAD"}`)) return;
    return report(call, await makeBranch(context, name, rev), "at");
  }
  const branches = await listBranches(context);
  if (call.json) await printJson(call, { branches });
  else
    await printLines(
      call,
      branches.map(
        (b) =>
          `${b.current ? "*" : " "} ${b.current ? call.terminal.out.paint("green", b.name) : b.name}  ${b.version}`,
      ),
    );
}

async function report(
  call: Invocation,
  result: Awaited<ReturnType<typeof makeBranch>>,
  what: string,
): Promise<undefined> {
  if (call.json) await printJson(call, result);
  else if (!call.quiet)
    await printLines(call, [`${result.branch} ${what} ${result.version}     ${UNDO_HINT}`]);
}
