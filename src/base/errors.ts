/** What went wrong, in broad classes; `cli/` alone maps them to text. */
export type ErrorKind =
  | "usage"
  | "input"
  | "missing"
  | "conflict"
  | "integrity"
  | "environment"
  | "remote"
  | "refused"
  | "limit"
  | "paused";

interface CodeEntry {
  readonly kind: ErrorKind;
  /** Process exit code; the meaning of each number is the table of `ingot help exit-codes`. */
  readonly exit: number;
}

/** The one table of error codes. A code is stable: programs match on it. */
export const ERROR_CODES = {
  "usage.command": { kind: "usage", exit: 2 },
  "usage.flag": { kind: "usage", exit: 2 },
  "usage.argument": { kind: "usage", exit: 2 },
  "usage.name": { kind: "usage", exit: 2 },
  "usage.confirm": { kind: "usage", exit: 2 },
  "usage.recipe": { kind: "usage", exit: 2 },
  "usage.config": { kind: "usage", exit: 2 },

  "input.format": { kind: "input", exit: 3 },
  "input.onnx": { kind: "input", exit: 3 },
  "input.safetensors": { kind: "input", exit: 3 },
  "input.json": { kind: "input", exit: 3 },
  "input.row": { kind: "input", exit: 3 },
  "input.path": { kind: "input", exit: 3 },
  "input.name": { kind: "input", exit: 3 },
  "input.changed": { kind: "input", exit: 3 },
  "input.adapter": { kind: "input", exit: 3 },
  "input.model": { kind: "input", exit: 3 },
  "input.operator": { kind: "input", exit: 3 },
  "input.tokenizer": { kind: "input", exit: 3 },
  "input.tensor": { kind: "input", exit: 3 },
  "input.version": { kind: "input", exit: 3 },

  "file.missing": { kind: "missing", exit: 4 },
  "repository.missing": { kind: "missing", exit: 4 },
  "ref.missing": { kind: "missing", exit: 4 },
  "object.missing": { kind: "missing", exit: 4 },
  "object.ambiguous": { kind: "missing", exit: 4 },
  "run.missing": { kind: "missing", exit: 4 },
  "undo.nothing": { kind: "missing", exit: 4 },
  "undo.gone": { kind: "missing", exit: 4 },

  "conflict.ref": { kind: "conflict", exit: 5 },
  "conflict.exists": { kind: "conflict", exit: 5 },
  "conflict.lease": { kind: "conflict", exit: 5 },
  "conflict.remote": { kind: "conflict", exit: 5 },

  "integrity.blob": { kind: "integrity", exit: 6 },
  "integrity.record": { kind: "integrity", exit: 6 },
  "integrity.pack": { kind: "integrity", exit: 6 },
  "integrity.log": { kind: "integrity", exit: 6 },
  "integrity.reference": { kind: "integrity", exit: 6 },
  "integrity.fsck": { kind: "integrity", exit: 6 },
  "integrity.reproduce": { kind: "integrity", exit: 6 },

  "environment.disk": { kind: "environment", exit: 7 },
  "environment.permission": { kind: "environment", exit: 7 },
  "environment.io": { kind: "environment", exit: 7 },
  "environment.runtime": { kind: "environment", exit: 7 },
  "environment.memory": { kind: "environment", exit: 7 },

  "remote.address": { kind: "remote", exit: 8 },
  "remote.unreachable": { kind: "remote", exit: 8 },

  "refused.gate": { kind: "refused", exit: 9 },
  "refused.aside": { kind: "refused", exit: 9 },
  "refused.lock": { kind: "refused", exit: 9 },
  "refused.policy": { kind: "refused", exit: 9 },
  "refused.owner": { kind: "refused", exit: 9 },

  "limit.size": { kind: "limit", exit: 10 },
  "limit.time": { kind: "limit", exit: 10 },
  "limit.depth": { kind: "limit", exit: 10 },
  "limit.engine": { kind: "limit", exit: 10 },

  "paused.run": { kind: "paused", exit: 75 },
} as const satisfies Record<string, CodeEntry>;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface ErrorDetails {
  /** One command to run next, or what to change. */
  readonly hint?: string | undefined;
  /** Facts for programs; `where` (file, byte, field, node) is shown to people as well. */
  readonly data?: Record<string, unknown> | undefined;
  readonly cause?: unknown;
}

/** An error a user can meet. The message is lower case, without a full stop, and names its subject in quotes. */
export class IngotError extends Error {
  override readonly name = "IngotError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly data: Record<string, unknown>;

  constructor(code: ErrorCode, message: string, { hint, data = {}, cause }: ErrorDetails = {}) {
    super(redact(message), { cause });
    this.code = code;
    this.hint = hint === undefined ? undefined : redact(hint);
    this.data = data;
  }

  /** Process exit code of this error. */
  get exit(): number {
    return ERROR_CODES[this.code].exit;
  }
}

/** Reports a state that cannot be: a mistake of the program, never of its user. */
export function bug(message: string): never {
  throw new Error(`bug: ${message}`);
}

/** Hides the password of any `scheme://user:password@host` in a text. */
export function redact(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/[^\s/:@]*):[^\s/@]+@/gi, "$1:***@");
}
