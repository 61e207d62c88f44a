import type { Oid } from "../base/oid.ts";
import type { AnyRecord, CommitRecord, TreeEntry } from "../objects/records.ts";
import { references } from "../objects/references.ts";
import type { RefTable, Repository } from "../repo/repository.ts";
import { resolveObject } from "../repo/resolve.ts";
import type { Context } from "./context.ts";
import { findDataset } from "./data/registry.ts";
import { childrenOf } from "./history.ts";
import { describeEntry, type LogEntry } from "./log.ts";
import { describeModel, type ModelDescription } from "./show-model.ts";
import { callVersion, indexRefNames, indexVersions } from "./versions.ts";

export interface ShownFile {
  readonly path: string;
  readonly id: Oid;
  readonly sizeBytes: number;
}

export interface ShownAdapter {
  readonly id: Oid;
  readonly method: string;
  readonly entry: string;
  readonly files: readonly ShownFile[];
}

/** A version with everything it refers to, one level deep. */
export interface ShownVersion extends LogEntry {
  readonly kind: "commit";
  readonly id: Oid;
  readonly base: {
    readonly model: Oid;
    readonly entry: string;
    readonly files: readonly ShownFile[];
    readonly description?: ModelDescription;
  };
  readonly adapters: readonly ShownAdapter[];
  readonly children: readonly { readonly version: string; readonly commit: Oid }[];
  /** True where HEAD stands on it. */
  readonly active: boolean;
  readonly environment: CommitRecord["environment"];
}

/** Any other object: its record and what it refers to. */
export interface ShownObject {
  readonly kind: Exclude<AnyRecord["kind"], "commit"> | "blob";
  readonly id: Oid;
  readonly sizeBytes: number;
  /** `faq:v2` and the like, where a dataset is registered. */
  readonly names: readonly string[];
  readonly record?: AnyRecord;
  readonly references: readonly {
    readonly field: string;
    readonly id: Oid;
    readonly kind: string;
    readonly record?: AnyRecord;
  }[];
  readonly description?: ModelDescription;
}

export type Shown = ShownVersion | ShownObject;

/** A revision, dataset or object in full. Throws `ref.missing`, `object.missing`, `object.ambiguous`. */
export async function show(context: Context, { what = "HEAD" }: { readonly what?: string }): Promise<Shown> {
  const repo = await context.openRepository();
  const refs = await repo.refs();
  const id = findDataset(refs, what)?.oid ?? (await resolveObject(repo, what));
  const record = await repo.findRecord(id);
  if (record?.kind === "commit") return showVersion(context, { repo, refs, id, commit: record });
  return showObject(context, { repo, refs, id, record });
}

async function showVersion(
  context: Context,
  { repo, refs, id, commit }: { repo: Repository; refs: RefTable; id: Oid; commit: CommitRecord },
): Promise<ShownVersion> {
  const index = indexVersions(refs);
  const snapshot = await repo.readRecord(commit.snapshot, "snapshot");
  const model = await repo.readRecord(snapshot.base, "model");
  const adapters: ShownAdapter[] = [];
  for (const adapterId of snapshot.adapters) {
    const { method, entry, tree } = await repo.readRecord(adapterId, "adapter");
    adapters.push({ id: adapterId, method, entry, files: await filesOf(repo, tree) });
  }
  const description = adapters.length === 0 ? await describeModel(context, snapshot.base) : undefined;
  return {
    kind: "commit",
    id,
    ...describeEntry(id, commit, index, indexRefNames(refs).get(id) ?? []),
    base: {
      model: snapshot.base,
      entry: model.entry,
      files: await filesOf(repo, model.tree),
      ...(description === undefined ? {} : { description }),
    },
    adapters,
    children: (await childrenOf(repo, index, id)).map(({ oid }) => ({
      version: callVersion(index, oid),
      commit: oid,
    })),
    active: refs.oid("HEAD") === id,
    environment: commit.environment,
  };
}

async function showObject(
  context: Context,
  {
    repo,
    refs,
    id,
    record,
  }: { repo: Repository; refs: RefTable; id: Oid; record: Exclude<AnyRecord, CommitRecord> | undefined },
): Promise<ShownObject> {
  const names = refs
    .list("data/")
    .flatMap(({ name, value }) =>
      "oid" in value && value.oid === id ? [name.slice("data/".length).replace(/\/v(\d+)$/, ":v$1")] : [],
    );
  const resolved = [];
  for (const { field, oid, expect } of record === undefined ? [] : references(record)) {
    const inner = expect === "blob" ? undefined : await repo.findRecord(oid);
    resolved.push({ field, id: oid, kind: expect, ...(inner === undefined ? {} : { record: inner }) });
  }
  const description = record?.kind === "model" ? await describeModel(context, id) : undefined;
  const { sizeBytes } = await repo.openObject(id);
  return {
    kind: record?.kind ?? "blob",
    id,
    sizeBytes,
    names,
    ...(record === undefined ? {} : { record }),
    references: resolved,
    ...(description === undefined ? {} : { description }),
  };
}

async function filesOf(repo: Repository, tree: Oid): Promise<readonly ShownFile[]> {
  return (await repo.readRecord(tree, "tree")).entries.map(({ path, blob, sizeBytes }: TreeEntry) => ({
    path,
    id: blob,
    sizeBytes,
  }));
}
