import path from "node:path";
import { compareText } from "../../base/canonical.ts";
import { bug, IngotError } from "../../base/errors.ts";
import { openHasher } from "../../base/hash.ts";
import type { Oid } from "../../base/oid.ts";
import type { ByteSource, Scratch } from "../../base/ports.ts";
import type { TreeEntry } from "../../objects/records.ts";
import type { WriteSession } from "../../repo/repository.ts";
import { openUserFile } from "../../storage/files.ts";
import type { AdapterOnDisk, ModelFacts, ModelOnDisk } from "../../train/job.ts";
import type { Context } from "../context.ts";
import { CHECK_TIMEOUT_MS, withEngine } from "../engine/open.ts";
import { programEnvironment } from "../environment.ts";
import { chunksOf } from "../model-cache.ts";
import { versionEdits } from "../publish-version.ts";
import type { ImportResult } from "./result.ts";

/** Stores files of a folder as they are; the entries of their tree. Throws `input.changed` where one changes meanwhile. */
export async function storeFiles(
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
  return entries.sort((a, b) => compareText(a.path, b.path));
}

/** Lays a file where the engine reads it, under its id. Throws `input.changed` where it is no longer what was stored. */
export async function copyToScratch(scratch: Scratch, oid: Oid, source: ByteSource): Promise<void> {
  const there = await scratch.open(oid);
  await there?.close();
  if (there?.sizeBytes === source.sizeBytes) return;
  await scratch.write(oid, verified(oid, chunksOf(source)), { lasting: true });
}

async function* verified(oid: Oid, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const hasher = openHasher();
  for await (const chunk of chunks) {
    hasher.update(chunk);
    yield chunk;
  }
  if (hasher.finish() !== oid)
    throw new IngotError("input.changed", "a file changed while it was imported", {
      hint: "import it again when nothing writes to it",
    });
}

/** Everything reads, fits, loads and runs once, in the engine's process. Throws `limit.time` for a graph that does not end. */
export function checkModel(
  context: Context,
  job: { readonly model: ModelOnDisk; readonly adapters?: readonly AdapterOnDisk[] },
): Promise<ModelFacts> {
  const timeoutMs = context.settings.number("engine.check_timeout_ms") ?? CHECK_TIMEOUT_MS;
  return withEngine(context, (engine) => engine.request<ModelFacts>("model.check", job), { timeoutMs });
}

/** Files of a tree as an import tells them. */
export function listFiles(entries: readonly TreeEntry[]): ImportResult["files"] {
  return entries.map(({ path: file, blob, sizeBytes }) => ({ path: file, id: blob, sizeBytes }));
}

/** What an import makes a version of. */
interface Imported {
  readonly snapshot: Oid;
  /** Version that an adapter belongs to; absent for a base model. */
  readonly onto?: Oid;
  readonly message: string;
}

/** Records the commit and publishes it as the next version. */
export async function publishImport(
  context: Context,
  session: WriteSession,
  { snapshot, onto, message }: Imported,
): Promise<{ readonly version: string; readonly commit: Oid; readonly moved?: string }> {
  const commit = await session.putRecord({
    kind: "commit",
    snapshot,
    parents: onto === undefined ? [] : [onto],
    author: context.actor,
    timeMs: context.clock.nowMs(),
    message,
    datasets: [],
    environment: programEnvironment(),
  });
  let made: ReturnType<typeof versionEdits> | undefined;
  await session.publish((refs, next) => {
    made = versionEdits(refs, next, { commit, onto, aside: false });
    return { command: context.commandLine, edits: made.edits };
  });
  const { version, moved } = made ?? bug("published nothing");
  return { version, ...(moved === undefined ? {} : { moved }), commit };
}
