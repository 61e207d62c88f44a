import type { Io, Sink } from "../../src/cli/io.ts";
import { runCli } from "../../src/cli/run-cli.ts";

export interface CliOutcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface FakeProcess {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** True where the streams are a terminal. */
  readonly terminal?: boolean;
  /** What a person types, a line a question. */
  readonly answers?: readonly string[];
  readonly home?: string;
}

function recordingSink(isTTY: boolean): Sink & { text(): string } {
  const chunks: string[] = [];
  return {
    isTTY,
    columns: isTTY ? 100 : undefined,
    write: (chunk) => {
      chunks.push(typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("latin1"));
      return undefined;
    },
    text: () => chunks.join(""),
  };
}

/** Runs one command line in this process, with a made-up one around it. */
export async function runInProcess(argv: readonly string[], fake: FakeProcess): Promise<CliOutcome> {
  const terminal = fake.terminal === true;
  const stdout = recordingSink(terminal);
  const stderr = recordingSink(terminal);
  const answers = [...(fake.answers ?? [])];
  const io: Io = {
    stdout,
    stderr,
    stdin: { isTTY: terminal, readLine: async () => answers.shift(), chunks: async function* () {} },
    env: { INGOT_HOME: `${fake.cwd}/.home`, INGOT_PAGER: "", ...fake.env },
    cwd: fake.cwd,
    platform: process.platform,
    home: fake.home ?? fake.cwd,
    user: "ada",
    signal: new AbortController().signal,
  };
  const code = await runCli(argv, io);
  return { code, out: stdout.text(), err: stderr.text() };
}
