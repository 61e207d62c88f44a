import path from "node:path";
import { bug } from "../base/errors.ts";
import type { Oid } from "../base/oid.ts";
import type { ByteSource, Scratch } from "../base/ports.ts";
import type { AdapterRecord, ModelRecord, TreeRecord } from "../objects/records.ts";
import type { Repository } from "../repo/repository.ts";
import { openScratch } from "../storage/scratch.ts";
import type { AdapterOnDisk, DatasetOnDisk, ModelOnDisk } from "../train/job.ts";
import type { Context } from "./context.ts";
import { readIds } from "./id-lists.ts";
import { treeFile } from "./tree-file.ts";

const CHUNK_BYTES = 4 << 20;

/** Reads a source from start to end in chunks of bounded size. */
export async function* chunksOf(source: ByteSource): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < source.sizeBytes; at += CHUNK_BYTES)
    yield source.read(at, Math.min(CHUNK_BYTES, source.sizeBytes - at));
}

/** Private folder for one model's verified files and what the engine derives from them. */
export function modelScratch(context: Context, model: Oid): Promise<Scratch> {
  const root = context.root ?? bug("no repository");
  return openScratch(path.join(root, ".ingot", "cache", model));
}

/** Writes an object to the folder under its id, once: what is there was written whole, from hashed bytes. */
export async function putInScratch(
  repo: Repository,
  scratch: Scratch,
  oid: Oid,
  suffix = "",
): Promise<string> {
  const name = `${oid}${suffix}`;
  const source = await repo.openObject(oid);
  const there = await scratch.open(name);
  await there?.close();
  if (there?.sizeBytes !== source.sizeBytes) await scratch.write(name, chunksOf(source), { lasting: true });
  return name;
}

async function treeFiles(
  repo: Repository,
  scratch: Scratch,
  tree: Oid,
): Promise<{ record: TreeRecord; files: { path: string; name: string }[] }> {
  const record = await repo.readRecord(tree, "tree");
  const files = [];
  for (const entry of record.entries)
    files.push({ path: entry.path, name: await putInScratch(repo, scratch, entry.blob) });
  return { record, files };
}

/** Verifies a base model's files into its folder. */
export async function materialiseModel(repo: Repository, scratch: Scratch, oid: Oid): Promise<ModelOnDisk> {
  const model: ModelRecord = await repo.readRecord(oid, "model");
  const { record, files } = await treeFiles(repo, scratch, model.tree);
  treeFile(record.entries, model.entry, "model");
  return { folder: scratch.folder, entry: model.entry, files, id: oid };
}

/** Verifies an adapter's files into the folder of its base. */
export async function materialiseAdapter(
  repo: Repository,
  scratch: Scratch,
  oid: Oid,
): Promise<AdapterOnDisk> {
  const adapter: AdapterRecord = await repo.readRecord(oid, "adapter");
  const { record, files } = await treeFiles(repo, scratch, adapter.tree);
  const config = files.find((f) => f.path === "adapter_config.json")?.name;
  return {
    method: adapter.method,
    tensors: treeFile(record.entries, adapter.entry, "adapter").blob,
    ...(config === undefined ? {} : { config }),
  };
}

/** Verifies a dataset's files into a folder. */
export async function materialiseDataset(
  repo: Repository,
  scratch: Scratch,
  oid: Oid,
  name: string,
  role: "train" | "replay",
): Promise<DatasetOnDisk> {
  const dataset = await repo.readRecord(oid, "dataset");
  const { files } = await treeFiles(repo, scratch, dataset.tree);
  return {
    name,
    oid,
    role,
    format: dataset.format,
    options: dataset.options,
    files,
    train: await readIds(repo, dataset.train),
    heldOut: await readIds(repo, dataset.heldOut),
  };
}

/** Uses a file of a scratch folder as a source. */
export async function withScratch<T>(
  scratch: Scratch,
  name: string,
  use: (source: ByteSource) => Promise<T>,
): Promise<T> {
  const source = (await scratch.open(name)) ?? bug(`no '${name}' in the scratch folder`);
  try {
    return await use(source);
  } finally {
    await source.close();
  }
}
