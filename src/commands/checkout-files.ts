import path from "node:path";
import { hashBytes } from "../base/hash.ts";
import type { Oid } from "../base/oid.ts";
import { type ByteSource, bytesSource } from "../base/ports.ts";
import type { AdapterRecord, SnapshotRecord, TreeEntry } from "../objects/records.ts";
import { decodeModel } from "../onnx/decode.ts";
import type { Repository } from "../repo/repository.ts";
import { resolveRevision } from "../repo/resolve.ts";
import { writeUserFolder } from "../storage/user-folder.ts";
import type { Context } from "./context.ts";
import { externalFiles } from "./external-files.ts";
import { trainedModel } from "./trained-model.ts";
import { treeFile } from "./tree-file.ts";
import { callVersion, indexVersions } from "./versions.ts";

export interface CheckoutFilesOptions {
  readonly revision: string;
  readonly folder: string;
  /** Writes the base's files to `base/` beside an adapter. */
  readonly withBase?: boolean;
  /** Replaces files that are there. */
  readonly overwrite?: boolean;
}

export interface CheckoutFilesResult {
  readonly version: string;
  readonly commit: Oid;
  readonly folder: string;
  readonly files: readonly { readonly path: string; readonly id: Oid; readonly sizeBytes: number }[];
}

interface VersionFile {
  readonly path: string;
  readonly id: Oid;
  readonly sizeBytes: number;
  readonly source: ByteSource;
}

/**
 * Writes a version's files to a folder: the adapter in PEFT layout (the last one where there are several, the others in
 * `adapters/<n>/`), the model of a base, or after full training the trained model in the layout of its base. Every byte is verified on
 * the way.
 */
export async function checkoutFiles(
  context: Context,
  options: CheckoutFilesOptions,
): Promise<CheckoutFilesResult> {
  const repo = await context.openRepository();
  const commit = await resolveRevision(repo, options.revision);
  const record = await repo.readRecord(commit, "commit");
  const snapshot = await repo.readRecord(record.snapshot, "snapshot");
  const files = await versionFiles(repo, snapshot, options.withBase === true);
  const folder = path.resolve(context.cwd, options.folder);
  await writeUserFolder(
    folder,
    files.map(({ path: file, source }) => ({ path: file, source })),
    { overwrite: options.overwrite === true },
  );
  const version = callVersion(indexVersions(await repo.refs()), commit);
  return {
    version,
    commit,
    folder,
    files: files.map(({ path: file, id, sizeBytes }) => ({ path: file, id, sizeBytes })),
  };
}

async function versionFiles(
  repo: Repository,
  snapshot: SnapshotRecord,
  withBase: boolean,
): Promise<readonly VersionFile[]> {
  const adapters: { oid: Oid; record: AdapterRecord }[] = [];
  for (const oid of snapshot.adapters) adapters.push({ oid, record: await repo.readRecord(oid, "adapter") });
  const full = adapters.findLast(({ record }) => record.method === "full");
  const base = (prefix: string) => modelFiles(repo, snapshot.base, full?.oid, prefix);
  const last = adapters.at(-1);
  if (last === undefined || last.record.method === "full") return base("");
  const files = [...(await treeFiles(repo, last.record.tree, ""))];
  for (const [i, { record }] of adapters.slice(0, -1).entries()) {
    if (record.method === "lora") files.push(...(await treeFiles(repo, record.tree, `adapters/${i}/`)));
  }
  return withBase ? [...files, ...(await base("base/"))] : files;
}

/** A base's files; after full training with the trained weights in its ONNX file. */
async function modelFiles(
  repo: Repository,
  oid: Oid,
  full: Oid | undefined,
  prefix: string,
): Promise<readonly VersionFile[]> {
  const model = await repo.readRecord(oid, "model");
  const files = await treeFiles(repo, model.tree, prefix);
  if (full === undefined) return files;
  const { entries } = await repo.readRecord(model.tree, "tree");
  const trained = await trainedModel(repo, { entry: model.entry, files: entries }, full);
  const external = new Set(
    externalFiles(decodeModel(await readEntry(repo, entries, model.entry)), model.entry),
  );
  const kept = files.filter(({ path: file }) => {
    const name = file.slice(prefix.length);
    return name !== model.entry && (!external.has(name) || trained.external.includes(name));
  });
  const entry = {
    path: prefix + model.entry,
    id: hashBytes(trained.bytes),
    sizeBytes: trained.bytes.length,
    source: bytesSource(trained.bytes),
  };
  return [...kept, entry].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function readEntry(repo: Repository, entries: readonly TreeEntry[], entry: string): Promise<Uint8Array> {
  return repo.readBytes(treeFile(entries, entry, "model").blob, 2 ** 31 - 1);
}

async function treeFiles(repo: Repository, tree: Oid, prefix: string): Promise<readonly VersionFile[]> {
  const { entries } = await repo.readRecord(tree, "tree");
  const files: VersionFile[] = [];
  for (const entry of entries)
    files.push({
      path: prefix + entry.path,
      id: entry.blob,
      sizeBytes: entry.sizeBytes,
      source: await repo.openObject(entry.blob),
    });
  return files;
}
