import path from "node:path";
import { openHasher } from "../base/hash.ts";
import type { Oid } from "../base/oid.ts";
import { openUserFile } from "../storage/files.ts";
import { chunksOfSource } from "./cat-object.ts";
import type { Context } from "./context.ts";

export interface HashedFile {
  /** As it was given; `-` for standard input. */
  readonly path: string;
  readonly id: Oid;
  readonly sizeBytes: number;
}

/** Ids of files, without storing them. Needs no repository. */
export async function* hashFiles(
  context: Pick<Context, "cwd">,
  files: readonly string[],
  standardInput: () => AsyncIterable<Uint8Array>,
): AsyncGenerator<HashedFile> {
  for (const file of files) {
    if (file === "-") {
      yield { path: file, ...(await hashChunks(standardInput())) };
      continue;
    }
    const source = await openUserFile(path.resolve(context.cwd, file));
    try {
      yield { path: file, ...(await hashChunks(chunksOfSource(source))) };
    } finally {
      await source.close();
    }
  }
}

async function hashChunks(chunks: AsyncIterable<Uint8Array>): Promise<{ id: Oid; sizeBytes: number }> {
  const hasher = openHasher();
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    hasher.update(chunk);
    sizeBytes += chunk.length;
  }
  return { id: hasher.finish(), sizeBytes };
}
