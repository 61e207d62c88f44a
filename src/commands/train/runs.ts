import { IngotError } from "../../base/errors.ts";
import type { Oid } from "../../base/oid.ts";
import type { RefTable } from "../../repo/repository.ts";

/** An unfinished training: `runs/t<N>/<step>` refs, newest step last. */
export interface UnfinishedRun {
  readonly run: string;
  readonly number: number;
  readonly checkpoints: readonly { readonly step: number; readonly oid: Oid; readonly ref: string }[];
}

const REF = /^runs\/(t(0|[1-9][0-9]*))\/(0|[1-9][0-9]*)$/;

/** Unfinished trainings, oldest first. */
export function unfinishedRuns(refs: RefTable): readonly UnfinishedRun[] {
  const runs = new Map<
    string,
    { run: string; number: number; checkpoints: { step: number; oid: Oid; ref: string }[] }
  >();
  for (const { name, value } of refs.list("runs/")) {
    const match = REF.exec(name);
    if (match === null || !("oid" in value)) continue;
    const run = runs.get(match[1]!) ?? { run: match[1]!, number: Number(match[2]), checkpoints: [] };
    run.checkpoints.push({ step: Number(match[3]), oid: value.oid, ref: name });
    runs.set(run.run, run);
  }
  for (const run of runs.values()) run.checkpoints.sort((a, b) => a.step - b.step);
  return [...runs.values()].sort((a, b) => a.number - b.number);
}

/** The run to resume: the one named, or the newest. Throws `run.missing`. */
export function findRun(refs: RefTable, name: string | undefined): UnfinishedRun {
  const runs = unfinishedRuns(refs);
  const found = name === undefined ? runs.at(-1) : runs.find((r) => r.run === name);
  if (found === undefined) {
    throw new IngotError(
      "run.missing",
      name === undefined ? "no training is unfinished" : `no unfinished training '${name}'`,
      { hint: runs.length > 0 ? `unfinished: ${runs.map((r) => r.run).join(", ")}` : "ingot train DATA" },
    );
  }
  return found;
}
