import { afterEach, describe, expect, it } from "vitest";
import { hashBytes } from "../../../src/base/hash.ts";
import type { Oid } from "../../../src/base/oid.ts";
import { bytesSource } from "../../../src/base/ports.ts";
import { openRepository } from "../../../src/repo/open.ts";
import type { Repository } from "../../../src/repo/repository.ts";
import { makeRepository, noise, type TestRepository } from "../../support/repo.ts";

const made: TestRepository[] = [];
afterEach(() => {
  for (const each of made.splice(0)) each.remove();
});

async function make(options: Parameters<typeof makeRepository>[0] = {}): Promise<TestRepository> {
  const test = await makeRepository(options);
  made.push(test);
  return test;
}

async function store(repo: Repository, bytes: Uint8Array): Promise<Oid> {
  const session = await repo.begin();
  const oid = await session.putBytes(bytes);
  await session.publish(() => ({ command: "test", edits: [] }));
  return oid;
}

const text = (value: string) => new TextEncoder().encode(value);

for (const on of ["memory", "disk"] as const) {
  describe(`objects, ${on}`, () => {
    const sizes = [0, 1, 4095, 65_536, 65_537, (4 << 20) - 1, 4 << 20, (4 << 20) + 1, 9 << 20];
    it.each(sizes)("gives back %i bytes under their BLAKE3", async (size) => {
      const { repo, storage, options } = await make({ on });
      const bytes = noise(size);
      const oid = await store(repo, bytes);
      expect(oid).toBe(hashBytes(bytes));
      const again = await openRepository(storage, options);
      for (const each of [repo, again]) {
        expect(Buffer.compare(await each.readBytes(oid), bytes)).toBe(0);
        expect(await each.has(oid)).toBe(true);
      }
    });

    it("reads any range of a large object", async () => {
      const { repo } = await make({ on });
      const bytes = noise((9 << 20) + 13);
      const oid = await store(repo, bytes);
      const source = await repo.openObject(oid);
      expect(source.sizeBytes).toBe(bytes.length);
      for (const [offset, length] of [
        [0, 1],
        [(4 << 20) - 1, 2],
        [4 << 20, 4 << 20],
        [3, (9 << 20) + 10],
        [bytes.length, 0],
        [bytes.length - 1, 1],
      ] as const) {
        expect(
          Buffer.compare(await source.read(offset, length), bytes.subarray(offset, offset + length)),
        ).toBe(0);
      }
      await expect(source.read(bytes.length, 1)).rejects.toThrow(RangeError);
    });
  });
}

describe("storing again", () => {
  it("knows an object, and the pieces of one", async () => {
    const { repo, storage } = await make();
    const bytes = noise(9 << 20);
    await store(repo, bytes);
    const before = await sizeOf(storage);
    const session = await repo.begin();
    expect(await session.putSource(bytesSource(bytes))).toMatchObject({
      known: true,
      sizeBytes: bytes.length,
    });
    await session.publish(() => ({ command: "again", edits: [] }));
    expect(await sizeOf(storage)).toBe(before);

    const longer = new Uint8Array(10 << 20);
    longer.set(bytes);
    const more = await repo.begin();
    const put = await more.putSource(bytesSource(longer));
    expect(put.known).toBe(false);
    await more.publish(() => ({ command: "longer", edits: [] }));
    // The third piece differs, and it is mostly zeros.
    expect((await sizeOf(storage)) - before).toBeLessThan(2 << 20);
    expect(Buffer.compare(await repo.readBytes(put.oid), longer)).toBe(0);
  });

  it("compresses text and leaves noise as it is", async () => {
    const { repo, storage } = await make();
    const line = '{"prompt":"how do I undo","completion":"git revert"}\n';
    const bytes = text(line.repeat(20_000));
    const oid = await store(repo, bytes);
    expect(await sizeOf(storage)).toBeLessThan(bytes.length / 10);
    expect(Buffer.compare(await repo.readBytes(oid), bytes)).toBe(0);
  });

  it("lists objects once, and finds them by prefix", async () => {
    const { repo } = await make();
    const small = await store(repo, text("small"));
    const large = await store(repo, noise(9 << 20));
    const listed: { oid: Oid; sizeBytes: number; isRecord: boolean }[] = [];
    for await (const each of repo.listObjects()) listed.push(each);
    expect(listed.sort((a, b) => a.sizeBytes - b.sizeBytes)).toEqual([
      { oid: small, sizeBytes: 5, isRecord: false },
      { oid: large, sizeBytes: 9 << 20, isRecord: false },
    ]);
    expect(await repo.findPrefix(small.slice(0, 8), 2)).toEqual([small]);
    expect(await repo.findPrefix(small.slice(0, 3), 2)).toEqual([]);
  });

  it("hides what was not published", async () => {
    const { repo, storage, options } = await make();
    const session = await repo.begin();
    const oid = await session.putBytes(text("secret"));
    expect(await session.has(oid)).toBe(true);
    expect(await (await openRepository(storage, options)).has(oid)).toBe(false);
    await session.abort();
    expect(await repo.has(oid)).toBe(false);
    await expect(repo.readBytes(oid)).rejects.toMatchObject({ code: "object.missing" });
  });

  it("refuses a record that refers to what is nowhere", async () => {
    const { repo } = await make();
    const session = await repo.begin();
    await session.putRecord({
      kind: "model",
      format: "onnx",
      tree: hashBytes(text("no tree")),
      entry: "model.onnx",
    });
    await expect(session.publish(() => ({ command: "bad", edits: [] }))).rejects.toMatchObject({
      code: "integrity.reference",
    });
  });

  it("tells records from blobs", async () => {
    const { repo } = await make();
    const session = await repo.begin();
    const blob = await session.putBytes(text("x"));
    const tree = await session.putRecord({ kind: "tree", entries: [{ path: "a", blob, sizeBytes: 1 }] });
    await session.publish(() => ({ command: "t", edits: [] }));
    expect(await repo.findRecord(blob)).toBeUndefined();
    expect((await repo.readRecord(tree, "tree")).entries).toHaveLength(1);
    await expect(repo.readRecord(tree, "model")).rejects.toMatchObject({ code: "integrity.record" });
    await expect(repo.readRecord(blob, "tree")).rejects.toMatchObject({ code: "integrity.record" });
    await expect(repo.readBytes(tree, 3)).rejects.toMatchObject({ code: "limit.size" });
  });
});

async function sizeOf(storage: TestRepository["storage"]): Promise<number> {
  let sum = 0;
  for await (const fact of storage.list("packs/")) sum += fact.sizeBytes;
  return sum;
}
