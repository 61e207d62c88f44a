import path from "node:path";
import { bug, IngotError } from "../base/errors.ts";
import { parseJson } from "../base/json.ts";
import type { Oid } from "../base/oid.ts";
import type { ByteSource, Scratch } from "../base/ports.ts";
import { recordId } from "../objects/encode.ts";
import type { AdapterRecord, ModelRecord, TreeEntry, TreeRecord } from "../objects/records.ts";
import { decodeModel } from "../onnx/decode.ts";
import type { Model } from "../onnx/model.ts";
import type { Repository, WriteSession } from "../repo/repository.ts";
import { resolveRevision } from "../repo/resolve.ts";
import { openUserFile, readUserFile, userPathKind } from "../storage/files.ts";
import { listUserFolder } from "../storage/user-folder.ts";
import { readAdapterConfig } from "../train/adapter-config.ts";
import type { AdapterOnDisk, ModelFacts, ModelOnDisk } from "../train/job.ts";
import type { Context } from "./context.ts";
import { CHECK_TIMEOUT_MS, withEngine } from "./engine/open.ts";
import { programEnvironment } from "./environment.ts";
import { externalFiles } from "./external-files.ts";
import { chunksOf, materialiseModel, modelScratch } from "./model-cache.ts";
import { versionEdits } from "./publish-version.ts";

export interface ImportOptions {
  readonly path: string;
  readonly onto?: string | undefined;
  readonly entry?: string | undefined;
  readonly message?: string | undefined;
}

export interface ImportResult {
  readonly version: string;
  readonly commit: Oid;
  readonly kind: "model" | "adapter";
  readonly model: Oid;
  readonly adapter?: Oid;
  readonly files: readonly { readonly path: string; readonly id: Oid; readonly sizeBytes: number }[];
  /** Files of the folder that are no part of the model. */
  readonly skipped: readonly string[];
  readonly facts?: ModelFacts;
  /** Branch that moved; absent where the version is only tagged. */
  readonly moved?: string;
}

const MAX_CONFIG_BYTES = 1 << 20;
const MAX_ONNX_BYTES = 2 ** 31 - 1;
/** Weights in other formats, and what never belongs to a model that runs: pickles are not even read. */
const NOT_MODEL =
  /\.(onnx|onnx_data|onnx\.data|data|bin|pt|pth|ckpt|pkl|pickle|joblib|safetensors|h5|msgpack|gguf|npy|npz|tflite|pb|zip|tar|gz)$/i;

/** Imports a base model (folder in HF layout, or an `.onnx` file) or a PEFT adapter as a new version, after it was loaded and run once. */
export async function importPath(context: Context, options: ImportOptions): Promise<ImportResult> {
  const target = path.resolve(context.cwd, options.path);
  const kind = userPathKind(target);
  if (kind === undefined)
    throw new IngotError("file.missing", `no file or folder '${options.path}'`, { data: { where: target } });
  if (kind === "folder" && userPathKind(path.join(target, "adapter_config.json")) === "file")
    return importAdapter(context, target, options);
  return importModel(context, target, kind, options);
}

interface Found {
  readonly folder: string;
  readonly entry: string;
  readonly paths: readonly string[];
  readonly skipped: readonly string[];
}

async function findModelFiles(
  target: string,
  kind: "file" | "folder",
  wantedEntry: string | undefined,
): Promise<Found & { model: Model }> {
  const folder = kind === "file" ? path.dirname(target) : target;
  const listed = kind === "file" ? [path.basename(target)] : listUserFolder(folder).map((f) => f.path);
  const entry = kind === "file" ? path.basename(target) : chooseEntry(listed, wantedEntry, target);
  const bytes = await readUserFile(path.join(folder, entry), MAX_ONNX_BYTES);
  const model = decodeModel(bytes);
  const external = externalFiles(model, entry);
  for (const file of external) {
    if (userPathKind(path.join(folder, file)) !== "file") {
      throw new IngotError("file.missing", `the model reads '${file}', which is not there`, {
        hint: "put the weights file beside the model",
        data: { where: `${entry}: external data` },
      });
    }
  }
  const beside = listed.filter((p) => p !== entry && !external.includes(p));
  const skipped = beside.filter((p) => NOT_MODEL.test(p));
  return {
    folder,
    entry,
    paths: [entry, ...external, ...beside.filter((p) => !NOT_MODEL.test(p))].sort(),
    skipped,
    model,
  };
}

/** Entry of a folder: as told, `onnx/model.onnx`, `model.onnx`, or the only `*.onnx`. */
function chooseEntry(paths: readonly string[], wanted: string | undefined, folder: string): string {
  const models = paths.filter((p) => p.endsWith(".onnx"));
  if (wanted !== undefined) {
    if (!paths.includes(wanted))
      throw new IngotError("file.missing", `no '${wanted}' in '${folder}'`, {
        hint: models.length > 0 ? `--entry ${models[0]}` : "check the folder",
      });
    return wanted;
  }
  for (const usual of ["onnx/model.onnx", "model.onnx"]) if (paths.includes(usual)) return usual;
  const [only, ...others] = models;
  if (only === undefined) {
    throw new IngotError("input.format", `no ONNX file in '${folder}'`, {
      hint: "export the model first: optimum-cli export onnx --model NAME DIR",
      data: { where: folder },
    });
  }
  if (others.length > 0)
    throw new IngotError("usage.argument", `'${folder}' holds ${models.length} ONNX files`, {
      hint: `say which: --entry ${only}`,
      data: { where: models.slice(0, 8).join(", ") },
    });
  return only;
}

