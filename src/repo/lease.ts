import { IngotError } from "../base/errors.ts";
import type { Clock, Random } from "../base/ports.ts";
import { bindMachineLock, type MachineLock } from "../storage/machine-lock.ts";
import type { Storage } from "../storage/port.ts";
import {
  currentProcess,
  livenessOf,
  type ProcessIdentity,
  parseProcessIdentity,
} from "../storage/process-identity.ts";

/**
 * A lease says who trains a run (`run-t<N>`), who works the queue (`queue`) or who mends the log (`log`). Grants are numbered and put if
 * absent, `leases/<name>/<number>`: the highest number is the one that counts, so taking over is one atomic step on a folder and on
 * object storage alike, and a holder that was thought dead sees a higher number and stops.
 */
export interface Lease {
  readonly name: string;
  /** Extends the lease; call it more often than `INTERVAL_MS`. Throws `conflict.lease` where another one holds it now. */
  beat(): Promise<void>;
  /** Throws `conflict.lease` where this is not the holder any more, or where the process stood still for too long. */
  assertHeld(): Promise<void>;
  /** Gives the lease back. Harmless where it was lost. */
  release(): Promise<void>;
}

export interface LeaseOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** What the holder does, for those who wait: `train refunds`. */
  readonly command?: string;
  /** How long to wait for a live holder. */
  readonly waitMs?: number;
  /** Take it from a holder on another machine, which can't be judged from here. */
  readonly takeOver?: boolean;
}

/** Longest time between two beats of a live holder. */
export const INTERVAL_MS = 200_000;
/** A holder on another machine is dead after so long without a beat, by this machine's clock and by the store's. */
const FOREIGN_STALE_MS = 3 * INTERVAL_MS;

interface Grant {
  readonly nonce: string;
  readonly holder: ProcessIdentity;
  readonly command: string;
  readonly heartbeatSeq: number;
  readonly released: boolean;
}

interface Found {
  readonly number: number;
  /** Undefined where the file is torn or not ours. */
  readonly grant: Grant | undefined;
  readonly modifiedMs: number;
}

const NAME = /^[a-z][a-z0-9-]{0,60}$/;

/** Takes a lease, waiting up to `waitMs`. Throws `conflict.lease` naming the holder. */
export async function acquireLease(storage: Storage, name: string, options: LeaseOptions): Promise<Lease> {
  if (!NAME.test(name))
    throw new IngotError("input.name", `'${name.slice(0, 60)}' is not the name of a lease`);
  const { clock, waitMs = 5000 } = options;
  const deadline = clock.monotonicMs() + waitMs;
  const observed = new Map<string, number>();
  for (;;) {
    const found = await findNewest(storage, name);
    const free = found === undefined || (await isFree(storage, name, found, options, observed));
    if (free) {
      const lease = await tryGrant(storage, name, (found?.number ?? 0) + 1, options);
      if (lease !== undefined) return lease;
    }
    if (clock.monotonicMs() >= deadline) throw heldBy(name, found);
    const [byte] = options.random.bytes(1) as Uint8Array & [number];
    await new Promise((resolve) => setTimeout(resolve, 20 + byte / 4));
  }
}

/** Who holds a lease now; undefined where nobody does. */
export async function findLeaseHolder(
  storage: Storage,
  name: string,
): Promise<{ readonly holder: ProcessIdentity; readonly command: string } | undefined> {
  const grant = (await findNewest(storage, name))?.grant;
  if (grant === undefined || grant.released || livenessOf(grant.holder) === "dead") return undefined;
  return { holder: grant.holder, command: grant.command };
}

function heldBy(name: string, found: Found | undefined): IngotError {
  const holder = found?.grant?.holder;
  const who = holder === undefined ? "another process" : `process ${holder.pid} on ${holder.host}`;
  return new IngotError("conflict.lease", `'${name}' is held by ${who}`, {
    hint: "wait until it ends, or stop it",
    data: {
      where: name,
      ...(holder === undefined ? {} : { pid: holder.pid, host: holder.host, command: found?.grant?.command }),
    },
  });
}

function key(name: string, number: number): string {
  return `leases/${name}/${String(number).padStart(12, "0")}`;
}

async function findNewest(storage: Storage, name: string): Promise<Found | undefined> {
  let newest: { number: number; modifiedMs: number } | undefined;
  for await (const fact of storage.list(`leases/${name}/`)) {
    const number = Number(/\/([0-9]{12})$/.exec(fact.key)?.[1] ?? 0);
    if (number > (newest?.number ?? 0)) newest = { number, modifiedMs: fact.modifiedMs };
  }
  if (newest === undefined) return undefined;
  try {
    return { ...newest, grant: parseGrant(await storage.read(key(name, newest.number))) };
  } catch (error) {
    // Released and granted again in between: look once more.
    if (error instanceof IngotError && error.code === "object.missing") return findNewest(storage, name);
    throw error;
  }
}

