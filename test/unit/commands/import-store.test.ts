import { describe, expect, it } from "vitest";
import { hashBytes } from "../../../src/base/hash.ts";
import { bytesSource, type Scratch } from "../../../src/base/ports.ts";
import { copyToScratch } from "../../../src/commands/import/store.ts";

function memoryScratch(files: Map<string, Buffer>): Scratch {
  return {
    folder: "/",
    path: (name) => `/${name}`,
    write: async (name, chunks) => {
      const parts: Uint8Array[] = [];
      for await (const chunk of chunks instanceof Uint8Array ? [chunks] : chunks) parts.push(chunk);
      files.set(name, Buffer.concat(parts));
    },
    open: async (name) => {
      const bytes = files.get(name);
      return bytes && { ...bytesSource(bytes), close: async () => {} };
    },
    remove: async (name) => void files.delete(name),
  };
}

describe("a file of an import, laid where the engine reads it", () => {
  const bytes = Buffer.from("weights");
  const oid = hashBytes(bytes);

  it("stands there under its id, written once", async () => {
    const files = new Map<string, Buffer>();
    await copyToScratch(memoryScratch(files), oid, bytesSource(bytes));
    expect(files).toEqual(new Map([[oid, bytes]]));
    const unread = { sizeBytes: bytes.length, read: () => Promise.reject(new Error("read again")) };
    await copyToScratch(memoryScratch(files), oid, unread);
  });

  it("is refused where it is no longer what was stored", async () => {
    const files = new Map<string, Buffer>();
    const changed = bytesSource(Buffer.from("Weights"));
    await expect(copyToScratch(memoryScratch(files), oid, changed)).rejects.toMatchObject({
      code: "input.changed",
    });
    expect([...files.keys()]).toEqual([]);
  });
});
