import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { ChannelEnd, EngineLauncher } from "../commands/engine/launcher.ts";
import type { Io } from "./io.ts";

/** The bundle of the engine's process lies beside that of the command line. */
const ENGINE_FILE = fileURLToPath(new URL("./engine.js", import.meta.url));

/** Variables that a child needs to start; secrets of the person are not among them. */
const PASSED_ON =
  /^(PATH|HOME|TMPDIR|TEMP|TMP|LANG|LC_.*|TZ|SystemRoot|windir|NODE_OPTIONS|NODE_EXTRA_CA_CERTS|INGOT_DEBUG|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH)$/i;

/** Starts the engine as a process of its own, whose messages are structured clones. */
export function processEngineLauncher(io: Pick<Io, "env" | "platform">): EngineLauncher {
  return {
    launch(folder) {
      const env = Object.fromEntries(Object.entries(io.env).filter(([name]) => PASSED_ON.test(name)));
      const child = fork(ENGINE_FILE, [], {
        cwd: folder,
        env: env as NodeJS.ProcessEnv,
        serialization: "advanced",
        stdio: ["ignore", "ignore", "inherit", "ipc"],
        // A Ctrl-C of the terminal reaches the whole foreground group; the parent alone decides what it means.
        detached: io.platform !== "win32",
        execArgv: ["--disable-proto=delete"],
      });
      let end: ChannelEnd | undefined;
      const listeners: ((end: ChannelEnd) => void)[] = [];
      const finish = (reason: ChannelEnd) => {
        if (end !== undefined) return;
        end = reason;
        for (const listener of listeners) listener(reason);
      };
      child.once("error", (error) => finish({ error }));
      child.once("exit", (code, signal) =>
        finish({ ...(code === null ? {} : { code }), ...(signal === null ? {} : { signal }) }),
      );
      return {
        send: (message) => {
          if (end === undefined && child.connected) child.send(message as object);
        },
        onMessage: (listener) => void child.on("message", listener),
        onEnd: (listener) => {
          if (end === undefined) listeners.push(listener);
          else listener(end);
        },
        kill: () => void child.kill("SIGKILL"),
      };
    },
  };
}
