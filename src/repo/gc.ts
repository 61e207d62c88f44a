import { bug, IngotError } from "../base/errors.ts";
import type { Oid } from "../base/oid.ts";
import type { Storage } from "../storage/port.ts";
import { currentProcess, livenessOf, parseProcessIdentity } from "../storage/process-identity.ts";
import { type Marks, markFrom, markRefs } from "./gc-mark.ts";
import { RESERVE_KEY } from "./open.ts";
import { entryEnd, type PackFooter, packKey } from "./pack-format.ts";
import { readStored } from "./pack-reader.ts";
import { PackWriter } from "./pack-writer.ts";
import { publishOperation } from "./publish.ts";
import type { Repository } from "./repository.ts";
import type { Operation } from "./state.ts";
import { type Vault, vaultOf } from "./vault.ts";
import type { Root } from "./walk.ts";

/** How long condemned packs lie before they are dropped. */
export const GRACE_MS = 30 * 24 * 3600 * 1000;
/** A pack is rewritten without its dead entries where these are more than this share of it. */
const DEAD_SHARE = 0.25;
/** Most bytes that one run copies. */
const MAX_COPIED_BYTES = 4 * 2 ** 30;
const ORPHAN_AGE_MS = 24 * 3600 * 1000;
const MAX_ATTEMPTS = 8;

export interface GcOptions {
  readonly nowMs: number;
  readonly graceMs?: number;
  readonly command?: string;
}

export interface GcPack {
  readonly pack: Oid;
  readonly sizeBytes: number;
  readonly objects: number;
  /** Bytes of it that stay needed. */
  readonly liveBytes: number;
}

/** What gc would do, after operation `n`. Nothing is written by planning. */
export interface GcPlan {
  readonly n: number;
  readonly nowMs: number;
  readonly graceMs: number;
  readonly command: string;
  /** Packs that nothing needs: condemned, brought back by undo for as long as the grace. */
  readonly condemn: readonly GcPack[];
  /** Packs that are rewritten without what nothing needs, and condemned. */
  readonly repack: readonly GcPack[];
  /** Condemned packs whose grace is over, and checkpoints that no run needs: dropped, for good. */
  readonly drop: readonly GcPack[];
  /** Bytes that the operation will free, at once and after the grace. */
  readonly freedNowBytes: number;
  readonly freedLaterBytes: number;
}

interface Live {
  readonly footer: PackFooter;
  readonly facts: GcPack;
}

/**
 * Plans a collection: marks from all refs, and sorts the packs. Throws `integrity.*` (exit 6) where a root or anything that it leads to
 * is missing or damaged: what can't be read can't be known to be unneeded.
 */
export async function planGc(
  repo: Repository,
  { nowMs, graceMs = GRACE_MS, command = "gc" }: GcOptions,
): Promise<GcPlan> {
  const vault = vaultOf(repo);
  const state = await vault.refresh();
  const marks = await markRefs(repo, vault, state.refs);
  const footers = await liveFooters(vault);
  const { live, repack } = await classify(repo, vault, footers, marks);

  const drop: GcPack[] = live
    .filter(({ footer, facts }) => footer.transient && facts.liveBytes === 0)
    .map(({ facts }) => facts);
  const condemn = live
    .filter(({ footer, facts }) => !footer.transient && facts.liveBytes === 0)
    .map(({ facts }) => facts);
  for (const [pack, status] of state.packs.list()) {
    if (status.state === "live" || Math.max(0, nowMs - status.atMs) < graceMs) continue;
    const sizeBytes = (await vault.storage.stat(packKey(pack)))?.sizeBytes ?? 0;
    drop.push({ pack, sizeBytes, objects: 0, liveBytes: 0 });
  }
  const later =
    sum(condemn, (each) => each.sizeBytes) + sum(repack, (each) => each.sizeBytes - each.liveBytes);
  const now = sum(drop, (each) => each.sizeBytes);
  const plan: GcPlan = {
    n: state.n,
    nowMs,
    graceMs,
    command,
    condemn,
    repack,
    drop,
    freedNowBytes: graceMs === 0 ? now + later : now,
    freedLaterBytes: graceMs === 0 ? 0 : later,
  };
  marksOf.set(plan, marks);
  return plan;
}