async function storeFiles(
  session: WriteSession,
  folder: string,
  paths: readonly string[],
  each?: (oid: Oid, source: ByteSource) => Promise<void>,
): Promise<TreeEntry[]> {
  const entries: TreeEntry[] = [];
  for (const file of paths) {
    const source = await openUserFile(path.join(folder, file));
    try {
      const stored = await session.putSource(source);
      await each?.(stored.oid, source);
      await source.assertUnchanged();
      entries.push({ path: file, blob: stored.oid, sizeBytes: stored.sizeBytes });
    } finally {
      await source.close();
    }
  }
  return entries.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
}

async function copyToScratch(scratch: Scratch, oid: Oid, source: ByteSource): Promise<void> {
  const there = await scratch.open(oid);
  await there?.close();
  if (there?.sizeBytes !== source.sizeBytes) await scratch.write(oid, chunksOf(source));
}

async function importModel(
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
    const facts = await checked(context, { model: onDisk });
    await session.putRecord(tree);
    await session.putRecord(model);
    const snapshot = await session.putRecord({ kind: "snapshot", base: modelId, adapters: [] });
    const commit = await session.putRecord({
      kind: "commit",
      snapshot,
      parents: [],
      author: context.actor,
      timeMs: context.clock.nowMs(),
      message: options.message ?? `import ${path.basename(target)}`,
      datasets: [],
      environment: programEnvironment(),
    });
    const published = await publish(context, session, commit, undefined);
    return {
      ...published,
      commit,
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

/** Everything reads, fits, loads and runs once, in the engine's process. Throws `limit.time` for a graph that does not end. */
function checked(
  context: Context,
  job: { readonly model: ModelOnDisk; readonly adapters?: readonly AdapterOnDisk[] },
): Promise<ModelFacts> {
  const timeoutMs = context.settings.number("engine.check_timeout_ms") ?? CHECK_TIMEOUT_MS;
  return withEngine(context, (engine) => engine.request<ModelFacts>("model.check", job), { timeoutMs });
}

function listFiles(entries: readonly TreeEntry[]): ImportResult["files"] {
  return entries.map(({ path: file, blob, sizeBytes }) => ({ path: file, id: blob, sizeBytes }));
}

async function publish(
  context: Context,
  session: WriteSession,
  commit: Oid,
  onto: Oid | undefined,
): Promise<{ version: string; moved?: string }> {
  let made: ReturnType<typeof versionEdits> | undefined;
  await session.publish((refs, next) => {
    made = versionEdits(refs, next, { commit, onto, aside: false });
    return { command: context.commandLine, edits: made.edits };
  });
  const { version, moved } = made ?? bug("published nothing");
  return moved === undefined ? { version } : { version, moved };
}

async function baseOf(repo: Repository, revision: string): Promise<{ commit: Oid; model: Oid }> {
  const commit = await resolveRevision(repo, revision);
  const record = await repo.readRecord(commit, "commit");
  const snapshot = await repo.readRecord(record.snapshot, "snapshot");
  return { commit, model: snapshot.base };
}

const ADAPTER_FILES =
  /(^|\/)(adapter_config\.json|adapter_model\.safetensors|README\.md|NOTICE|LICENSE[^/]*)$/;

async function importAdapter(
  context: Context,
  folder: string,
  options: ImportOptions,
): Promise<ImportResult> {
  const repo = await context.openRepository();
  const base = await baseOf(repo, options.onto ?? "HEAD");
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
  readAdapterConfig(parseJson(config, { name: "adapter_config.json" }) as Readonly<Record<string, unknown>>);
  const session = await repo.begin();
  try {
    const scratch = await modelScratch(context, base.model);
    const entries = await storeFiles(session, folder, paths, (oid, source) =>
      copyToScratch(scratch, oid, source),
    );
    const named = (name: string): Oid => entries.find((e) => e.path === name)?.blob ?? bug(`no ${name}`);
    const adapter: AdapterOnDisk = {
      method: "lora",
      config: named("adapter_config.json"),
      tensors: named("adapter_model.safetensors"),
    };
    const model = await materialiseModel(repo, scratch, base.model);
    const facts = await checked(context, { model, adapters: [adapter] });
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
    const commit = await session.putRecord({
      kind: "commit",
      snapshot,
      parents: [base.commit],
      author: context.actor,
      timeMs: context.clock.nowMs(),
      message: options.message ?? `import adapter ${path.basename(folder)}`,
      datasets: [],
      environment: programEnvironment(),
    });
    const published = await publish(context, session, commit, base.commit);
    const skipped = all.filter((p) => !paths.includes(p));
    return {
      ...published,
      commit,
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
