import { IngotError } from "../base/errors.ts";
import type { Oid } from "../base/oid.ts";
import type { Clock, Random } from "../base/ports.ts";
import type { Storage } from "../storage/port.ts";
import type { IndexRow } from "./index-segment.ts";
import { readNewest } from "./log.ts";
import type { EntryType } from "./pack-format.ts";
import { PackIndex } from "./pack-index.ts";
import { readEntry } from "./pack-reader.ts";
import type { Repository } from "./repository.ts";
import { emptyState, type PackStatus, type State, stateFromTable } from "./state.ts";
import { encodeState, StateTable } from "./state-file.ts";

/** An entry of an object with what the log says of its pack. */
export interface Located extends IndexRow {
  readonly status: PackStatus;
}

/** How well an entry serves a reader: entries of condemned packs may go, those of transient ones go soon. */
function rank({ status, transient, type }: Located): number {
  return (status.state === "live" ? 0 : 8) + (transient ? 4 : 0) + TYPE_RANK[type];
}

const TYPE_RANK: Readonly<Record<EntryType, number>> = { record: 0, file: 1, list: 2, piece: 3 };

export const OBJECT_TYPES: readonly EntryType[] = ["record", "file", "list"];
export const PIECE_TYPES: readonly EntryType[] = ["record", "file", "piece"];

/** Packs that changed since the last state file, above which a reader makes itself a table in memory. */
const REBASE_AT = 1024;

export interface VaultOptions {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly random: Random;
  /** Who stands in the operations: `Ada <ada@example.org>`. */
  readonly actor: string;
  /** Random id shared by clones. */
  readonly id: string;
}

/** The inside of an open repository: its place, the newest state that was read, and where objects lie. */
export class Vault {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly random: Random;
  readonly actor: string;
  readonly id: string;
  readonly index: PackIndex;
  #state: State = emptyState();
  #opened = false;
  #torn: number | undefined;

  constructor({ storage, clock, random, actor, id }: VaultOptions) {
    this.storage = storage;
    this.clock = clock;
    this.random = random;
    this.actor = actor;
    this.id = id;
    this.index = new PackIndex(storage, random);
  }

  /** The newest state that was read. */
  get state(): State {
    return this.#state;
  }

  /** Number of a damaged last entry of the log, which everybody reads past; undefined where there is none. */
  get torn(): number | undefined {
    return this.#torn;
  }

  /** Reads what the log says now. */
  async refresh(): Promise<State> {
    const { state, torn } = await readNewest(this.storage, this.#opened ? this.#state : undefined);
    this.#torn = torn;
    if (!this.#opened || state !== this.#state) await this.adopt(state);
    this.#opened = true;
    return this.#state;
  }

  /** Takes a newer state. */
  async adopt(state: State): Promise<void> {
    await this.index.follow(state);
    this.#state = state;
    if (state.packs.recent.length > REBASE_AT) await this.rebase();
  }

  /** Keeps the state as one table again, so that a process that sees many operations stays fast. */
  async rebase(): Promise<void> {
    if (this.#state.head !== undefined)
      this.#state = stateFromTable(new StateTable(encodeState(this.#state)));
  }

  /** Entries of an object or piece in packs that are there, best first. */
  async locate(oid: Oid, types: readonly EntryType[]): Promise<Located[]> {
    const found: Located[] = [];
    for (const row of await this.index.find(oid)) {
      const status = this.#state.packs.status(row.pack);
      if (status !== undefined && types.includes(row.type)) found.push({ ...row, status });
    }
    return found.length < 2 ? found : found.sort((a, b) => rank(a) - rank(b));
  }

  /**
   * As `locate`, and certain that nothing is there when it finds nothing: the newest state is read, and the packs themselves are
   * asked in place of the index.
   */
  async locateCertainly(oid: Oid, types: readonly EntryType[]): Promise<Located[]> {
    let found = await this.locate(oid, types);
    if (found.length > 0) return found;
    const before = this.#state;
    if ((await this.refresh()) !== before) found = await this.locate(oid, types);
    if (found.length === 0 && this.index.hasSegments) {
      await this.index.distrust(this.#state);
      found = await this.locate(oid, types);
    }
    return found;
  }

  /**
   * Plain bytes of an object's or piece's entry, verified. A damaged copy is passed over where another one is sound. Throws
   * `object.missing`, or the damage.
   */
  async read(
    oid: Oid,
    types: readonly EntryType[],
  ): Promise<{ readonly entry: Located; readonly bytes: Uint8Array }> {
    let damage: unknown;
    for (const attempt of ["first", "again"]) {
      // A pack that is gone was dropped meanwhile, or the index misled us: the newest state knows.
      const rows =
        attempt === "first" ? await this.locate(oid, types) : await this.locateCertainly(oid, types);
      for (const entry of rows) {
        try {
          return { entry, bytes: await readEntry(this.storage, entry.pack, entry) };
        } catch (error) {
          if (!(error instanceof IngotError)) throw error;
          if (error.code !== "object.missing" && !error.code.startsWith("integrity.")) throw error;
          if (error.code !== "object.missing") damage = error;
        }
      }
      if (rows.length > 0) {
        await this.refresh();
        if (this.index.hasSegments) await this.index.distrust(this.#state);
      }
    }
    throw damage ?? missing(oid);
  }
}

/** The error for an object that is in no live pack. */
export function missing(oid: string): IngotError {
  return new IngotError("object.missing", `no object '${oid}' in this repository`, {
    hint: "ingot ls-objects lists what is there; ingot pull may bring it",
    data: { where: oid, oid },
  });
}

const vaults = new WeakMap<Repository, Vault>();

/** Remembers the inside of a repository for `vaultOf`. */
export function registerVault(repository: Repository, vault: Vault): void {
  vaults.set(repository, vault);
}

/** The inside of a repository that `openRepository` gave, for the maintenance in this folder. */
export function vaultOf(repository: Repository): Vault {
  const vault = vaults.get(repository);
  if (vault === undefined) throw new Error("bug: a repository that openRepository did not give");
  return vault;
}