/** What a plan found to be needed, for the copying. */
const marksOf = new WeakMap<GcPlan, Marks>();

const sum = <T>(items: readonly T[], of: (item: T) => number) =>
  items.reduce((total, item) => total + of(item), 0);

const isWorthRepacking = ({ sizeBytes, liveBytes }: GcPack) =>
  liveBytes > 0 && sizeBytes - liveBytes > DEAD_SHARE * sizeBytes;

function limitCopies(packs: readonly GcPack[]): GcPack[] {
  let copied = 0;
  return [...packs]
    .sort((a, b) => a.liveBytes - b.liveBytes)
    .filter((pack) => {
      copied += pack.liveBytes;
      return copied <= MAX_COPIED_BYTES;
    });
}

async function liveFooters(vault: Vault): Promise<PackFooter[]> {
  const footers: PackFooter[] = [];
  for (const [pack, status] of vault.state.packs.list()) {
    if (status.state !== "live") continue;
    const footer = await vault.index.footer(pack);
    if (footer === undefined)
      throw new IngotError("integrity.pack", `the pack '${pack}' is missing`, {
        hint: "ingot fsck",
        data: { where: packKey(pack), pack },
      });
    footers.push(footer);
  }
  return footers;
}

/**
 * Measures what of each pack is needed. Whatever stays in a pack in use must have all that it refers to in packs in use, needed or not: a
 * later command may build on it without looking further. So the records of a pack that stays as it is are roots too.
 */
async function classify(
  repo: Repository,
  vault: Vault,
  footers: readonly PackFooter[],
  marks: Marks,
): Promise<{ live: Live[]; repack: GcPack[] }> {
  for (;;) {
    const live = footers.map((footer) => ({ footer, facts: measure(footer, marks) }));
    const repack = limitCopies(
      live
        .filter(({ footer, facts }) => !footer.transient && isWorthRepacking(facts))
        .map(({ facts }) => facts),
    );
    const roots: Root[] = [];
    for (const { footer, facts } of live) {
      if (facts.liveBytes === 0 || repack.includes(facts)) continue;
      for (const entry of footer.entries()) {
        if (entry.type === "record" && !marks.has(entry.oid))
          roots.push({ oid: entry.oid, expect: "any", from: footer.pack });
      }
    }
    if (roots.length === 0) return { live, repack };
    await markFrom(repo, vault, roots, marks, { onUnreadable: () => {} });
    for (const { oid } of roots) marks.add(oid);
  }
}

function measure(footer: PackFooter, marks: Marks): GcPack {
  let sizeBytes = 0;
  let liveBytes = 0;
  for (const entry of footer.entries()) {
    const bytes = entryEnd(entry) - entry.offset;
    sizeBytes += bytes;
    if (marks.has(entry.oid)) liveBytes += bytes;
  }
  return { pack: footer.pack, sizeBytes, objects: footer.count, liveBytes };
}

export interface GcResult {
  readonly plan: GcPlan;
  /** The operation that condemned; undefined where there was nothing to condemn. */
  readonly condemned: Operation | undefined;
  readonly dropped: Operation | undefined;
}

/** Carries a plan out. Where refs moved since it was made, it is made again. */
export async function executeGc(repo: Repository, first: GcPlan): Promise<GcResult> {
  const vault = vaultOf(repo);
  await freeReserve(vault.storage);
  let plan = first;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const condemned = await condemn(vault, plan);
    if (condemned !== "moved") {
      const dropped = await drop(vault, plan, condemned);
      await sweepOrphans(vault, plan.nowMs);
      await restoreReserve(vault.storage);
      return { plan, condemned, dropped };
    }
    plan = await planGc(repo, plan);
  }
  throw new IngotError("conflict.ref", "refs moved while gc was at work, again and again", {
    hint: "run ingot gc when less is going on",
  });
}

class Moved extends Error {}

