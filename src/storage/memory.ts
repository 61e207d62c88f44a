import { IngotError } from "../base/errors.ts";
import { assertKey, assertPrefix } from "./key.ts";
import type { Storage, StorageWriter, StoredFact } from "./port.ts";

interface Kept {
  readonly bytes: Uint8Array;
  readonly modifiedMs: number;
}

/** A copy; `slice` of a Buffer would be a view. */
function copyOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

/** Keys in memory, for tests and scratch repositories. `nowMs` stamps what is written. */
export function openMemoryStorage({ nowMs = () => 0 }: { readonly nowMs?: () => number } = {}): Storage {
  const kept = new Map<string, Kept>();
  const keep = (key: string, bytes: Uint8Array) =>
    void kept.set(key, { bytes: copyOf(bytes), modifiedMs: nowMs() });
  const find = (key: string): Uint8Array => {
    assertKey(key);
    const found = kept.get(key);
    if (found === undefined)
      throw new IngotError("object.missing", `'${key}' is not in memory`, { data: { where: key } });
    return found.bytes;
  };
  const factOf = (key: string, { bytes, modifiedMs }: Kept): StoredFact => ({
    key,
    sizeBytes: bytes.length,
    modifiedMs,
  });

  return {
    location: "memory",
    read: async (key) => copyOf(find(key)),
    readRange: async (key, offset, length) => {
      const bytes = find(key);
      if (offset < 0 || length < 0 || offset + length > bytes.length) {
        throw new IngotError("integrity.pack", `'${key}' ends before byte ${offset + length}`, {
          data: { where: key, sizeBytes: bytes.length },
        });
      }
      return copyOf(bytes.subarray(offset, offset + length));
    },
    stat: async (key) => {
      assertKey(key);
      const found = kept.get(key);
      return found === undefined ? undefined : factOf(key, found);
    },
    async *list(prefix) {
      assertPrefix(prefix);
      for (const [key, found] of [...kept]) if (key.startsWith(prefix)) yield factOf(key, found);
    },
    put: async (key, bytes) => {
      assertKey(key);
      keep(key, bytes);
    },
    putIfAbsent: async (key, bytes) => {
      assertKey(key);
      if (kept.has(key)) return false;
      keep(key, bytes);
      return true;
    },
    openWriter: async (key) => {
      if (key !== undefined) assertKey(key);
      return memoryWriter(key, keep);
    },
    delete: async (key) => {
      assertKey(key);
      kept.delete(key);
    },
    freeBytes: async () => undefined,
    close: async () => {},
  };
}

function memoryWriter(
  firstKey: string | undefined,
  keep: (key: string, bytes: Uint8Array) => void,
): StorageWriter {
  const parts: Uint8Array[] = [];
  return {
    write: async (bytes) => void parts.push(copyOf(bytes)),
    commit: async (key = firstKey) => {
      if (key === undefined) throw new Error("bug: commit of a writer without a key");
      assertKey(key);
      keep(key, Buffer.concat(parts));
    },
    abort: async () => void parts.splice(0),
  };
}
