import process from "node:process";
import { serveEngine } from "../commands/engine/child.ts";

// The parent holds the run's lease: without it nothing may go on.
process.once("disconnect", () => process.exit(0));
// The parent alone decides what a Ctrl-C means.
process.on("SIGINT", () => {});

serveEngine({
  send: (message) => {
    // Where the parent is gone, `disconnect` ends this process: that nobody took the message is nothing to report.
    process.send?.(message, undefined, undefined, () => {});
  },
  onMessage: (listener) => {
    process.on("message", listener);
  },
  memoryBytes: () => process.memoryUsage.rss(),
});
