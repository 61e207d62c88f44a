import fs from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { hashBytes } from "../base/hash.ts";

/** A lock among the processes of this machine that the kernel frees, however its holder ends. */
export interface MachineLock {
  release(): Promise<void>;
}

/**
 * Binds an abstract socket named after `place` (a path and a name behind its last `:`). `held` where another process has it; undefined
 * where the system has no such sockets, so that files alone decide.
 */
export async function bindMachineLock(place: string): Promise<MachineLock | "held" | undefined> {
  if (process.platform !== "linux") return undefined;
  const at = place.lastIndexOf(":");
  const folder = place.slice(0, at);
  const stat = fs.statSync(folder, { throwIfNoEntry: false });
  // The same folder under two paths is one place; places that are no folder belong to one process anyway.
  if (stat === undefined) return undefined;
  const digest = hashBytes(Buffer.from(`${fs.realpathSync(path.resolve(folder))}\0${stat.dev}\0${stat.ino}`));
  const server = createServer();
  const bound = await new Promise<boolean | undefined>((resolve) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      resolve(error.code === "EADDRINUSE" ? false : undefined),
    );
    server.listen(`\0ingot:${digest.slice(0, 40)}:${place.slice(at + 1)}`, () => resolve(true));
  });
  if (bound !== true) return bound === false ? "held" : undefined;
  server.unref();
  return { release: () => new Promise((resolve) => server.close(() => resolve())) };
}
