import type { ShareDone, ShareEvent } from "../commands/share.ts";
import type { Invocation } from "./invocation.ts";
import { printEvent } from "./output.ts";
import { count, formatBytes } from "./render/format.ts";

const FRAME_MS = 100;

/** Shows a transfer on stderr (or as events under `--json`) and gives its result. */
export async function followTransfer(
  call: Invocation,
  events: AsyncIterable<ShareEvent>,
  nowMs: () => number,
): Promise<ShareDone> {
  const live = call.terminal.err.isTTY && !call.quiet && !call.json;
  let drawnMs = Number.NEGATIVE_INFINITY;
  let isDrawn = false;
  let done: ShareDone | undefined;
  try {
    for await (const event of events) {
      if (call.json) await printEvent(call, event);
      if (event.event === "done") done = event;
      else if (live && nowMs() - drawnMs >= FRAME_MS) {
        drawnMs = nowMs();
        isDrawn = true;
        await call.io.stderr.write(
          `\r\x1b[2K${event.objects} of ${event.totalObjects} objects  ${formatBytes(event.bytes)}`,
        );
      }
    }
  } finally {
    if (isDrawn) await call.io.stderr.write("\r\x1b[2K");
  }
  if (done === undefined) throw new Error("bug: a transfer ended without its result");
  return done;
}

/** `12 objects, 18.4 MB`; for a transfer of nothing: `nothing new`. */
export function sizeText({ objects, sizeBytes }: Pick<ShareDone, "objects" | "sizeBytes">): string {
  return objects === 0 ? "nothing new" : `${count(objects, "object")}, ${formatBytes(sizeBytes)}`;
}
