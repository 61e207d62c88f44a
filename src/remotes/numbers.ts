import type { Oid } from "../base/oid.ts";
import type { RefEdit } from "../objects/records.ts";
import type { RefTable } from "../repo/repository.ts";
import type { Numbered, Publication } from "./port.ts";
import { datasetNumber, versionNumber } from "./tips.ts";

/** A gap that a number from elsewhere may leave in a repository's own; beyond it the number is not taken over. */
const MAX_GAP = 100_000;

export interface Numbers {
  readonly edits: readonly RefEdit[];
  readonly numbered: readonly Numbered[];
}

export interface VersionContext {
  readonly refs: RefTable;
  readonly next: (counter: string) => number;
  /** True where a number was given away once, also if no ref says so any more. */
  readonly wasGiven: (number: number) => Promise<boolean>;
}

/**
 * Numbers for commits that arrive in a repository: each keeps its number where that was never given away here, and takes the
 * next free one where it was. Commits that have a number already keep it.
 */
export async function numberVersions(
  arriving: readonly Oid[],
  sent: Publication["versions"],
  context: VersionContext,
): Promise<Numbers> {
  const { refs, next, wasGiven } = context;
  const known = new Set<Oid>();
  for (const prefix of ["tags/v", "dropped/v"]) {
    for (const { name, value } of refs.list(prefix))
      if ("oid" in value && versionNumber(name) !== undefined) known.add(value.oid);
  }
  const wish = new Map(sent.map((version) => [version.commit, version]));
  const ordered = [...new Set(arriving)].filter((commit) => !known.has(commit));
  ordered.sort(
    (a, b) => (wish.get(a)?.number ?? Number.MAX_VALUE) - (wish.get(b)?.number ?? Number.MAX_VALUE),
  );

  const edits: RefEdit[] = [];
  const numbered: Numbered[] = [];
  const taken = new Set<number>();
  // The counter is how many numbers were given: the next one is its value.
  let free = refs.counter("version");
  for (const commit of ordered) {
    const wanted = wish.get(commit);
    let number = free;
    if (wanted !== undefined && !taken.has(wanted.number) && wanted.number - free < MAX_GAP) {
      if (wanted.number >= free || !(await wasGiven(wanted.number))) number = wanted.number;
    }
    while (free <= number) free = next("version");
    taken.add(number);
    edits.push({ ref: `${wanted?.dropped === true ? "dropped" : "tags"}/v${number}`, new: { oid: commit } });
    numbered.push({
      oid: commit,
      sent: wanted === undefined ? undefined : `v${wanted.number}`,
      given: `v${number}`,
    });
  }
  return { edits, numbered };
}

/** The same for datasets, whose numbers count by name. */
export function numberDatasets(sent: Publication["datasets"], refs: RefTable): Numbers {
  const edits: RefEdit[] = [];
  const numbered: Numbered[] = [];
  const highest = new Map<string, number>();
  const ordered = [...sent].sort((a, b) => datasetNumber(a.ref).number - datasetNumber(b.ref).number);
  for (const { ref, dataset } of ordered) {
    const { prefix, number } = datasetNumber(ref);
    const here = refs.list(prefix).filter(({ name }) => datasetNumber(name).prefix === prefix);
    if (here.some(({ value }) => "oid" in value && value.oid === dataset)) continue;
    if (
      edits.some(
        (edit) =>
          edit.ref.startsWith(prefix) &&
          edit.new !== undefined &&
          "oid" in edit.new &&
          edit.new.oid === dataset,
      )
    )
      continue;
    const most =
      highest.get(prefix) ?? here.reduce((most, { name }) => Math.max(most, datasetNumber(name).number), 0);
    const given = number > most && number - most < MAX_GAP ? number : most + 1;
    highest.set(prefix, given);
    edits.push({ ref: `${prefix}v${given}`, new: { oid: dataset } });
    numbered.push({ oid: dataset, sent: ref, given: `${prefix}v${given}` });
  }
  return { edits, numbered };
}