function parseGrant(bytes: Uint8Array): Grant | undefined {
  try {
    const value = JSON.parse(Buffer.from(bytes).toString("utf8")) as Record<string, unknown>;
    const holder = parseProcessIdentity(value.holder);
    const { nonce, command, heartbeatSeq, released } = value;
    if (
      holder === undefined ||
      typeof nonce !== "string" ||
      typeof command !== "string" ||
      !Number.isSafeInteger(heartbeatSeq) ||
      typeof released !== "boolean"
    )
      return undefined;
    return { nonce, holder, command, heartbeatSeq: heartbeatSeq as number, released };
  } catch {
    return undefined;
  }
}

async function isFree(
  storage: Storage,
  name: string,
  { number, grant, modifiedMs }: Found,
  { clock, takeOver = false }: LeaseOptions,
  observed: Map<string, number>,
): Promise<boolean> {
  if (grant?.released) return true;
  const liveness = grant === undefined ? "unknown" : livenessOf(grant.holder);
  if (liveness === "dead") return true;
  if (liveness === "alive") return false;
  if (takeOver) return true;
  // Another machine's clock is never compared with ours: no beat for three intervals on my own clock, and by the store's.
  const beat = `${number} ${grant?.heartbeatSeq ?? -1}`;
  const since = observed.get(beat) ?? clock.monotonicMs();
  observed.set(beat, since);
  if (clock.monotonicMs() - since < FOREIGN_STALE_MS) return false;
  const storeNowMs = await storeTime(storage, name);
  return storeNowMs !== undefined && storeNowMs - modifiedMs >= FOREIGN_STALE_MS;
}

async function storeTime(storage: Storage, name: string): Promise<number | undefined> {
  const probe = `leases/${name}/clock`;
  await storage.put(probe, new Uint8Array([1]));
  return (await storage.stat(probe))?.modifiedMs;
}

async function tryGrant(
  storage: Storage,
  name: string,
  number: number,
  options: LeaseOptions,
): Promise<Lease | undefined> {
  // Bound first: while another process of this machine has it, that one is alive, whatever its file says.
  const lock = await bindMachineLock(`${storage.location}:${name}`);
  if (lock === "held") return undefined;
  const nonce = Buffer.from(options.random.bytes(16)).toString("hex");
  const grant: Grant = {
    nonce,
    holder: currentProcess(),
    command: options.command ?? "",
    heartbeatSeq: 0,
    released: false,
  };
  const won = await storage.putIfAbsent(key(name, number), encodeGrant(grant));
  const newest = won ? await findNewest(storage, name) : undefined;
  if (newest?.number !== number) {
    // Somebody released and took it again between our look and our grant: ours never counted.
    if (won) await storage.delete(key(name, number));
    await lock?.release();
    return undefined;
  }
  for await (const { key: other } of storage.list(`leases/${name}/`))
    if (other < key(name, number)) await storage.delete(other);
  return new HeldLease(storage, name, number, grant, lock, options.clock);
}

function encodeGrant(grant: Grant): Uint8Array {
  return Buffer.from(`${JSON.stringify(grant)}\n`);
}

class HeldLease implements Lease {
  readonly name: string;
  readonly #storage: Storage;
  readonly #number: number;
  readonly #lock: MachineLock | undefined;
  readonly #clock: Clock;
  #grant: Grant;
  #lastBeatMs: number;
  #open = true;

  constructor(
    storage: Storage,
    name: string,
    number: number,
    grant: Grant,
    lock: MachineLock | undefined,
    clock: Clock,
  ) {
    this.name = name;
    this.#storage = storage;
    this.#number = number;
    this.#grant = grant;
    this.#lock = lock;
    this.#clock = clock;
    this.#lastBeatMs = clock.monotonicMs();
  }

  async beat(): Promise<void> {
    await this.assertHeld();
    this.#grant = { ...this.#grant, heartbeatSeq: this.#grant.heartbeatSeq + 1 };
    await this.#storage.put(key(this.name, this.#number), encodeGrant(this.#grant));
    this.#lastBeatMs = this.#clock.monotonicMs();
  }

  async assertHeld(): Promise<void> {
    const found = await findNewest(this.#storage, this.name);
    const lost = found?.number !== this.#number || found.grant?.nonce !== this.#grant.nonce;
    if (lost || !this.#open)
      throw new IngotError("conflict.lease", `'${this.name}' was taken over by another process`, {
        hint: "ingot status",
        data: { where: this.name },
      });
    if (this.#clock.monotonicMs() - this.#lastBeatMs > FOREIGN_STALE_MS) {
      throw new IngotError(
        "conflict.lease",
        `this process stood still for so long that '${this.name}' may be another's`,
        { hint: "run the command again", data: { where: this.name } },
      );
    }
  }

  async release(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    const found = await findNewest(this.#storage, this.name);
    // The file stays and says so: numbers only rise, or a late judge of an older grant could be granted a second one.
    if (found?.number === this.#number && found.grant?.nonce === this.#grant.nonce)
      await this.#storage.put(key(this.name, this.#number), encodeGrant({ ...this.#grant, released: true }));
    await this.#lock?.release();
  }
}
