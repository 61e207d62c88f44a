import path from "node:path";
import { IngotError } from "../base/errors.ts";
import type { Oid } from "../base/oid.ts";
import type { RefEdit } from "../objects/records.ts";
import { type CloneResult, executeClone, planClone } from "../remotes/clone.ts";
import type { Numbered, TransferEvent } from "../remotes/port.ts";
import { divergedError, executePull, type PullResult, planPull } from "../remotes/pull.ts";
import { executePush, type PushPlan, planPush } from "../remotes/push.ts";
import { initRepository, openRepository } from "../repo/open.ts";
import type { Repository } from "../repo/repository.ts";
import { findRefName } from "../repo/resolve.ts";
import { userPathKind } from "../storage/files.ts";
import type { Context } from "./context.ts";
import { actorText, makeRepositoryFolder, REPOSITORY_FOLDER } from "./open-context.ts";
import { type RefChange, refChange } from "./ref-changes.ts";
import { DEFAULT_REMOTE, findRemote, openRemote } from "./remote.ts";
import { editSettingsFile } from "./settings-file.ts";
import { indexVersions } from "./versions.ts";

/** What has travelled so far, then the result. */
export type ShareEvent = TransferEvent | ShareDone;

export interface ShareDone {
  readonly event: "done";
  readonly remote: string;
  readonly url: string;
  /** Number of the operation where refs moved; absent where nothing changed. */
  readonly operation?: number;
  readonly refs: readonly RefChange[];
  readonly objects: number;
  readonly sizeBytes: number;
  /** Versions and datasets whose number was taken on the other side. */
  readonly renumbered: readonly { readonly id: Oid; readonly from?: string; readonly to: string }[];
  /** Of a pull: what became of the branch. */
  readonly branch?: string;
  readonly root?: string;
}

/** What a push would send. */
export interface PushPreview {
  readonly remote: string;
  readonly url: string;
  readonly refs: readonly RefChange[];
  readonly missing: { readonly objects: number; readonly sizeBytes: number };
}

export interface PushOptions {
  readonly remote?: string;
  readonly refs?: readonly string[];
  readonly force?: boolean;
}

/** What a push would do; nothing is sent. The place must be a repository already. */
export async function previewPush(context: Context, options: PushOptions): Promise<PushPreview> {
  const { name, url, plan, close } = await openPush(context, options, false);
  await close();
  return { remote: name, url, refs: plan.edits.map(refChange), missing: plan.missing };
}

/** Sends refs and all they need: everything or nothing. The last event is `done`. */
export async function* push(context: Context, options: PushOptions): AsyncGenerator<ShareEvent> {
  const { name, url, plan, remote, close } = await openPush(context, options, true);
  try {
    const events = executePush(await context.openRepository(), remote, plan, context.signal);
    const { result, last } = yield* forward(events);
    yield doneOf({ remote: name, url }, result, last);
  } finally {
    await close();
  }
}

/** Fetches what a remote has, verifies it, and fast-forwards the branch of HEAD. Throws `conflict.remote` where it went another way. */
export async function* pull(
  context: Context,
  { remote: word = DEFAULT_REMOTE }: { readonly remote?: string },
): AsyncGenerator<ShareEvent> {
  const { name, url } = findRemote(context, word);
  const repo = await context.openRepository();
  const remote = await openRemote(context, url);
  try {
    const plan = await planPull(repo, remote, { remote: name, command: context.commandLine });
    const { result, last } = yield* forward<PullResult>(executePull(repo, remote, plan, context.signal));
    if (result.branch === "diverged") throw divergedError(plan, result.renumbered);
    yield { ...doneOf({ remote: name, url }, result, last), branch: result.branch };
  } finally {
    await remote.close();
  }
}

/** Copies a repository to a new folder, which remembers where it came from as `origin`. */
export async function* clone(
  context: Context,
  { from, dir }: { readonly from: string; readonly dir?: string },
): AsyncGenerator<ShareEvent> {
  const remote = await openRemote(context, from);
  try {
    const url = path.resolve(context.cwd, from);
    const root = path.resolve(context.cwd, dir ?? path.basename(url));
    const plan = await planClone(remote, { remote: DEFAULT_REMOTE, command: context.commandLine });
    const repo = await openClone(context, root, plan.state.id);
    try {
      const { result, last } = yield* forward<CloneResult>(executeClone(repo, remote, plan, context.signal));
      await editSettingsFile(
        path.join(root, REPOSITORY_FOLDER, "config.toml"),
        `remote.${DEFAULT_REMOTE}.url`,
        url,
      );
      yield { ...doneOf({ remote: DEFAULT_REMOTE, url }, { ...result, renumbered: [] }, last), root };
    } finally {
      await repo.close();
    }
  } finally {
    await remote.close();
  }
}

/** A fresh repository; or the one that an interrupted clone of the same repository left, still without a version. */
async function openClone(context: Context, root: string, id: string): Promise<Repository> {
  const place = path.join(root, REPOSITORY_FOLDER);
  const options = { clock: context.clock, random: context.random, actor: actorText(context) };
  if (userPathKind(place) === undefined) {
    makeRepositoryFolder(root);
    return initRepository(place, { ...options, id });
  }
  const left = await openRepository(place, options);
  if (left.id === id && indexVersions(await left.refs()).listed.length === 0) return left;
  await left.close();
  throw new IngotError("conflict.exists", `'${root}' is a repository already`, {
    hint: "clone into a new folder, or ingot pull in this one",
    data: { where: root },
  });
}

async function openPush(
  context: Context,
  { remote: word = DEFAULT_REMOTE, refs, force = false }: PushOptions,
  mayCreate: boolean,
) {
  const { name, url } = findRemote(context, word);
  const repo = await context.openRepository();
  const remote = await openRemote(context, url, mayCreate ? repo.id : undefined);
  try {
    const table = await repo.refs();
    const full = refs?.map((ref) => findRefName(table, ref) ?? ref);
    const plan: PushPlan = await planPush(repo, remote, {
      remote: name,
      ...(full === undefined || full.length === 0 ? {} : { refs: full }),
      force,
      command: context.commandLine,
    });
    return { name, url, plan, remote, close: () => remote.close() };
  } catch (error) {
    await remote.close();
    throw error;
  }
}

async function* forward<Result>(
  events: AsyncGenerator<TransferEvent, Result>,
): AsyncGenerator<TransferEvent, { result: Result; last: TransferEvent | undefined }> {
  let last: TransferEvent | undefined;
  for (;;) {
    const next = await events.next();
    if (next.done === true) return { result: next.value, last };
    last = next.value;
    yield next.value;
  }
}

interface Shared {
  readonly n: number | undefined;
  readonly edits: readonly RefEdit[];
  readonly renumbered: readonly Numbered[];
}

/** What every way of sharing ends with. `last`: what had travelled at the end. */
function doneOf(
  where: { readonly remote: string; readonly url: string },
  { n, edits, renumbered }: Shared,
  last: TransferEvent | undefined,
): ShareDone {
  return {
    event: "done",
    ...where,
    ...(n === undefined ? {} : { operation: n }),
    refs: edits.map(refChange),
    objects: last?.objects ?? 0,
    sizeBytes: last?.bytes ?? 0,
    renumbered: renumbered.map(renumber),
  };
}

function renumber({ oid, sent, given }: Numbered) {
  return { id: oid, ...(sent === undefined ? {} : { from: sent }), to: given };
}
