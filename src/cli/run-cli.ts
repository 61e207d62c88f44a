import { checkArguments, type RawArguments } from "./arguments.ts";
import type { CommandDefinition } from "./command.ts";
import { asFailedEvent, describeFailure, isBrokenPipe } from "./errors.ts";
import type { Invocation } from "./invocation.ts";
import type { Io } from "./io.ts";
import { LOADERS } from "./loaders.ts";
import { printJson } from "./output.ts";
import { beforeDashes, readRequest } from "./request.ts";
import { type ColourChoice, describeTerminal, type Terminal } from "./terminal.ts";

/** Verbs that a shell prompt or completion calls: their arguments are read without yargs. */
const QUICK = new Set(["status", "log", "rev-parse", "show-ref", "completion", "help"]);

/** Runs one command line and gives the process's exit code. Never throws: an error becomes text on stderr and a code. */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  const head = beforeDashes(argv);
  const json = head.includes("--json");
  const terminal = describeTerminal(io, colourChoice(head), head.includes("--no-input"));
  try {
    return await dispatch(argv, io, terminal, json);
  } catch (error) {
    if (isBrokenPipe(error)) return 0;
    if (io.signal.aborted && error === io.signal.reason) return signalExit(error);
    const failure = describeFailure(error, {
      json,
      look: terminal.err,
      debug: (io.env.INGOT_DEBUG ?? "") !== "",
    });
    await io.stderr.write(failure.text);
    return failure.exit;
  }
}

async function dispatch(argv: readonly string[], io: Io, terminal: Terminal, json: boolean): Promise<number> {
  if (argv[0] === "--get-yargs-completions") {
    const { printCompletions } = await import("./complete.ts");
    await printCompletions(argv.slice(1), io);
    return 0;
  }
  const request = readRequest(argv);
  if (request.kind === "version") {
    const { PROGRAM_VERSION } = await import("../commands/version.ts");
    await io.stdout.write(`ingot ${PROGRAM_VERSION}\n`);
    return 0;
  }
  if (request.kind !== "command") {
    const { printHelp } = await import("./verbs/help.ts");
    await printHelp(request.kind === "help" ? request.words : [], { io, terminal, all: false });
    return 0;
  }
  return call(request.command, request.argv, { io, terminal, json });
}

async function call(
  command: CommandDefinition,
  argv: readonly string[],
  { io, terminal, json }: Pick<Invocation, "io" | "terminal" | "json">,
): Promise<number> {
  const args = checkArguments(command, await readArguments(command, argv));
  const quiet = args.flag("quiet");
  let context: ReturnType<Invocation["context"]> | undefined;
  const invocation: Invocation = {
    command,
    args,
    io,
    terminal,
    json,
    quiet,
    told: {},
    context: () => {
      context ??= import("./context.ts").then(({ contextOf }) =>
        contextOf(invocation, commandLineOf(command, argv)),
      );
      return context;
    },
    note: (line) => {
      if (!quiet && !json) io.stderr.write(`${line}\n`)?.catch(() => {});
    },
  };
  try {
    const { run } = await LOADERS[command.name]!();
    return (await run(invocation)) ?? 0;
  } catch (error) {
    await tellFailure(invocation, error);
    throw error;
  } finally {
    const opened = await context?.catch(() => undefined);
    await opened?.close();
  }
}

/** Who reads events must see the end of them: a failure is the last one, besides the error on stderr. */
async function tellFailure(call: Invocation, error: unknown): Promise<void> {
  if (!call.json || call.command.events !== true || call.told.lastEvent === "failed") return;
  if (isBrokenPipe(error) || (call.io.signal.aborted && error === call.io.signal.reason)) return;
  const { code, message } = asFailedEvent(error);
  await printJson(call, { event: "failed", code, message });
}

async function readArguments(command: CommandDefinition, argv: readonly string[]): Promise<RawArguments> {
  if (QUICK.has(command.name)) return (await import("./parse-quick.ts")).parseQuick(command, argv);
  return (await import("./parse-yargs.ts")).parseWithYargs(command, argv);
}

/** What the operation log keeps: the verb and its arguments, without options that only say how to show or where to start. */
function commandLineOf(command: CommandDefinition, argv: readonly string[]): string {
  const kept: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === "-C" || word === "--color") i++;
    else if (!/^(--json|--yes|-y|--quiet|-q|--no-input|--no-pager|-C.+|--C=.*|--color=.*)$/.test(word))
      kept.push(/^[\w@.,:/=~^+-]+$/.test(word) ? word : JSON.stringify(word));
  }
  const line = [command.name, ...kept].join(" ");
  return line.length > 500 ? `${line.slice(0, 500)}...` : line;
}

function colourChoice(argv: readonly string[]): ColourChoice {
  const at = argv.findIndex((word) => word === "--color" || word.startsWith("--color="));
  const value = at < 0 ? undefined : argv[at] === "--color" ? argv[at + 1] : argv[at]!.slice(8);
  return value === "always" || value === "never" ? value : "auto";
}

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };

/** Exit code 128 + n of the signal that the abort's reason names. */
function signalExit(reason: unknown): number {
  const name = reason instanceof Error ? reason.message : String(reason);
  return 128 + (SIGNAL_NUMBERS[name] ?? 2);
}