async function condemn(vault: Vault, plan: GcPlan): Promise<Operation | undefined | "moved"> {
  if (plan.condemn.length + plan.repack.length === 0) return undefined;
  const fresh = plan.repack.length === 0 ? undefined : await repackInto(vault, plan);
  try {
    return await publishOperation(vault, {
      build: (refs) => {
        if (refs.n !== plan.n) throw new Moved();
        return {
          command: plan.command,
          edits: [],
          condemn: [...plan.condemn, ...plan.repack].map(({ pack }) => pack),
        };
      },
      packs: fresh === undefined ? [] : [fresh.pack],
      needs: [],
    });
  } catch (error) {
    if (!(error instanceof Moved)) throw error;
    if (fresh !== undefined && vault.state.packs.status(fresh.pack) === undefined)
      await vault.storage.delete(packKey(fresh.pack));
    return "moved";
  }
}

/** Copies what is needed of the packs to rewrite, as it is stored, and reads it back from the new pack. */
async function repackInto(vault: Vault, plan: GcPlan): Promise<PackFooter> {
  const marks = marksOf.get(plan) ?? bug("a plan that planGc did not make");
  const writer = await PackWriter.open(vault.storage, false);
  const copied = new Set<string>();
  try {
    for (const { pack } of plan.repack) {
      const footer = await vault.index.footer(pack);
      for (const entry of footer?.entries() ?? []) {
        const key = `${entry.type} ${entry.oid}`;
        if (!marks.has(entry.oid) || copied.has(key)) continue;
        copied.add(key);
        await writer.addStored(entry, await readStored(vault.storage, pack, entry));
      }
    }
    const footer = await writer.seal();
    for (const entry of footer.entries()) await readStored(vault.storage, footer.pack, entry);
    vault.index.add(footer);
    return footer;
  } finally {
    await writer.abort();
  }
}

async function drop(
  vault: Vault,
  plan: GcPlan,
  condemned: Operation | undefined,
): Promise<Operation | undefined> {
  const packs = plan.drop.map(({ pack }) => pack);
  if (plan.graceMs === 0) packs.push(...(condemned?.packs.condemn ?? []));
  if (packs.length === 0) return undefined;
  const expectedN = condemned?.n ?? plan.n;
  return publishOperation(vault, {
    build: (refs) => {
      // Somebody may have taken a condemnation back meanwhile, or a run may point at its checkpoint again.
      const mayDrop = (pack: Oid) => {
        const status = vault.state.packs.status(pack);
        return status !== undefined && (status.state === "condemned" || refs.n === expectedN);
      };
      return { command: plan.command, edits: [], housekeeping: true, drop: packs.filter(mayDrop) };
    },
    packs: [],
    needs: [],
  });
}

/** Removes pack files that no operation names, where nobody can be about to publish them. */
async function sweepOrphans(vault: Vault, nowMs: number): Promise<void> {
  if (await hasOtherSession(vault.storage)) return;
  for await (const { key, modifiedMs } of vault.storage.list("packs/")) {
    const pack = /([0-9a-f]{64})\.pack$/.exec(key)?.[1] as Oid | undefined;
    if (
      pack !== undefined &&
      vault.state.packs.status(pack) === undefined &&
      nowMs - modifiedMs > ORPHAN_AGE_MS
    )
      await vault.storage.delete(key);
  }
}

async function hasOtherSession(storage: Storage): Promise<boolean> {
  for await (const { key } of storage.list("tmp/")) {
    if (!key.endsWith("/session.json")) continue;
    try {
      const owner = parseProcessIdentity(JSON.parse(Buffer.from(await storage.read(key)).toString("utf8")));
      if (owner !== undefined && owner.pid !== currentProcess().pid && livenessOf(owner) !== "dead")
        return true;
    } catch {
      return true;
    }
  }
  return false;
}

async function freeReserve(storage: Storage): Promise<void> {
  if (((await storage.freeBytes()) ?? Number.POSITIVE_INFINITY) < 4 << 20) await storage.delete(RESERVE_KEY);
}

async function restoreReserve(storage: Storage): Promise<void> {
  if ((await storage.stat(RESERVE_KEY)) !== undefined || ((await storage.freeBytes()) ?? 0) < 64 << 20)
    return;
  await storage.put(RESERVE_KEY, new Uint8Array(1 << 20));
}
