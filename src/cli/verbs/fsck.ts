import { oneLine } from "../../base/terminal-text.ts";
import { fsck } from "../../commands/fsck.ts";
import type { Invocation } from "../invocation.ts";
import { printJson, printLines } from "../output.ts";
import { count, formatBytes } from "../render/format.ts";

const EXIT_DAMAGED = 6;

export async function run(call: Invocation): Promise<undefined | number> {
  const deep = call.args.flag("deep");
  const context = await call.context();
  const live = call.terminal.err.isTTY && !call.quiet && !call.json;
  let drawnMs = Number.NEGATIVE_INFINITY;
  const result = await fsck(context, {
    deep,
    ...(live
      ? {
          onProgress: (checked: number, total: number) => {
            if (context.clock.monotonicMs() - drawnMs < 100) return;
            drawnMs = context.clock.monotonicMs();
            call.io.stderr.write(`\r\x1b[2Kchecked ${checked} of ${total}`)?.catch(() => {});
          },
        }
      : {}),
  });
  if (live) await call.io.stderr.write("\r\x1b[2K");
  const exit = result.ok ? undefined : EXIT_DAMAGED;
  if (call.json) {
    await printJson(call, { event: result.ok ? "done" : "failed", ...result });
    return exit;
  }
  const look = call.terminal.out;
  const lines = result.problems.flatMap((p) => [
    `${look.paint(p.severity === "error" ? "red" : "yellow", `${p.severity}[${p.code}]:`)} ${oneLine(p.what)}`,
    ...(p.where === "" ? [] : [`    where: ${oneLine(p.where)}`]),
    ...(p.affects.length === 0 ? [] : [`    affects: ${p.affects.map(oneLine).join(", ")}`]),
    `    fix: ${oneLine(p.fix)}`,
  ]);
  if (!call.quiet || !result.ok) {
    const how = deep ? "every byte checked" : "structure checked; every byte: ingot fsck --deep";
    lines.push(
      `${result.ok ? look.paint("green", "ok") : look.paint("red", "damaged")}: ${count(result.objects, "object")}, ${formatBytes(result.bytes)}, ${count(result.operations, "operation")}; ${how}`,
    );
  }
  await printLines(call, lines);
  return exit;
}
