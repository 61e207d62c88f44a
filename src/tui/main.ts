import type { Context } from "../commands/context.ts";
import { openScreen } from "./open-screen.tsx";
import { openLogSource } from "./source.ts";
import type { TerminalStreams } from "./terminal.ts";

/** `ingot log -i`: takes the whole screen until the person leaves. Both streams must be terminals. */
export async function openLog(context: Context, streams: TerminalStreams = ownStreams()): Promise<void> {
  await openScreen(await openLogSource(context), streams);
}

function ownStreams(): TerminalStreams {
  return { stdin: process.stdin, stdout: process.stdout, process };
}
