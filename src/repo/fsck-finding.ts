import type { IngotError } from "../base/errors.ts";

export type FindingCode =
  | "log.torn"
  | "log.damaged"
  | "log.missing"
  | "log.chain"
  | "state.damaged"
  | "index.damaged"
  | "pack.missing"
  | "pack.damaged"
  | "pack.orphan"
  | "entry.damaged"
  | "object.missing"
  | "object.damaged"
  | "ref.target";

export type Severity = "error" | "warning" | "notice";

/** A pull takes only what it does not have, so it does not heal; a clone verifies all it takes. */
const ELSEWHERE = "ingot clone a sound copy into a new folder; ingot fsck --deep there tells that it is one";

/** The one table of what fsck can find: how bad it is, and what to do. Codes are stable: programs match on them. */
export const FINDINGS: Readonly<Record<FindingCode, { readonly severity: Severity; readonly fix: string }>> =
  {
    "log.torn": {
      severity: "error",
      fix: "the next command that changes a ref puts it aside; if it was acknowledged, take it from a copy of the repository",
    },
    "log.damaged": { severity: "error", fix: "take this entry from a copy of the repository" },
    "log.missing": { severity: "error", fix: "take this entry from a copy of the repository" },
    "log.chain": { severity: "error", fix: "take the log from a copy of the repository" },
    "state.damaged": { severity: "error", fix: "remove the file: it is derived, and written again" },
    "index.damaged": { severity: "error", fix: "remove the folder 'idx': it is derived, and written again" },
    "pack.missing": { severity: "error", fix: ELSEWHERE },
    "pack.damaged": { severity: "error", fix: ELSEWHERE },
    "pack.orphan": { severity: "notice", fix: "ingot gc removes it a day after it was written" },
    "entry.damaged": {
      severity: "error",
      fix: `store the same file again, or ${ELSEWHERE}`,
    },
    "object.missing": { severity: "error", fix: ELSEWHERE },
    "object.damaged": {
      severity: "error",
      fix: `store the same file again, or ${ELSEWHERE}`,
    },
    "ref.target": { severity: "error", fix: "move the ref to something that is there, or ingot undo" },
  };

export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** Object, pack, ref or log entry that it is about. */
  readonly id: string;
  readonly what: string;
  /** File and byte, where known. */
  readonly where: string;
  /** Versions and refs that can't be used whole because of it. */
  readonly affects: readonly string[];
  readonly fix: string;
}

/** A finding with the severity and the remedy of its code. */
export function finding(code: FindingCode, id: string, what: string, where = id): Finding {
  return { code, ...FINDINGS[code], id, what, where, affects: [] };
}

/** A finding out of an error that a check met. */
export function findingOf(code: FindingCode, id: string, error: IngotError): Finding {
  return finding(code, id, error.message, String(error.data.where ?? id));
}
