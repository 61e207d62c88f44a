import { IngotError } from "../base/errors.ts";
import type { Oid } from "../base/oid.ts";
import { type Clock, type Random, systemClock, systemRandom } from "../base/ports.ts";
import { openFileSystemStorage } from "../storage/file-system.ts";
import type { Storage } from "../storage/port.ts";
import { decodeFormat, encodeFormat, FORMAT_KEY } from "./format.ts";
import { entryKey, readEntryOf, readStateAt } from "./log.ts";
import { ObjectReader } from "./objects.ts";
import { publishOperation } from "./publish.ts";
import type { Repository } from "./repository.ts";
import type { Operation } from "./state.ts";
import { OBJECT_TYPES, registerVault, Vault } from "./vault.ts";
import { Session } from "./write-session.ts";

export interface OpenOptions {
  readonly clock?: Clock;
  readonly random?: Random;
  /** Who stands in the operation log: `Ada <ada@example.org>`. */
  readonly actor?: string;
}

export interface InitOptions extends OpenOptions {
  /** Id of the repository that this one is a clone of. */
  readonly id?: string;
  /** Branch that HEAD names. */
  readonly branch?: string;
}

/** Freed by gc on a full disk, so that gc itself can write. */
export const RESERVE_KEY = "reserve";
const RESERVE_BYTES = 1 << 20;

function storageOf(place: string | Storage): Storage {
  return typeof place === "string" ? openFileSystemStorage(place) : place;
}

/**
 * Makes a repository in a place (the path of a `.ingot` folder, or a storage) and opens it. Throws `conflict.exists` where one is.
 */
export async function initRepository(
  place: string | Storage,
  options: InitOptions = {},
): Promise<Repository> {
  const { random = systemRandom, branch = "main" } = options;
  const storage = storageOf(place);
  const id = options.id ?? Buffer.from(random.bytes(16)).toString("hex");
  const isNew = await storage.putIfAbsent(FORMAT_KEY, encodeFormat(id));
  // An init that was cut off between its two writes is finished by the next one.
  if (!isNew && (await storage.stat(entryKey(1))) !== undefined) {
    throw new IngotError("conflict.exists", `'${storage.location}' is a repository already`, {
      hint: "ingot status",
      data: { where: storage.location },
    });
  }
  const repository = await openRepository(storage, options);
  await repository.operate(() => ({
    command: "init",
    edits: [{ ref: "HEAD", new: { symbolic: `heads/${branch}` } }],
    housekeeping: true,
  }));
  await storage.put(RESERVE_KEY, new Uint8Array(RESERVE_BYTES));
  return repository;
}

/**
 * Opens the repository in a place (the path of a `.ingot` folder, or a storage). Writes nothing. Throws `repository.missing`, and
 * `input.version` for a format that this program does not know.
 */
export async function openRepository(
  place: string | Storage,
  options: OpenOptions = {},
): Promise<Repository> {
  const { clock = systemClock, random = systemRandom, actor = "unknown" } = options;
  const storage = storageOf(place);
  const { id, writable } = decodeFormat(await readFormat(storage), storage.location);
  const vault = new Vault({ storage, clock, random, actor, id });
  const repository = new OpenedRepository(vault, writable);
  registerVault(repository, vault);
  try {
    await vault.refresh();
  } catch (error) {
    // A damaged log is said by whoever needs the refs; fsck must still be able to look.
    if (!(error instanceof IngotError) || error.code !== "integrity.log") throw error;
  }
  return repository;
}

async function readFormat(storage: Storage): Promise<Uint8Array> {
  try {
    return await storage.read(FORMAT_KEY);
  } catch (error) {
    if (!(error instanceof IngotError) || error.code !== "object.missing") throw error;
    if ((await storage.stat(entryKey(1))) !== undefined) {
      throw new IngotError("input.version", `the repository in '${storage.location}' has no format file`, {
        hint: "take it from a copy of the repository",
        data: { where: `${storage.location}/${FORMAT_KEY}` },
      });
    }
    throw new IngotError("repository.missing", `no repository in '${storage.location}'`, {
      hint: "ingot init",
      data: { where: storage.location },
    });
  }
}

class OpenedRepository implements Repository {
  readonly id: string;
  readonly location: string;
  readonly #vault: Vault;
  readonly #objects: ObjectReader;
  readonly #writable: boolean;

  constructor(vault: Vault, writable: boolean) {
    this.#vault = vault;
    this.#objects = new ObjectReader(vault);
    this.#writable = writable;
    this.id = vault.id;
    this.location = vault.storage.location;
  }

  async refs() {
    return (await this.#vault.refresh()).refs;
  }

  async refsAt(n: number) {
    if (n === this.#vault.state.n) return this.#vault.state.refs;
    return (await readStateAt(this.#vault.storage, n)).refs;
  }

  async *operations(from?: number): AsyncIterable<Operation> {
    const newest = (await this.#vault.refresh()).n;
    let expected: Oid | undefined;
    for (let n = Math.min(from ?? newest, newest); n >= 1; n--) {
      const operation = await readEntryOf(this.#vault.storage, n);
      if (expected !== undefined && operation.oid !== expected) {
        throw new IngotError(
          "integrity.log",
          `entry ${n} of the operation log is not the one that entry ${n + 1} follows`,
          { hint: "ingot fsck", data: { where: entryKey(n), n } },
        );
      }
      yield operation;
      expected = operation.previous;
    }
  }

  readOperation(n: number): Promise<Operation> {
    return readEntryOf(this.#vault.storage, n);
  }

  has(oid: Oid) {
    return this.#objects.has(oid);
  }

  readBytes(oid: Oid, maxBytes?: number) {
    return this.#objects.readBytes(oid, maxBytes);
  }

  openObject(oid: Oid) {
    return this.#objects.open(oid);
  }

  readRecord: Repository["readRecord"] = (oid, kind) => this.#objects.readRecord(oid, kind);

  findRecord(oid: Oid) {
    return this.#objects.findRecord(oid);
  }

  async findPrefix(digits: string, limit: number): Promise<readonly Oid[]> {
    if (!/^[0-9a-f]{4,64}$/.test(digits)) return [];
    const found = new Set<Oid>();
    for await (const row of this.#vault.index.findPrefix(digits)) {
      if (!OBJECT_TYPES.includes(row.type) || this.#vault.state.packs.status(row.pack) === undefined)
        continue;
      found.add(row.oid);
      if (found.size >= limit) break;
    }
    return [...found].sort();
  }

  async *listObjects() {
    const seen = new Set<Oid>();
    for await (const row of this.#vault.index.findPrefix("")) {
      if (
        !OBJECT_TYPES.includes(row.type) ||
        seen.has(row.oid) ||
        this.#vault.state.packs.status(row.pack)?.state !== "live"
      )
        continue;
      seen.add(row.oid);
      yield { oid: row.oid, sizeBytes: row.objectBytes, isRecord: row.type === "record" };
    }
  }

  async begin({ transient = false }: { readonly transient?: boolean } = {}) {
    this.#assertWritable();
    await this.#vault.refresh();
    return new Session(this.#vault, transient);
  }

  async operate(build: Parameters<Repository["operate"]>[0]) {
    this.#assertWritable();
    return publishOperation(this.#vault, { build, packs: [], needs: [] });
  }

  #assertWritable(): void {
    if (this.#writable) return;
    throw new IngotError(
      "input.version",
      `the repository in '${this.location}' needs a newer program to write`,
      { hint: "upgrade ingot", data: { where: this.location } },
    );
  }

  async close() {
    await this.#vault.storage.close();
  }
}
