import { type ErrorCode, IngotError, redact } from "../base/errors.ts";
import { escapeControl } from "../base/terminal-text.ts";
import type { Look } from "./terminal.ts";

/** What a failed call leaves: the text for stderr and the process's exit code. */
export interface Failure {
  readonly text: string;
  readonly exit: number;
}

/** Errors of the operating system that reach the top unexplained. */
const SYSTEM_CODES: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: "environment.disk",
  EDQUOT: "environment.disk",
  EACCES: "environment.permission",
  EPERM: "environment.permission",
  EROFS: "environment.permission",
  EMFILE: "environment.io",
  EIO: "environment.io",
  ENOENT: "file.missing",
};

/** The error as an `IngotError`; undefined for a mistake of the program. */
function known(error: unknown): IngotError | undefined {
  if (error instanceof IngotError) return error;
  const system = error as NodeJS.ErrnoException;
  const code =
    typeof system?.code === "string" && typeof system.syscall === "string"
      ? SYSTEM_CODES[system.code]
      : undefined;
  return code === undefined
    ? undefined
    : new IngotError(code, system.message, { data: { where: system.path } });
}

/** True for a write to a pipe that nobody reads any more: the end of the conversation, not an error. */
export function isBrokenPipe(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException)?.code;
  return code === "EPIPE" || code === "ERR_STREAM_DESTROYED";
}

/** Code and first line of any thrown value, as the event `failed` tells them. */
export function asFailedEvent(error: unknown): { readonly code: string; readonly message: string } {
  const ingot = known(error);
  const message = ingot?.message ?? (error instanceof Error ? error.message : String(error));
  return { code: ingot?.code ?? "bug", message: message.split("\n")[0] ?? "" };
}

/** Maps any thrown value to what stderr shows and the exit code. The only place that does. */
export function describeFailure(
  error: unknown,
  { json, look, debug }: { json: boolean; look: Look; debug: boolean },
): Failure {
  const ingot = known(error);
  if (ingot === undefined) return describeBug(error, json, look, debug);
  const where = typeof ingot.data.where === "string" ? ingot.data.where : undefined;
  if (json) {
    const { where: _, ...data } = ingot.data;
    const object = {
      code: ingot.code,
      what: ingot.message,
      where,
      fix: ingot.hint,
      exit: ingot.exit,
      ...(Object.keys(data).length > 0 ? { data } : {}),
    };
    return { text: `${JSON.stringify({ error: object }, jsonValue)}\n`, exit: ingot.exit };
  }
  const lines = [`${look.paint("red", `error[${ingot.code}]:`)} ${escapeControl(ingot.message)}`];
  if (where !== undefined && !ingot.message.includes(where)) lines.push(`where: ${escapeControl(where)}`);
  if (ingot.hint !== undefined) lines.push(`${look.paint("cyan", "hint:")} ${escapeControl(ingot.hint)}`);
  if (debug) lines.push(stackOf(error));
  return { text: `${lines.join("\n")}\n`, exit: ingot.exit };
}

function describeBug(error: unknown, json: boolean, look: Look, debug: boolean): Failure {
  const what = redact(error instanceof Error ? error.message : String(error));
  const fix =
    "this is a mistake of ingot: please report it, with the output of the same command under INGOT_DEBUG=1";
  if (json) return { text: `${JSON.stringify({ error: { code: "bug", what, fix, exit: 1 } })}\n`, exit: 1 };
  const lines = [
    `${look.paint("red", "error[bug]:")} ${escapeControl(what)}`,
    `${look.paint("cyan", "hint:")} ${fix}`,
  ];
  if (debug) lines.push(stackOf(error));
  return { text: `${lines.join("\n")}\n`, exit: 1 };
}

function stackOf(error: unknown): string {
  const lines: string[] = [];
  for (let e: unknown = error; e instanceof Error; e = e.cause) lines.push(redact(e.stack ?? e.message));
  return lines.join("\ncaused by: ");
}

function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  return value;
}
