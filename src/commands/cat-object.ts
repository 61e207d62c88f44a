import type { Oid } from "../base/oid.ts";
import type { ByteSource } from "../base/ports.ts";
import type { AnyRecord } from "../objects/records.ts";
import { resolveObject } from "../repo/resolve.ts";
import type { Context } from "./context.ts";

export interface CattedObject {
  readonly id: Oid;
  readonly source: ByteSource;
  /** The decoded record; absent for a blob. */
  readonly record?: AnyRecord;
}

/** An object by id, prefix or revision. */
export async function catObject(context: Context, word: string): Promise<CattedObject> {
  const repo = await context.openRepository();
  const id = await resolveObject(repo, word);
  const record = await repo.findRecord(id);
  return { id, source: await repo.openObject(id), ...(record === undefined ? {} : { record }) };
}

const CHUNK_BYTES = 1 << 20;

/** Bytes of a source from start to end, in bounded pieces. */
export async function* chunksOfSource(source: ByteSource): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < source.sizeBytes; at += CHUNK_BYTES)
    yield await source.read(at, Math.min(CHUNK_BYTES, source.sizeBytes - at));
}
