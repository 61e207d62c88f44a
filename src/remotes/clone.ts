import { IngotError } from "../base/errors.ts";
import type { RefEdit } from "../objects/records.ts";
import type { RefTable, Repository } from "../repo/repository.ts";
import type { Remote, RemoteState, TransferEvent } from "./port.ts";
import { freeRefs, publicationOf } from "./pull.ts";
import { openReceiver, sameValue } from "./receiver.ts";
import { checkState, tipsOf, trackingEdits } from "./remote-refs.ts";
import { isProtected } from "./tips.ts";
import { transferAndPublish } from "./transfer.ts";
import type { Tip } from "./walk.ts";

export interface CloneOptions {
  /** Name that the remote gets here: `origin`. */
  readonly remote: string;
  readonly command: string;
}

export interface ClonePlan {
  readonly options: CloneOptions;
  readonly state: RemoteState;
}

export interface CloneResult {
  readonly n: number | undefined;
  readonly edits: readonly RefEdit[];
}

/** Plans a clone; changes nothing. The new repository is made with the id of `state`. */
export async function planClone(remote: Remote, options: CloneOptions): Promise<ClonePlan> {
  return { options, state: checkState(await remote.state()) };
}

/**
 * Fills a fresh repository: branches, tags, data, production and its like, HEAD, and `remotes/<remote>/...`, as one operation.
 * Throws `conflict.exists` where the repository has a version already.
 */
export async function* executeClone(
  local: Repository,
  remote: Remote,
  plan: ClonePlan,
  signal?: AbortSignal,
): AsyncGenerator<TransferEvent, CloneResult> {
  const refs = await local.refs();
  if (refs.list("tags/").length > 0 || refs.list("heads/").length > 0) {
    throw new IngotError("conflict.exists", `'${local.location}' has versions already`, {
      hint: "clone into a new folder",
    });
  }
  const receiver = await openReceiver(local, remote.location);
  const options = {
    source: remote,
    receiver,
    tips: [...tipsOf(plan.state.refs), ...headTip(plan.state)],
    complete: new Set<never>(),
    signal,
  };
  const published = yield* transferAndPublish(options, (commits) =>
    publicationOf(plan, cloneEdits(refs, plan), commits),
  );
  return { n: published.n, edits: published.edits };
}

/** A detached HEAD may be all that keeps its commit. */
function headTip({ refs }: RemoteState): readonly Tip[] {
  const head = refs.find(({ name }) => name === "HEAD")?.value;
  return head !== undefined && "oid" in head ? [{ oid: head.oid, expect: "commit" }] : [];
}

function cloneEdits(local: RefTable, { options, state }: ClonePlan): RefEdit[] {
  const copied = state.refs.filter(
    ({ name, value }) => "oid" in value && (name.startsWith("heads/") || isProtected(name)),
  );
  const edits: RefEdit[] = copied.map(({ name, value }) => ({ ref: name, new: value }));
  const old = local.get("HEAD");
  const head = state.refs.find(({ name }) => name === "HEAD")?.value;
  if (head !== undefined && !sameValue(old, head))
    edits.push({ ref: "HEAD", ...(old === undefined ? {} : { old }), new: head });
  return [
    ...edits,
    ...freeRefs(local, state.refs).edits,
    ...trackingEdits(local, options.remote, state.refs, { prune: false }),
  ];
}
