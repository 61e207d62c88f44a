import { IngotError } from "../base/errors.ts";
import { assertRefName } from "../base/names.ts";
import type { Oid } from "../base/oid.ts";
import type { RefEdit } from "../objects/records.ts";
import type { RefTable, Repository } from "../repo/repository.ts";
import type { Numbered, Publication, Published, Remote, RemoteState, TransferEvent } from "./port.ts";
import { isAncestor } from "./receiver.ts";
import { checkState, datasetsOf, renumbered, trackingEdits, versionsOf } from "./remote-refs.ts";
import { completeObjects, expectedAt, isProtected, type NamedRef, versionNumber } from "./tips.ts";
import { transferAndPublish } from "./transfer.ts";
import { type Tip, walk } from "./walk.ts";

export interface PushOptions {
  /** Name of the remote, for `remotes/<remote>/...`. */
  readonly remote: string;
  /** Full names of the refs to push; by default all branches, tags and datasets. */
  readonly refs?: readonly string[] | undefined;
  /** Overwrites what is not an ancestor, as long as the remote still has what this push saw. */
  readonly force?: boolean | undefined;
  readonly command: string;
}

/** What a push is going to do; a value. */
export interface PushPlan {
  readonly options: PushOptions;
  readonly state: RemoteState;
  /** Changes of single refs, with what the remote has now. */
  readonly edits: readonly RefEdit[];
  readonly publication: Publication;
  readonly tips: readonly Tip[];
  /** Objects that the remote lacks. */
  readonly missing: { readonly objects: number; readonly sizeBytes: number };
  /** False where the two repositories do not come from one another. */
  readonly related: boolean;
}

export interface PushResult {
  /** Number of the operation at the remote; undefined where it had everything. */
  readonly n: number | undefined;
  readonly edits: readonly RefEdit[];
  /** Versions and datasets that have another number there. */
  readonly renumbered: readonly Numbered[];
}

/**
 * Plans a push; changes nothing. Throws `ref.missing` for a ref that is not here, `usage.argument` for one that never
 * travels, `conflict.remote` where the remote has what this side has not seen and `force` is not set.
 */
export async function planPush(local: Repository, remote: Remote, options: PushOptions): Promise<PushPlan> {
  const state = checkState(await remote.state());
  const refs = await local.refs();
  const selected = selectRefs(refs, options.refs);
  const theirs = new Map(state.refs.map(({ name, value }) => [name, value]));

  const edits: RefEdit[] = [];
  for (const { name, value } of selected) {
    if (name.startsWith("data/") || versionNumber(name) !== undefined || !("oid" in value)) continue;
    const old = theirs.get(name);
    if (old !== undefined && "oid" in old) {
      if (old.oid === value.oid) continue;
      await assertMayMove(local, refs, { name, old: old.oid, next: value.oid }, options);
    }
    edits.push({ ref: name, ...(old === undefined ? {} : { old }), new: value });
  }

  const tips = selected.flatMap(({ name, value }): Tip[] =>
    "oid" in value ? [{ oid: value.oid, expect: expectedAt(name) ?? "commit" }] : [],
  );
  const complete = completeObjects(state.refs);
  const found = await findMissing(local, remote, tips, complete);
  const travelling = new Set([...found.objects, ...tips.map(({ oid }) => oid)]);
  for (const edit of aboutEdits(refs, theirs, travelling)) edits.push(edit);
  const allTips = [...tips, ...aboutTips(edits)];
  const publication = {
    command: options.command,
    edits,
    commits: [],
    versions: versionsOf(refs.list("")),
    datasets: datasetsOf(selected),
  };
  return {
    options,
    state,
    edits,
    publication,
    tips: allTips,
    missing: { objects: found.objects.size, sizeBytes: found.sizeBytes },
    related: state.id === local.id || state.refs.length <= 1,
  };
}

/** Executes a plan: sends what is missing, publishes all refs or none, then notes what the remote has. */
export async function* executePush(
  local: Repository,
  remote: Remote,
  plan: PushPlan,
  signal?: AbortSignal,
): AsyncGenerator<TransferEvent, PushResult> {
  const { tips, publication, options } = plan;
  const source = { location: local.location, open: (oid: Oid) => local.openObject(oid) };
  const receiver = await remote.receive();
  const complete = completeObjects(plan.state.refs);
  const published: Published = yield* transferAndPublish(
    { source, receiver, tips, complete, signal },
    (commits) => {
      const travelling = new Set(commits);
      return {
        ...publication,
        commits,
        versions: publication.versions.filter(({ commit }) => travelling.has(commit)),
      };
    },
  );
  await noteRemote(local, remote, options);
  return {
    n: published.n,
    edits: published.edits,
    renumbered: renumbered([...published.versions, ...published.datasets]),
  };
}

