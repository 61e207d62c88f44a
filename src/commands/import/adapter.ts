import path from "node:path";
import { IngotError } from "../../base/errors.ts";
import { parseJson } from "../../base/json.ts";
import type { Oid } from "../../base/oid.ts";
import type { AdapterRecord } from "../../objects/records.ts";
import type { Repository } from "../../repo/repository.ts";
import { resolveRevision } from "../../repo/resolve.ts";
import { readUserFile } from "../../storage/files.ts";
import { listUserFolder } from "../../storage/user-folder.ts";
import { readAdapterConfig } from "../../train/adapter-config.ts";
import type { AdapterOnDisk } from "../../train/job.ts";
import type { Context } from "../context.ts";
import { materialiseModel, modelScratch } from "../model-cache.ts";
import { treeFile } from "../tree-file.ts";
import type { ImportOptions, ImportResult } from "./result.ts";
import { checkModel, copyToScratch, listFiles, publishImport, storeFiles } from "./store.ts";

const MAX_CONFIG_BYTES = 1 << 20;
const ADAPTER_FILES =
  /(^|\/)(adapter_config\.json|adapter_model\.safetensors|README\.md|NOTICE|LICENSE[^/]*)$/;

/** Imports a PEFT adapter onto its base: stored, run once with it, and published as a version after it. */
export async function importAdapter(
  context: Context,
  folder: string,
  options: ImportOptions,
): Promise<ImportResult> {
  const repo = await context.openRepository();
  const base = await baseOf(repo, options.onto ?? "HEAD");
  const { paths, skipped } = await findAdapterFiles(folder);
  const session = await repo.begin();
  try {
    const scratch = await modelScratch(context, base.model);
    const entries = await storeFiles(session, folder, paths, (oid, source) =>
      copyToScratch(scratch, oid, source),
    );
    const named = (name: string): Oid => treeFile(entries, name, "adapter").blob;
    const adapter: AdapterOnDisk = {
      method: "lora",
      config: named("adapter_config.json"),
      tensors: named("adapter_model.safetensors"),
    };
    const model = await materialiseModel(repo, scratch, base.model);
    const facts = await checkModel(context, { model, adapters: [adapter] });
    const tree = await session.putRecord({ kind: "tree", entries });
    const record: AdapterRecord = {
      kind: "adapter",
      method: "lora",
      model: base.model,
      tree,
      entry: "adapter_model.safetensors",
    };
    const adapterId = await session.putRecord(record);
    const snapshot = await session.putRecord({ kind: "snapshot", base: base.model, adapters: [adapterId] });
    const message = options.message ?? `import adapter ${path.basename(folder)}`;
    const published = await publishImport(context, session, { snapshot, onto: base.commit, message });
    return {
      ...published,
      kind: "adapter",
      model: base.model,
      adapter: adapterId,
      files: listFiles(entries),
      skipped,
      facts,
    };
  } catch (error) {
    await session.abort();
    throw error;
  }
}

/** Files of a folder that are the adapter, its configuration checked. Throws `input.format`, `input.adapter`. */
async function findAdapterFiles(
  folder: string,
): Promise<{ readonly paths: readonly string[]; readonly skipped: readonly string[] }> {
  const all = listUserFolder(folder).map((f) => f.path);
  const paths = all.filter((p) => ADAPTER_FILES.test(p) && !p.includes("/"));
  if (!paths.includes("adapter_model.safetensors")) {
    throw new IngotError("input.format", `no adapter_model.safetensors in '${folder}'`, {
      hint: all.some((p) => p.endsWith(".bin"))
        ? "pickled weights are never loaded: save the adapter with safe_serialization=True"
        : "give a folder saved by PEFT",
      data: { where: folder },
    });
  }
  const config = await readUserFile(path.join(folder, "adapter_config.json"), MAX_CONFIG_BYTES);
  readAdapterConfig(parseJson(config, { name: "adapter_config.json" }));
  return { paths, skipped: all.filter((p) => !paths.includes(p)) };
}

async function baseOf(repo: Repository, revision: string): Promise<{ commit: Oid; model: Oid }> {
  const commit = await resolveRevision(repo, revision);
  const record = await repo.readRecord(commit, "commit");
  const snapshot = await repo.readRecord(record.snapshot, "snapshot");
  return { commit, model: snapshot.base };
}
