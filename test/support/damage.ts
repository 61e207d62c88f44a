import { IngotError } from "../../src/base/errors.ts";
import { hashBytes } from "../../src/base/hash.ts";
import type { Oid } from "../../src/base/oid.ts";
import { type FsckReport, fsck } from "../../src/repo/fsck.ts";
import { openRepository } from "../../src/repo/open.ts";
import { seededRandom, type TestRepository } from "./repo.ts";

type Opened = Pick<TestRepository, "storage" | "options">;

/** What `fsck --deep` says of a place, or why it can't be opened. */
export async function deepReport({ storage, options }: Opened): Promise<FsckReport | IngotError> {
  try {
    return await fsck(await openRepository(storage, options), { deep: true });
  } catch (error) {
    if (error instanceof IngotError) return error;
    throw error;
  }
}

/** Files of a repository that hold something. */
export async function filesOf({ storage }: Opened): Promise<{ key: string; sizeBytes: number }[]> {
  const files: { key: string; sizeBytes: number }[] = [];
  for await (const { key, sizeBytes } of storage.list(""))
    if (key !== "reserve") files.push({ key, sizeBytes });
  return files.sort((a, b) => (a.key < b.key ? -1 : 1));
}

export interface Flip {
  readonly what: string;
  readonly key: string;
  readonly found: FsckReport | IngotError;
}

/** Flips one bit after the other, each file as often as any other, and gives what fsck says of each. */
export async function* flipBits(test: Opened, count: number, seed: number): AsyncGenerator<Flip> {
  const files = await filesOf(test);
  const random = seededRandom(seed);
  const draw = (limit: number) => new DataView(random.bytes(4).buffer).getUint32(0) % limit;
  for (let i = 0; i < count; i++) {
    const { key, sizeBytes } = files[draw(files.length)] as (typeof files)[number];
    const [byte, bit] = [draw(sizeBytes), draw(8)];
    const sound = await test.storage.read(key);
    const damaged = new Uint8Array(sound);
    damaged[byte] = (damaged[byte] as number) ^ (1 << bit);
    await test.storage.put(key, damaged);
    yield { key, what: `bit ${bit} of byte ${byte} of ${key}, seed ${seed}`, found: await deepReport(test) };
    await test.storage.put(key, sound);
  }
}

/** Hashes of all objects as a reader gets them. */
export async function hashesOf({ storage, options }: Opened): Promise<Map<Oid, Oid>> {
  const repo = await openRepository(storage, options);
  const hashes = new Map<Oid, Oid>();
  for await (const { oid } of repo.listObjects()) hashes.set(oid, hashBytes(await repo.readBytes(oid)));
  return hashes;
}

/** Reads every object again; gives those whose bytes differ. An error is no wrong byte. */
export async function wrongObjects(
  { storage, options }: Opened,
  expected: ReadonlyMap<Oid, Oid>,
): Promise<Oid[]> {
  const wrong: Oid[] = [];
  const repo = await openRepository(storage, options);
  for (const [oid, hash] of expected) {
    try {
      if (hashBytes(await repo.readBytes(oid)) !== hash) wrong.push(oid);
    } catch (error) {
      if (!(error instanceof IngotError)) throw error;
    }
  }
  return wrong;
}
