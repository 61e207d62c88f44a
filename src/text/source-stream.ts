import { createGunzip } from "node:zlib";
import { IngotError } from "../base/errors.ts";
import type { ByteSource } from "../base/ports.ts";

const CHUNK_BYTES = 256 * 1024;
/** Text compresses well below 100:1; what inflates far beyond that is made to fill a disk. */
const INFLATE_RATIO = 100;
const INFLATE_FLOOR_BYTES = 64 * 1024 * 1024;

/** The bytes of a source from its start, in pieces of at most 256 KiB. */
export async function* streamSource(source: ByteSource): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < source.sizeBytes; offset += CHUNK_BYTES) {
    yield await source.read(offset, Math.min(CHUNK_BYTES, source.sizeBytes - offset));
  }
}

/** True where the source starts with the two magic bytes of gzip. */
export function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

/**
 * The inflated bytes of a gzip source, streamed. Throws `input.format` for damaged or unfinished data and `limit.size` for
 * data that inflates to more than 64 MiB plus 100 times its size.
 */
export async function* streamGunzip(source: ByteSource, name: string): AsyncGenerator<Uint8Array> {
  const limit = INFLATE_FLOOR_BYTES + INFLATE_RATIO * source.sizeBytes;
  const gunzip = createGunzip();
  const feeding = feed(gunzip, source);
  let inflated = 0;
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      inflated += chunk.length;
      if (inflated > limit) {
        throw new IngotError("limit.size", `'${name}' inflates to more than ${limit} bytes`, {
          hint: "unpack it yourself and add the unpacked file",
          data: { where: name },
        });
      }
      yield chunk;
    }
    await feeding;
  } catch (error) {
    if (error instanceof IngotError) throw error;
    throw new IngotError("input.format", `'${name}' is damaged: ${(error as Error).message}`, {
      hint: `gzip -t '${name}'`,
      data: { where: name },
      cause: error,
    });
  } finally {
    gunzip.destroy();
    await feeding.catch(() => undefined);
  }
}

async function feed(gunzip: ReturnType<typeof createGunzip>, source: ByteSource): Promise<void> {
  try {
    for await (const chunk of streamSource(source)) {
      if (gunzip.destroyed) return;
      if (!gunzip.write(chunk)) await drained(gunzip);
    }
    gunzip.end();
  } catch (error) {
    gunzip.destroy(error as Error);
  }
}

function drained(gunzip: ReturnType<typeof createGunzip>): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      gunzip.off("drain", done);
      gunzip.off("close", done);
      resolve();
    };
    gunzip.on("drain", done);
    gunzip.on("close", done);
    if (gunzip.destroyed) done();
  });
}

/** All bytes of a stream in one array, for formats that are read by position. Throws `limit.size` beyond `maxBytes`. */
export async function collectBytes(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
  name: string,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > maxBytes) {
      throw new IngotError("limit.size", `'${name}' holds more than ${maxBytes} bytes`, {
        hint: "unpack it yourself and add the unpacked file",
        data: { where: name },
      });
    }
    pieces.push(chunk);
  }
  return new Uint8Array(Buffer.concat(pieces, length));
}
