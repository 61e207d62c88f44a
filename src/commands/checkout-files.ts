import path from "node:path";
import type { Oid } from "../base/oid.ts";
import type { ByteSource } from "../base/ports.ts";
import type { Repository } from "../repo/repository.ts";
import { resolveRevision } from "../repo/resolve.ts";
import { writeUserFolder } from "../storage/user-folder.ts";
import type { Context } from "./context.ts";
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

interface TreeFile {
  readonly path: string;
  readonly id: Oid;
  readonly sizeBytes: number;
  readonly source: ByteSource;
}

/**
 * Writes a version's files to a folder: the adapter in PEFT layout (the last one where there are several, the others in
 * `adapters/<n>/`), or the model of a base. Every byte is verified on the way.
 */
export async function checkoutFiles(
  context: Context,
  options: CheckoutFilesOptions,
): Promise<CheckoutFilesResult> {
  const repo = await context.openRepository();
  const commit = await resolveRevision(repo, options.revision);
  const record = await repo.readRecord(commit, "commit");
  const snapshot = await repo.readRecord(record.snapshot, "snapshot");
  const files: TreeFile[] = [];
  const last = snapshot.adapters.at(-1);
  if (last === undefined) files.push(...(await modelFiles(repo, snapshot.base, "")));
  else {
    files.push(...(await treeFiles(repo, (await repo.readRecord(last, "adapter")).tree, "")));
    for (const [i, below] of snapshot.adapters.slice(0, -1).entries())
      files.push(
        ...(await treeFiles(repo, (await repo.readRecord(below, "adapter")).tree, `adapters/${i}/`)),
      );
    if (options.withBase === true) files.push(...(await modelFiles(repo, snapshot.base, "base/")));
  }
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

async function modelFiles(repo: Repository, model: Oid, prefix: string): Promise<readonly TreeFile[]> {
  return treeFiles(repo, (await repo.readRecord(model, "model")).tree, prefix);
}

async function treeFiles(repo: Repository, tree: Oid, prefix: string): Promise<readonly TreeFile[]> {
  const { entries } = await repo.readRecord(tree, "tree");
  const files: TreeFile[] = [];
  for (const entry of entries)
    files.push({
      path: prefix + entry.path,
      id: entry.blob,
      sizeBytes: entry.sizeBytes,
      source: await repo.openObject(entry.blob),
    });
  return files;
}
