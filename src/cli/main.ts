import os from "node:os";
import process from "node:process";
import tty from "node:tty";
import type { Io, Sink } from "./io.ts";
import { runCli } from "./run-cli.ts";
import { processStdin } from "./stdin.ts";

/** Verbs that save before they end: for them the first Ctrl-C asks, the second forces. */
const STOPS_BY_ITSELF = new Set(["train", "push", "pull", "clone"]);

/** A stream of the process, opened at its first use. */
function processSink(fd: 1 | 2, open: () => NodeJS.WriteStream): Sink {
  let opened: NodeJS.WriteStream | undefined;
  const streamOf = () => {
    if (opened === undefined) {
      opened = open();
      // A reader that has gone away ends the conversation without a word; the write that meets it rejects.
      opened.on("error", () => {});
    }
    return opened;
  };
  return {
    isTTY: tty.isatty(fd),
    get columns() {
      return tty.isatty(fd) ? streamOf().columns : undefined;
    },
    get rows() {
      return tty.isatty(fd) ? streamOf().rows : undefined;
    },
    write(chunk) {
      const stream = streamOf();
      if (stream.errored) return Promise.reject(stream.errored);
      if (stream.write(chunk)) return undefined;
      return new Promise((resolve, reject) => {
        const settle = (error?: Error | null) => {
          stream.off("drain", settle);
          stream.off("error", settle);
          if (error) reject(error);
          else resolve();
        };
        stream.once("drain", settle);
        stream.once("error", settle);
      });
    },
  };
}

function loginName(): string {
  try {
    return os.userInfo().username;
  } catch {
    return "unknown";
  }
}

/** Runs the process's command line; sets the exit code when all output has left. */
export async function main(): Promise<void> {
  const argv = process.argv.slice(2);
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    let asked = false;
    process.on(signal, () => {
      if (asked || !argv.some((word) => STOPS_BY_ITSELF.has(word)))
        process.exit(128 + os.constants.signals[signal]);
      asked = true;
      stop.abort(new Error(signal));
    });
  }
  const io: Io = {
    stdout: processSink(1, () => process.stdout),
    stderr: processSink(2, () => process.stderr),
    stdin: processStdin(() => process.stdin),
    env: process.env,
    cwd: process.cwd(),
    platform: process.platform,
    home: os.homedir(),
    user: process.env.USER ?? process.env.USERNAME ?? process.env.LOGNAME ?? loginName(),
    signal: stop.signal,
  };
  process.exitCode = await runCli(argv, io);
}
