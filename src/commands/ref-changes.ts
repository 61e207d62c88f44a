import type { Oid } from "../base/oid.ts";
import type { OperationRecord, RefEdit, RefValue } from "../objects/records.ts";

/** A moved ref as programs see it; no `old` = made, no `new` = gone. */
export interface RefChange {
  readonly name: string;
  readonly old?: string;
  readonly new?: string;
}

/** What a command that changes refs gives back. */
export interface RefsChanged {
  /** Number of the operation in the log. */
  readonly operation: number;
  readonly refs: readonly RefChange[];
}

/** Result of a published operation. */
export function refsChanged(operation: Pick<OperationRecord, "n" | "edits">): RefsChanged {
  return { operation: operation.n, refs: operation.edits.map(refChange) };
}

/** One edit as commands tell it. */
export function refChange(edit: RefEdit): RefChange {
  return {
    name: edit.ref,
    ...(edit.old === undefined ? {} : { old: valueText(edit.old) }),
    ...(edit.new === undefined ? {} : { new: valueText(edit.new) }),
  };
}

/** A ref's value in one word: an id, or the full name of the branch that HEAD is on. */
export function valueText(value: RefValue): string {
  return "oid" in value ? value.oid : value.symbolic;
}

/** An edit from what a ref holds to an object. */
export function editTo(ref: string, old: RefValue | undefined, oid: Oid): RefEdit {
  return { ref, ...(old === undefined ? {} : { old }), new: { oid } };
}

/** An edit that removes a ref. */
export function editAway(ref: string, old: RefValue): RefEdit {
  return { ref, old };
}
