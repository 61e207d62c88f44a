import tty from "node:tty";
import { IngotError } from "../base/errors.ts";
import type { Source } from "./io.ts";

/** Beyond this a file serves better: what comes by a pipe is held in memory. */
const MOST_BYTES = 1024 ** 3;

/** All of an input. Throws `limit.size` beyond 1 GiB. */
export async function readAll(source: Source): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of source.chunks()) {
    sizeBytes += chunk.length;
    if (sizeBytes > MOST_BYTES)
      throw new IngotError("limit.size", "standard input is longer than 1 GiB", {
        hint: "save it as a file and name that",
        data: { limit: MOST_BYTES },
      });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

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
