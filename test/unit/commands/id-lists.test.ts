import { describe, expect, it } from "vitest";
import type { Oid } from "../../../src/base/oid.ts";
import { bytesSource } from "../../../src/base/ports.ts";
import { countIds, encodeIds, readIds } from "../../../src/commands/id-lists.ts";
import type { Repository } from "../../../src/repo/repository.ts";

const BLOB = "b".repeat(64) as Oid;
const holding = (bytes: Uint8Array): Repository =>
  ({ openObject: async () => bytesSource(bytes) }) as unknown as Repository;
const ids = Array.from({ length: 5 }, (_, i) => `${i}`.repeat(64) as Oid);

describe("lists of ids", () => {
  it.each([0, 1, 5])("of %i ids come back as they went", async (count) => {
    const repo = holding(encodeIds(ids.slice(0, count)));
    expect(await readIds(repo, BLOB)).toEqual(ids.slice(0, count));
    expect(await readIds(repo, BLOB, 2)).toEqual(ids.slice(0, Math.min(count, 2)));
    expect(await countIds(repo, BLOB)).toBe(count);
  });

  it("are empty where there is no blob", async () => {
    expect(await readIds(holding(new Uint8Array(1)), undefined)).toEqual([]);
    expect(await countIds(holding(new Uint8Array(1)), undefined)).toBe(0);
  });

  it.each([1, 31, 33, 63])("are refused with %i bytes", async (length) => {
    const repo = holding(new Uint8Array(length));
    await expect(readIds(repo, BLOB)).rejects.toMatchObject({
      code: "integrity.blob",
      data: { where: BLOB },
    });
    await expect(countIds(repo, BLOB)).rejects.toMatchObject({ code: "integrity.blob" });
  });

  it("are refused by their size before a byte is read", async () => {
    const repo = {
      openObject: async () => ({
        sizeBytes: 2 ** 40,
        read: async () => {
          throw new Error("read");
        },
      }),
    } as unknown as Repository;
    await expect(readIds(repo, BLOB)).rejects.toMatchObject({ code: "limit.size" });
  });
});
