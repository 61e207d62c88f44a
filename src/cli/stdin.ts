import tty from "node:tty";
import type { Source } from "./io.ts";

/** Standard input; nothing is read, and the stream not even opened, before it is asked for. */
export function processStdin(open: () => NodeJS.ReadStream): Source {
  return {
    isTTY: tty.isatty(0),
    async readLine() {
      const { createInterface } = await import("node:readline/promises");
      const stream = open();
      const lines = createInterface({ input: stream, terminal: false });
      try {
        for await (const line of lines) return line;
        return undefined;
      } finally {
        lines.close();
        stream.pause();
      }
    },
    chunks: () => open() as AsyncIterable<Uint8Array>,
  };
}
