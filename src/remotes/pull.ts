import { IngotError } from "../base/errors.ts";
import type { Oid } from "../base/oid.ts";
import type { RefEdit, RefValue } from "../objects/records.ts";
import type { RefTable, Repository } from "../repo/repository.ts";
import type { Numbered, Publication, Remote, RemoteState, TransferEvent } from "./port.ts";
import { openReceiver, type RepositoryReceiver } from "./receiver.ts";
import { checkState, datasetsOf, renumbered, tipsOf, trackingEdits, versionsOf } from "./remote-refs.ts";
import { completeObjects, type NamedRef, versionNumber } from "./tips.ts";
import { transferAndPublish } from "./transfer.ts";

export interface PullOptions {
  /** Name of the remote, for `remotes/<remote>/...`. */
  readonly remote: string;
  /** Takes the remote's branch also where the own one has other versions. */
  readonly force?: boolean | undefined;
  /** Fetches alone: no branch moves. */
  readonly fetchOnly?: boolean | undefined;
  readonly command: string;
}

/** What a pull is going to do; a value. What it has to fetch is found out on the way. */
export interface PullPlan {
  readonly options: PullOptions;
  readonly state: RemoteState;
  /** Branch of HEAD with what it is here and there; undefined where HEAD is detached or the remote lacks the branch. */
  readonly branch: { readonly ref: string; readonly old: Oid | undefined; readonly next: Oid } | undefined;
  /** Changes of `remotes/<remote>/...`. */
  readonly tracking: readonly RefEdit[];
}

export type BranchOutcome = "none" | "unchanged" | "ahead" | "moved" | "forced" | "diverged";

export interface PullResult {
  /** Number of the operation; undefined where there was nothing new. */
  readonly n: number | undefined;
  readonly edits: readonly RefEdit[];
  readonly branch: BranchOutcome;
  /** Versions and datasets that have another number here. */
  readonly renumbered: readonly Numbered[];
  /** Tags that name another version here: the own ones stay. */
  readonly kept: readonly string[];
  /** Tracked refs that went back or aside at the remote. */
  readonly rewound: readonly string[];
}

/** Plans a pull; changes nothing. Throws what a remote's bad refs are: `input.name`, `limit.size`. */
export async function planPull(local: Repository, remote: Remote, options: PullOptions): Promise<PullPlan> {
  const state = checkState(await remote.state());
  const refs = await local.refs();
  const head = refs.get("HEAD");
  const ref = head !== undefined && "symbolic" in head ? head.symbolic : undefined;
  const next = ref === undefined || options.fetchOnly === true ? undefined : branchTip(state.refs, ref);
  const branch = ref === undefined || next === undefined ? undefined : { ref, old: refs.oid(ref), next };
  return {
    options,
    state,
    branch,
    tracking: trackingEdits(refs, options.remote, state.refs, { prune: true }),
  };
}

/**
 * Executes a plan: fetches, verifies, publishes tracking refs, tags, datasets and the branch as one operation. A branch that
 * has versions of its own stays where it is (`diverged`) unless `force` is set.
 */
export async function* executePull(
  local: Repository,
  remote: Remote,
  plan: PullPlan,
  signal?: AbortSignal,
): AsyncGenerator<TransferEvent, PullResult> {
  const receiver = await openReceiver(local, remote.location);
  const refs = await local.refs();
  let branch: BranchOutcome = "none";
  let rewound: readonly string[] = [];
  const { edits: tagEdits, kept } = freeRefs(refs, plan.state.refs);
  const options = {
    source: remote,
    receiver,
    tips: tipsOf(plan.state.refs),
    complete: completeObjects(refs.list("")),
    signal,
  };
  const published = yield* transferAndPublish(options, async (commits) => {
    branch = await branchOutcome(receiver, plan);
    rewound = await findRewound(receiver, plan.tracking);
    const moved = branch === "moved" || branch === "forced" ? branchEdit(plan) : [];
    return publicationOf(plan, [...plan.tracking, ...tagEdits, ...moved], commits);
  });
  return {
    n: published.n,
    edits: published.edits,
    branch,
    renumbered: renumbered([...published.versions, ...published.datasets]),
    kept,
    rewound,
  };
}

/**
 * The error for a pull whose branch could not follow; thrown by whoever asked for the branch to move. What was fetched has its
 * numbers by then: it says which are others here.
 */
export function divergedError(plan: PullPlan, renumbered: readonly Numbered[] = []): IngotError {
  const ref = plan.branch?.ref ?? "HEAD";
  const others = renumbered.map(({ sent, given }) => `; what is ${sent} there is ${given} here`);
  return new IngotError(
    "conflict.remote",
    `'${ref}' and '${plan.options.remote}' have versions that the other lacks${others.slice(0, 20).join("")}`,
    {
      hint: `everything was fetched: ingot log remotes/${plan.options.remote}/${ref}`,
      data: { where: ref, ref, here: plan.branch?.old, there: plan.branch?.next, renumbered },
    },
  );
}

/** What a pull or clone takes over: refs, and the versions and datasets of the commits that arrive. */
export function publicationOf(
  { options, state }: { readonly options: { readonly command: string }; readonly state: RemoteState },
  edits: readonly RefEdit[],
  commits: readonly Oid[],
): Publication {
  const arriving = new Set(commits);
  return {
    command: options.command,
    edits,
    commits,
    versions: versionsOf(state.refs).filter(({ commit }) => arriving.has(commit)),
    datasets: datasetsOf(state.refs),
  };
}

/** Tags without a number, evaluations and signatures: what is absent here comes, what is here stays. */
export function freeRefs(
  local: RefTable,
  refs: readonly NamedRef[],
): { readonly edits: readonly RefEdit[]; readonly kept: readonly string[] } {
  const edits: RefEdit[] = [];
  const kept: string[] = [];
  for (const { name, value } of refs) {
    if (
      !(name.startsWith("tags/") || name.startsWith("about/")) ||
      versionNumber(name) !== undefined ||
      !("oid" in value)
    )
      continue;
    const here = local.oid(name);
    if (here === undefined) edits.push({ ref: name, new: value });
    else if (here !== value.oid) kept.push(name);
  }
  return { edits, kept };
}

function branchTip(refs: readonly NamedRef[], name: string): Oid | undefined {
  const value: RefValue | undefined = refs.find((ref) => ref.name === name)?.value;
  return value !== undefined && "oid" in value ? value.oid : undefined;
}

function branchEdit({ branch }: PullPlan): RefEdit[] {
  if (branch === undefined) return [];
  return [
    {
      ref: branch.ref,
      ...(branch.old === undefined ? {} : { old: { oid: branch.old } }),
      new: { oid: branch.next },
    },
  ];
}

async function branchOutcome(
  receiver: RepositoryReceiver,
  { branch, options }: PullPlan,
): Promise<BranchOutcome> {
  if (branch === undefined) return "none";
  if (branch.old === branch.next) return "unchanged";
  if (branch.old === undefined || (await receiver.isAncestor(branch.old, branch.next))) return "moved";
  if (await receiver.isAncestor(branch.next, branch.old)) return "ahead";
  return options.force === true ? "forced" : "diverged";
}

async function findRewound(
  receiver: RepositoryReceiver,
  tracking: readonly RefEdit[],
): Promise<readonly string[]> {
  const rewound: string[] = [];
  for (const { ref, old, new: next } of tracking) {
    if (old === undefined || next === undefined || !("oid" in old) || !("oid" in next)) continue;
    if (!(await receiver.isAncestor(old.oid, next.oid))) rewound.push(ref.split("/").slice(2).join("/"));
  }
  return rewound;
}
