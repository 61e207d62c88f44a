import { compareText } from "../base/canonical.ts";
import { LIMITS } from "../base/limits.ts";
import { assertName, assertRefName } from "../base/names.ts";
import { assertTreePath } from "../base/paths.ts";
import type { CommitRecord, EvolutionRecord, OperationRecord, RefValue, TreeRecord } from "./records.ts";

/** What the fields of a record break together, and where. */
export interface RuleFault {
  readonly field: string;
  readonly what: string;
}

/** Checks what no single field shows. Bad paths and names are thrown as `input.path` and `input.name`. */
export type Rule<R> = (record: R) => RuleFault | undefined;

export const treeRule: Rule<TreeRecord> = ({ entries }) => {
  if (entries.length > LIMITS.treeEntries) {
    return { field: "entries", what: `has more than ${LIMITS.treeEntries} entries` };
  }
  // A file and a folder of the same name need not be neighbours in the order of bytes: `a-b` lies between `a` and `a/b`.
  const files = new Set<string>();
  let previous: string | undefined;
  for (const [i, { path }] of entries.entries()) {
    assertTreePath(path);
    if (previous !== undefined && compareText(previous, path) >= 0) {
      return {
        field: `entries.${i}.path`,
        what: previous === path ? "stands twice" : "is not in the order of its bytes",
      };
    }
    for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1)) {
      if (files.has(path.slice(0, slash))) {
        return { field: `entries.${i}.path`, what: `has the file '${path.slice(0, slash)}' as a folder` };
      }
    }
    files.add(path);
    previous = path;
  }
  return undefined;
};

export const entryRule: Rule<{ readonly entry: string }> = ({ entry }) => {
  assertTreePath(entry);
  return undefined;
};

export const evolutionRule: Rule<EvolutionRecord> = ({ steps, learningRates, positions }) => {
  if (learningRates.length !== steps.length)
    return { field: "learningRates", what: "is not as long as 'steps'" };
  if (positions.length !== steps.length) return { field: "positions", what: "is not as long as 'steps'" };
  const fall = steps.findIndex((step, i) => i > 0 && step <= (steps[i - 1] as number));
  return fall < 0 ? undefined : { field: `steps.${fall}`, what: "does not rise" };
};

export const commitRule: Rule<CommitRecord> = ({ parents, evolution, evolutionTimesMs }) => {
  if (new Set(parents).size !== parents.length) return { field: "parents", what: "names a commit twice" };
  if ((evolution === undefined) !== (evolutionTimesMs === undefined)) {
    return { field: "evolutionTimesMs", what: "stands with 'evolution' or not at all" };
  }
  return undefined;
};

export const operationRule: Rule<OperationRecord> = ({ n, previous, undoes, edits, packs, counters }) => {
  if ((previous === undefined) !== (n === 1)) {
    return { field: "previous", what: n === 1 ? "stands in entry 1" : "is missing after entry 1" };
  }
  if (undoes !== undefined && undoes >= n) return { field: "undoes", what: "is not an earlier entry" };
  const seen = new Set<string>();
  for (const [i, edit] of edits.entries()) {
    assertRefName(edit.ref, "record");
    if (seen.has(edit.ref)) return { field: `edits.${i}.ref`, what: "is edited twice" };
    seen.add(edit.ref);
    if (edit.old === undefined && edit.new === undefined)
      return { field: `edits.${i}`, what: "has neither 'old' nor 'new'" };
    const fault = valueFault(edit.ref, edit.old) ?? valueFault(edit.ref, edit.new);
    if (fault !== undefined) return { field: `edits.${i}`, what: fault };
  }
  for (const list of ["add", "condemn", "drop"] as const) {
    if (new Set(packs[list]).size !== packs[list].length)
      return { field: `packs.${list}`, what: "names a pack twice" };
  }
  for (const name of Object.keys(counters)) assertName(name, "record");
  return undefined;
};

function valueFault(ref: string, value: RefValue | undefined): string | undefined {
  if (value === undefined || !("symbolic" in value)) return undefined;
  if (ref !== "HEAD") return "is symbolic, which only HEAD can be";
  assertRefName(value.symbolic, "record");
  return value.symbolic.startsWith("heads/") ? undefined : "names no branch";
}
