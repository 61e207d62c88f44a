import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { openFileSystemStorage } from "../../src/storage/file-system.ts";
import { openMemoryStorage } from "../../src/storage/memory.ts";
import type { Storage, StoredFact } from "../../src/storage/port.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "ingot-storage-"));
  folders.push(folder);
  return folder;
}

const storages: readonly (readonly [string, () => Storage])[] = [
  ["file system", () => openFileSystemStorage(temporaryFolder(), { durability: "none" })],
  ["file system, durable", () => openFileSystemStorage(temporaryFolder())],
  ["memory", () => openMemoryStorage()],
];

const text = (value: string) => new TextEncoder().encode(value);

async function keysOf(storage: Storage, prefix: string): Promise<string[]> {
  const facts: StoredFact[] = [];
  for await (const fact of storage.list(prefix)) facts.push(fact);
  return facts.map((fact) => fact.key).sort();
}

for (const [name, open] of storages) {
  describe(`storage: ${name}`, () => {
    it("gives back what was put, whole and in ranges", async () => {
      const storage = open();
      await storage.put("packs/ab/one.pack", text("hello world"));
      expect(Buffer.from(await storage.read("packs/ab/one.pack")).toString()).toBe("hello world");
      expect(Buffer.from(await storage.readRange("packs/ab/one.pack", 6, 5)).toString()).toBe("world");
      expect(await storage.readRange("packs/ab/one.pack", 11, 0)).toHaveLength(0);
      expect(await storage.stat("packs/ab/one.pack")).toMatchObject({
        key: "packs/ab/one.pack",
        sizeBytes: 11,
      });
    });

    it("keeps nothing of the caller's buffers", async () => {
      const storage = open();
      const bytes = Buffer.from("abc");
      await storage.put("a", bytes);
      bytes[0] = 0;
      const read = await storage.read("a");
      read[1] = 0;
      expect(Buffer.from(await storage.read("a")).toString()).toBe("abc");
    });

    it("replaces by put", async () => {
      const storage = open();
      await storage.put("a", text("a longer first text"));
      await storage.put("a", text("two"));
      expect(Buffer.from(await storage.read("a")).toString()).toBe("two");
    });

    it("puts an absent key once, whoever asks", async () => {
      const storage = open();
      const won = await Promise.all(
        Array.from({ length: 8 }, (_, i) => storage.putIfAbsent("log/000000000001", text(`${i}`))),
      );
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(Buffer.from(await storage.read("log/000000000001")).toString()).toBe(`${won.indexOf(true)}`);
      expect(await storage.putIfAbsent("log/000000000001", text("late"))).toBe(false);
    });

    it("shows a streamed key only after commit, and never after abort", async () => {
      const storage = open();
      const writer = await storage.openWriter("packs/x.pack");
      await writer.write(text("one "));
      await writer.write(new Uint8Array(3 << 20).fill(7));
      expect(await storage.stat("packs/x.pack")).toBeUndefined();
      await writer.write(text("end"));
      await writer.commit();
      await writer.abort();
      expect((await storage.stat("packs/x.pack"))?.sizeBytes).toBe((3 << 20) + 7);
      expect(Buffer.from(await storage.readRange("packs/x.pack", (3 << 20) + 4, 3)).toString()).toBe("end");

      const dropped = await storage.openWriter("packs/y.pack");
      await dropped.write(text("gone"));
      await dropped.abort();
      expect(await storage.stat("packs/y.pack")).toBeUndefined();
    });

    it("takes the key of a stream at commit", async () => {
      const storage = open();
      const writer = await storage.openWriter();
      await writer.write(text("late name"));
      await writer.commit("packs/ab/late.pack");
      expect(Buffer.from(await storage.read("packs/ab/late.pack")).toString()).toBe("late name");
    });

    it("lists the keys of a folder", async () => {
      const storage = open();
      for (const key of ["log/1", "log/2", "packs/ab/3.pack", "packs/cd/4.pack", "format"])
        await storage.put(key, text(key));
      expect(await keysOf(storage, "log/")).toEqual(["log/1", "log/2"]);
      expect(await keysOf(storage, "packs/")).toEqual(["packs/ab/3.pack", "packs/cd/4.pack"]);
      expect(await keysOf(storage, "nothing/")).toEqual([]);
    });

    it("deletes, and does not mind an absent key", async () => {
      const storage = open();
      await storage.put("a/b", text("x"));
      await storage.delete("a/b");
      await storage.delete("a/b");
      expect(await storage.stat("a/b")).toBeUndefined();
      await expect(storage.read("a/b")).rejects.toMatchObject({ code: "object.missing" });
    });

    it("says that a key is missing, and that bytes end", async () => {
      const storage = open();
      await expect(storage.read("none")).rejects.toMatchObject({ code: "object.missing" });
      await expect(storage.readRange("none", 0, 1)).rejects.toMatchObject({ code: "object.missing" });
      await storage.put("short", text("abc"));
      await expect(storage.readRange("short", 1, 3)).rejects.toMatchObject({ code: "integrity.pack" });
      await expect(storage.readRange("short", 0, 2 ** 40)).rejects.toMatchObject({ code: "integrity.pack" });
      await expect(storage.readRange("short", -1, 1)).rejects.toMatchObject({ code: "integrity.pack" });
    });

    const hostile = [
      "",
      "/",
      "/etc/passwd",
      "../x",
      "a/../../x",
      "a//b",
      "a/",
      "./a",
      ".ingot",
      "a\\b",
      "a\0b",
      "C:x",
      "a b",
      "é",
      "a/..",
      "x".repeat(300),
      "a/b/c/d/e/f/g/h/i",
    ];
    it.each(hostile)("refuses the key %j before it becomes a path", async (key) => {
      const storage = open();
      await expect(storage.read(key)).rejects.toMatchObject({ code: "input.path" });
      await expect(storage.readRange(key, 0, 1)).rejects.toMatchObject({ code: "input.path" });
      await expect(storage.put(key, text("x"))).rejects.toMatchObject({ code: "input.path" });
      await expect(storage.putIfAbsent(key, text("x"))).rejects.toMatchObject({ code: "input.path" });
      await expect(storage.openWriter(key)).rejects.toMatchObject({ code: "input.path" });
      await expect(storage.delete(key)).rejects.toMatchObject({ code: "input.path" });
      await expect(storage.stat(key)).rejects.toMatchObject({ code: "input.path" });
    });
  });
}
