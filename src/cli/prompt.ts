import { IngotError } from "../base/errors.ts";
import type { Invocation } from "./invocation.ts";

/**
 * Asks a yes/no question on the terminal. `--yes` and `--no` answer it; `Enter` gives the default.
 * Without a terminal and without an answer on the command line: `usage.confirm`, which names the flag.
 */
export async function askYesNo(
  call: Invocation,
  question: string,
  { enterMeansYes = false, mayYes = true } = {},
): Promise<boolean> {
  if (call.args.flag("no")) return false;
  if (mayYes && call.args.flag("yes")) return true;
  if (!call.terminal.canAsk)
    throw needsAnswer(question, `say so on the command line: ingot ${call.command.name} ... --yes`);
  for (;;) {
    await call.io.stderr.write(`${question} ${enterMeansYes ? "[Y/n]" : "[y/N]"} `);
    const answer = (await readAnswer(call))?.trim().toLowerCase();
    if (answer === undefined) return false;
    if (answer === "") return enterMeansYes;
    if (answer === "y" || answer === "yes") return true;
    if (answer === "n" || answer === "no") return false;
  }
}

/**
 * Asks for a name to be typed, for what must not happen by habit. `typed` is the name as it already stands on the command
 * line: without a terminal it counts together with `--yes`, when it is exactly the name; `line` is how to say so there.
 */
export async function askName(
  call: Invocation,
  what: string,
  { name, typed, line }: { readonly name: string; readonly typed: string; readonly line: string },
): Promise<boolean> {
  if (call.args.flag("no")) return false;
  if (!call.terminal.canAsk) {
    if (call.args.flag("yes") && typed === name) return true;
    throw needsAnswer(what, `spell it out and say so on the command line: ${line}`);
  }
  await call.io.stderr.write(`${what} Type ${name} to go on: `);
  return (await readAnswer(call))?.trim() === name;
}

/** A line of the terminal; Ctrl-C at the question ends the program. */
async function readAnswer({ io }: Invocation): Promise<string | undefined> {
  io.signal.throwIfAborted();
  let leave = () => {};
  const interrupted = new Promise<never>((_, reject) => {
    leave = () => reject(io.signal.reason);
    io.signal.addEventListener("abort", leave, { once: true });
  });
  try {
    return await Promise.race([io.stdin.readLine(), interrupted]);
  } finally {
    io.signal.removeEventListener("abort", leave);
  }
}

function needsAnswer(question: string, hint: string): IngotError {
  return new IngotError("usage.confirm", `there is no terminal to ask: '${question}'`, { hint });
}
