import { spawn } from "node:child_process";
import type { Context } from "../commands/context.ts";
import type { Invocation } from "./invocation.ts";
import type { Sink } from "./io.ts";

/** Where a long answer goes. `close` waits until the person has left the pager. */
export interface Paged {
  readonly sink: Sink;
  close(): Promise<void>;
}

/** What is kept to be shown again where the pager turns out not to be installed. */
const KEPT_BYTES = 64 * 1024;

/** The pager's command line; undefined where the output goes straight out. */
export function choosePager(call: Invocation, context: Context): string | undefined {
  const { io } = call;
  if (!io.stdout.isTTY || call.args.flag("no-pager") || io.platform === "win32") return undefined;
  const chosen = io.env.INGOT_PAGER ?? context.settings.text("core.pager") ?? io.env.PAGER ?? "less -FIRX";
  return chosen.trim() === "" || chosen.trim() === "cat" ? undefined : chosen;
}

/** Opens the pager, or stdout where none is wanted or none starts. */
export async function openPaged(call: Invocation, context: Context): Promise<Paged> {
  const command = choosePager(call, context);
  const straight: Paged = { sink: call.io.stdout, close: async () => {} };
  if (command === undefined) return straight;
  const child = spawn(command, {
    shell: true,
    stdio: ["pipe", "inherit", "inherit"],
    env: { ...call.io.env } as NodeJS.ProcessEnv,
  });
  const ended = new Promise<number>((resolve) => {
    child.once("error", () => resolve(127));
    child.once("close", (code) => resolve(code ?? 0));
  });
  const pipe = child.stdin;
  let broken: Error | undefined;
  pipe.on("error", (error) => {
    broken = error;
  });
  const kept: (string | Uint8Array)[] = [];
  let keptBytes = 0;
  let missing = false;
  const fallBack = async (): Promise<boolean> => {
    if (missing) return true;
    const code = await ended;
    if (code !== 126 && code !== 127) return false;
    missing = true;
    for (const chunk of kept) await call.io.stdout.write(chunk);
    return true;
  };
  const write = async (chunk: string | Uint8Array): Promise<void> => {
    if (missing) return void (await call.io.stdout.write(chunk));
    if (keptBytes < KEPT_BYTES) {
      kept.push(chunk);
      keptBytes += chunk.length;
    }
    if (broken === undefined) {
      const failed = await new Promise<Error | null | undefined>((resolve) =>
        pipe.write(chunk, (error) => resolve(error)),
      );
      if (!failed) return;
      broken = failed;
    }
    if (!(await fallBack())) throw broken;
  };
  return {
    sink: { isTTY: true, columns: call.io.stdout.columns, write },
    close: async () => {
      pipe.end();
      await fallBack();
    },
  };
}
