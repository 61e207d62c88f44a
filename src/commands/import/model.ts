import path from "node:path";
import { recordId } from "../../objects/encode.ts";
import type { ModelRecord, TreeRecord } from "../../objects/records.ts";
import { openUserFile } from "../../storage/files.ts";
import type { Context } from "../context.ts";
import { modelScratch } from "../model-cache.ts";
import { findModelFiles } from "./model-files.ts";
import type { ImportOptions, ImportResult } from "./result.ts";
import { checkModel, copyToScratch, listFiles, publishImport, storeFiles } from "./store.ts";

/** Imports a base model: stored, run once, and published as a version without a parent. */
export async function importModel(
  context: Context,
  target: string,
  kind: "file" | "folder",
  options: ImportOptions,
): Promise<ImportResult> {
  const repo = await context.openRepository();
  const found = await findModelFiles(target, kind, options.entry);
  const session = await repo.begin();
  try {
    const entries = await storeFiles(session, found.folder, found.paths);
    const tree: TreeRecord = { kind: "tree", entries };
    const model: ModelRecord = { kind: "model", format: "onnx", tree: recordId(tree), entry: found.entry };
    const modelId = recordId(model);
    const scratch = await modelScratch(context, modelId);
    for (const entry of entries) {
      const source = await openUserFile(path.join(found.folder, entry.path));
      await copyToScratch(scratch, entry.blob, source).finally(() => source.close());
    }
    const onDisk = {
      folder: scratch.folder,
      entry: found.entry,
      files: entries.map((e) => ({ path: e.path, name: e.blob })),
      id: modelId,
    };
    const facts = await checkModel(context, { model: onDisk });
    await session.putRecord(tree);
    await session.putRecord(model);
    const snapshot = await session.putRecord({ kind: "snapshot", base: modelId, adapters: [] });
    const message = options.message ?? `import ${path.basename(target)}`;
    const published = await publishImport(context, session, { snapshot, message });
    return {
      ...published,
      kind: "model",
      model: modelId,
      files: listFiles(entries),
      skipped: found.skipped,
      facts,
    };
  } catch (error) {
    await session.abort();
    throw error;
  }
}
