import type { Oid } from "../base/oid.ts";
import { formatTime } from "../base/time.ts";
import type { CommitRecord, Metrics } from "../objects/records.ts";
import type { Repository } from "../repo/repository.ts";
import { resolveRevision } from "../repo/resolve.ts";
import type { Context } from "./context.ts";
import { walkBack, walkVersions } from "./history.ts";
import { callVersion, indexRefNames, indexVersions, type VersionIndex } from "./versions.ts";

export interface LogOptions {
  /** `REV` or `REV..REV`; every version where absent. */
  readonly range?: string;
  readonly count?: number;
}

export interface LogEntry {
  /** `v3`; the first digits of the id where it has no number here. */
  readonly version: string;
  readonly commit: Oid;
  readonly parents: readonly Oid[];
  /** Names of the parents. */
  readonly parentVersions: readonly string[];
  readonly snapshot: Oid;
  /** Short names, HEAD first. */
  readonly refs: readonly string[];
  readonly author: string;
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly message: string;
  readonly datasets: readonly {
    readonly name: string;
    readonly dataset: Oid;
    readonly role: string;
    readonly tokens: number;
  }[];
  readonly recipe?: Readonly<Record<string, unknown>>;
  readonly metrics: { readonly before?: Metrics; readonly after?: Metrics };
  readonly training?: CommitRecord["training"];
  readonly evolution?: Oid;
  /** Why a keep gate put it aside. */
  readonly aside?: string;
  /** True for a version that was deleted and stands here only as an ancestor. */
  readonly dropped?: boolean;
}

/** Versions, newest first, read as they are asked for. */
export async function* log(
  context: Context,
  { range, count = Number.POSITIVE_INFINITY }: LogOptions,
): AsyncGenerator<LogEntry> {
  const repo = await context.openRepository();
  const refs = await repo.refs();
  const index = indexVersions(refs);
  const names = indexRefNames(refs);
  let left = count;
  if (left <= 0) return;
  for await (const { oid, commit } of await openWalk(repo, index, range)) {
    yield describeEntry(oid, commit, index, names.get(oid) ?? []);
    if (--left <= 0) return;
  }
}

async function openWalk(repo: Repository, index: VersionIndex, range: string | undefined) {
  if (range === undefined) return walkVersions(repo, index);
  const dots = range.indexOf("..");
  if (dots < 0) return walkBack(repo, index, [await resolveCommit(repo, range)], []);
  const from = await resolveCommit(repo, range.slice(0, dots) || "HEAD");
  const to = await resolveCommit(repo, range.slice(dots + 2) || "HEAD");
  return walkBack(repo, index, [to], [from]);
}

/** Id of the commit that a revision names. Throws `ref.missing`, or `input.version` for something that is no commit. */
export async function resolveCommit(repo: Repository, text: string): Promise<Oid> {
  return resolveRevision(repo, text);
}

/** One commit as `log` shows it. */
export function describeEntry(
  oid: Oid,
  commit: CommitRecord,
  index: VersionIndex,
  refs: readonly string[],
): LogEntry {
  return {
    version: callVersion(index, oid),
    commit: oid,
    parents: commit.parents,
    parentVersions: commit.parents.map((parent) => callVersion(index, parent)),
    snapshot: commit.snapshot,
    refs,
    author: authorText(commit),
    time: formatTime(commit.timeMs),
    message: commit.message,
    datasets: commit.datasets.map(({ name, dataset, role, tokens }) => ({ name, dataset, role, tokens })),
    ...(commit.recipe === undefined ? {} : { recipe: commit.recipe }),
    metrics: commit.metrics ?? {},
    ...(commit.training === undefined ? {} : { training: commit.training }),
    ...(commit.evolution === undefined ? {} : { evolution: commit.evolution }),
    ...(commit.aside === undefined ? {} : { aside: commit.aside }),
    ...(index.isDropped(oid) ? { dropped: true } : {}),
  };
}

/** `Ada <ada@example.org>` */
export function authorText({ author }: Pick<CommitRecord, "author">): string {
  return author.email === undefined ? author.name : `${author.name} <${author.email}>`;
}
