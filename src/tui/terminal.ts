import { EventEmitter } from "node:events";
import type { Size } from "./layout.ts";

const ENTER_SCREEN = "\x1b[?1049h\x1b[H";
const LEAVE_SCREEN = "\x1b[?25h\x1b[?1049l";
const HIDE_CURSOR = "\x1b[?25l";
/** Home, then erase to the end: unlike `2J` it leaves the scrollback alone everywhere. */
const CLEAR = "\x1b[H\x1b[J";

/** Exit codes of a process that a signal ended: 128 + its number. */
const SIGNAL_EXITS = [
  ["SIGHUP", 129],
  ["SIGTERM", 143],
] as const;

export interface TerminalStreams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly process: NodeJS.Process;
}

/**
 * The whole screen, taken until `close`. Whatever ends the program (return, throw, SIGTERM, SIGHUP, `process.exit`), the
 * earlier screen, the cursor and line editing come back. Ctrl-Z is `suspend`; `fg` draws again.
 */
export interface FullScreen {
  /** What ink writes to. It claims endless rows: at its real height ink would clear screen and scrollback at every frame. */
  readonly surface: NodeJS.WriteStream;
  size(): Size;
  /** After the screen was wiped because its size changed. Returns how to stop listening. */
  onResize(listener: (size: Size) => void): () => void;
  /** After the screen was taken again, empty: everything has to be drawn. */
  onResume(listener: () => void): () => void;
  suspend(): void;
  /** Puts a text on the clipboard of the person's terminal (OSC 52). */
  copy(text: string): void;
  close(): void;
}

/** Takes the screen. Both streams must be terminals. */
export function openFullScreen({ stdin, stdout, process }: TerminalStreams): FullScreen {
  const changes = new EventEmitter();
  const surface = new Surface(stdout);
  let open = true;

  const size = (): Size => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 });
  const resized = (): void => {
    stdout.write(CLEAR);
    changes.emit("resize", size());
  };
  const resume = (): void => {
    surface.muted = false;
    stdin.setRawMode(true);
    stdout.write(ENTER_SCREEN + HIDE_CURSOR + CLEAR);
    changes.emit("resize", size());
    changes.emit("resume");
  };
  const close = (): void => {
    if (!open) return;
    open = false;
    surface.muted = true;
    stdout.off("resize", resized);
    process.off("SIGCONT", resume);
    process.off("exit", close);
    process.off("uncaughtExceptionMonitor", close);
    for (const [signal, listener] of endings) process.off(signal, listener);
    if (stdin.isRaw) stdin.setRawMode(false);
    stdout.write(LEAVE_SCREEN);
  };
  const endings = SIGNAL_EXITS.map(([signal, exit]) => {
    const listener = (): void => {
      close();
      process.exit(exit);
    };
    return [signal, listener] as const;
  });

  stdout.on("resize", resized);
  process.on("SIGCONT", resume);
  process.on("exit", close);
  process.on("uncaughtExceptionMonitor", close);
  for (const [signal, listener] of endings) process.prependListener(signal, listener);
  stdout.write(ENTER_SCREEN + HIDE_CURSOR);

  return {
    surface: surface as unknown as NodeJS.WriteStream,
    size,
    onResize: (listener) => subscribe(changes, "resize", listener),
    onResume: (listener) => subscribe(changes, "resume", listener),
    suspend: () => {
      // A frame that waits would be drawn on the shell's screen: timers come before the signal when the process goes on.
      surface.muted = true;
      stdin.setRawMode(false);
      stdout.write(LEAVE_SCREEN);
      // 0 is the process group, as the terminal's own Ctrl-Z: a wrapper such as npx stops too.
      process.kill(0, "SIGTSTP");
    },
    copy: (text) => {
      stdout.write(`\x1b]52;c;${Buffer.from(text).toString("base64")}\x07`);
    },
    close,
  };
}

function subscribe(changes: EventEmitter, name: string, listener: (...values: never[]) => void): () => void {
  changes.on(name, listener as () => void);
  return () => changes.off(name, listener as () => void);
}

/** The part of a terminal stream that ink uses; what comes while the screen is given back is dropped. */
class Surface extends EventEmitter {
  muted = false;
  readonly isTTY = true;
  readonly rows = Number.MAX_SAFE_INTEGER;
  readonly #target: NodeJS.WriteStream;

  constructor(target: NodeJS.WriteStream) {
    super();
    this.#target = target;
  }

  get columns(): number {
    return this.#target.columns || 80;
  }

  write(chunk: string): boolean {
    return this.muted || this.#target.write(chunk);
  }
}