async function noteRemote(
  local: Repository,
  remote: Remote,
  { remote: name, command }: PushOptions,
): Promise<void> {
  const { refs: theirs } = checkState(await remote.state());
  const known: NamedRef[] = [];
  for (const ref of theirs) if ("oid" in ref.value && (await local.has(ref.value.oid))) known.push(ref);
  const edits = (refs: RefTable) => trackingEdits(refs, name, known, { prune: false });
  if (edits(await local.refs()).length === 0) return;
  await local.operate((refs) => ({ command, edits: edits(refs), housekeeping: true }));
}

function selectRefs(refs: RefTable, names: readonly string[] | undefined): readonly NamedRef[] {
  if (names === undefined || names.length === 0) {
    return ["heads/", "tags/", "data/"].flatMap((prefix) => refs.list(prefix));
  }
  return [...new Set(names)].map((name) => {
    assertRefName(name, "typed");
    if (expectedAt(name) === undefined || name.startsWith("dropped/") || name.startsWith("about/")) {
      throw new IngotError("usage.argument", `the ref '${name}' is not pushed`, {
        hint: "branches, tags, data, production and staging are",
      });
    }
    const value = refs.get(name);
    if (value === undefined)
      throw new IngotError("ref.missing", `no ref '${name}'`, { hint: "ingot show-ref", data: { name } });
    return { name, value };
  });
}

interface Move {
  readonly name: string;
  readonly old: Oid;
  readonly next: Oid;
}

async function assertMayMove(
  local: Repository,
  refs: RefTable,
  { name, old, next }: Move,
  { remote, force }: PushOptions,
): Promise<void> {
  const refuse = (what: string, hint: string) =>
    new IngotError("conflict.remote", `'${name}' at '${remote}' ${what}`, {
      hint,
      data: { where: name, ref: name, expected: old, actual: next },
    });
  if (name.startsWith("tags/"))
    throw refuse("names another version, and tags never move", "choose another name for the tag");
  if (force === true) return;
  const tracked = refs.oid(`remotes/${remote}/${name}`);
  // A person moves these back as well as forward: what counts is that they saw what they overwrite.
  if (isProtected(name) && tracked === old) return;
  const parents = async (oid: Oid) => (await local.readRecord(oid, "commit")).parents;
  if ((await local.has(old)) && (await isAncestor(old, next, parents))) return;
  throw refuse("has versions that are not part of what is pushed", "ingot pull first, or push with --force");
}

async function findMissing(
  local: Repository,
  remote: Remote,
  tips: readonly Tip[],
  complete: ReadonlySet<Oid>,
): Promise<{ readonly objects: ReadonlySet<Oid>; readonly sizeBytes: number }> {
  const objects = new Set<Oid>();
  const sizes = new Map<Oid, number>();
  let batch: Oid[] = [];
  const ask = async (): Promise<void> => {
    for (const oid of await remote.missing(batch)) objects.add(oid);
    batch = [];
  };
  const read = async (oid: Oid) => {
    const record = await local.findRecord(oid);
    if (record === undefined)
      throw new IngotError("integrity.record", `'${oid}' is a blob, expected a record`, {
        hint: "ingot fsck",
        data: { where: oid },
      });
    return record;
  };
  for await (const { oid, record } of walk(tips, { complete, read })) {
    batch.push(oid);
    if (record?.kind === "tree") for (const entry of record.entries) sizes.set(entry.blob, entry.sizeBytes);
    if (batch.length >= 8192) await ask();
  }
  await ask();
  let sizeBytes = 0;
  for (const oid of objects) sizeBytes += sizes.get(oid) ?? (await local.openObject(oid)).sizeBytes;
  return { objects, sizeBytes };
}

/** Evaluations and signatures travel with what they are about. */
function aboutEdits(
  refs: RefTable,
  theirs: ReadonlyMap<string, NamedRef["value"]>,
  travelling: ReadonlySet<Oid>,
): RefEdit[] {
  return refs
    .list("about/")
    .flatMap(({ name, value }) =>
      travelling.has(name.split("/")[1] as Oid) && !theirs.has(name) ? [{ ref: name, new: value }] : [],
    );
}

function aboutTips(edits: readonly RefEdit[]): Tip[] {
  return edits.flatMap(({ ref, new: value }): Tip[] =>
    ref.startsWith("about/") && value !== undefined && "oid" in value
      ? [{ oid: value.oid, expect: "about" }]
      : [],
  );
}
