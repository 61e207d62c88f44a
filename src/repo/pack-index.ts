import { IngotError } from "../base/errors.ts";
import { hashBytes } from "../base/hash.ts";
import { type Oid, oidToBytes } from "../base/oid.ts";
import type { Random } from "../base/ports.ts";
import type { Storage } from "../storage/port.ts";
import { encodeRow, encodeSegment, type IndexRow, IndexSegment, type SegmentPack } from "./index-segment.ts";
import type { EntryLocation, PackFooter } from "./pack-format.ts";
import { readFooter } from "./pack-reader.ts";
import type { State } from "./state.ts";

const MANIFEST_KEY = "idx/manifest";
const SEGMENT_NAME = /^[0-9a-f]{32}$/;

/**
 * Where every object lies: segments that cover the packs up to one entry of the log, and the footers of the packs that came
 * later. Segments are derived; whatever is wrong with them, the packs themselves are asked.
 */
export class PackIndex {
  readonly #storage: Storage;
  readonly #random: Random;
  #segments: IndexSegment[] = [];
  /** Packs that no segment is known to cover; undefined while their footer was not read yet. */
  readonly #loose = new Map<Oid, PackFooter | undefined>();
  /** Packs that this process folded into a segment. */
  readonly #folded = new Set<Oid>();
  #state: State | undefined;

  constructor(storage: Storage, random: Random) {
    this.#storage = storage;
    this.#random = random;
  }

  /** Takes note of the packs of a newer state. */
  async follow(state: State): Promise<void> {
    const isFirst = this.#state === undefined;
    this.#state = state;
    if (isFirst) {
      const coveredN = await this.#openSegments();
      if (coveredN < state.baseN) return this.#noteUncovered(state);
    }
    for (const pack of state.packs.recent) {
      if (!this.#loose.has(pack) && !this.#folded.has(pack) && state.packs.status(pack) !== undefined)
        this.#loose.set(pack, undefined);
    }
  }

  /** Opens the segments that the manifest names; the entry of the log up to which they cover all packs. */
  async #openSegments(): Promise<number> {
    const manifest = await this.#readManifest();
    if (manifest === undefined) return 0;
    const opened: IndexSegment[] = [];
    for (const name of manifest.names) {
      try {
        const segment = await IndexSegment.open(this.#storage, segmentKey(name));
        if (segment === undefined) return 0;
        opened.push(segment);
      } catch (error) {
        if (isAbsent(error)) return 0;
        throw error;
      }
    }
    this.#segments = opened;
    return manifest.n;
  }

  async #readManifest(): Promise<{ n: number; names: string[] } | undefined> {
    let text: string;
    try {
      text = Buffer.from(await this.#storage.read(MANIFEST_KEY)).toString("latin1");
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
    const lines = text.trimEnd().split("\n");
    const check = lines.pop() ?? "";
    if (hashBytes(Buffer.from(`${lines.join("\n")}\n`)) !== check) return undefined;
    const [head, ...names] = lines;
    const n = /^ingot index 1 ([0-9]{1,15})$/.exec(head ?? "")?.[1];
    return n === undefined || !names.every((name) => SEGMENT_NAME.test(name))
      ? undefined
      : { n: Number(n), names };
  }

  #covered(): Set<Oid> {
    const covered = new Set<Oid>();
    for (const segment of this.#segments)
      for (let i = 0; i < segment.packCount; i++) covered.add(segment.packAt(i).pack);
    return covered;
  }

  #noteUncovered(state: State): void {
    const covered = this.#covered();
    for (const [pack] of state.packs.list())
      if (!covered.has(pack) && !this.#loose.has(pack)) this.#loose.set(pack, undefined);
  }

  /** Adds a pack whose footer is at hand. */
  add(footer: PackFooter): void {
    this.#loose.set(footer.pack, footer);
  }

  /** Leaves the segments, all of them, for the packs themselves: called when a segment misled a reader. */
  async distrust(state: State): Promise<void> {
    this.#segments = [];
    this.#folded.clear();
    for (const [pack] of state.packs.list()) if (!this.#loose.has(pack)) this.#loose.set(pack, undefined);
  }

  get hasSegments(): boolean {
    return this.#segments.length > 0;
  }

  /** Footer of a pack; undefined where the pack is gone. Throws `integrity.pack` for a damaged one. */
  async footer(pack: Oid): Promise<PackFooter | undefined> {
    const known = this.#loose.get(pack);
    if (known !== undefined) return known;
    try {
      const footer = await readFooter(this.#storage, pack);
      if (this.#loose.has(pack)) this.#loose.set(pack, footer);
      return footer;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  async #looseFooters(): Promise<PackFooter[]> {
    const footers: PackFooter[] = [];
    for (const [pack, known] of this.#loose) {
      let footer = known;
      try {
        footer ??= await this.footer(pack);
      } catch (error) {
        // A damaged pack hides its own objects, not those of the others; fsck names it.
        if (!(error instanceof IngotError) || error.code !== "integrity.pack") throw error;
      }
      if (footer !== undefined) footers.push(footer);
    }
    return footers.reverse();
  }

  /** Every entry of an id in packs of any status, newest packs first. */
  async find(oid: Oid): Promise<IndexRow[]> {
    const id = oidToBytes(oid);
    return this.#retrying(async () => {
      const found: IndexRow[] = [];
      for (const footer of await this.#looseFooters()) {
        for (const entry of footer.find(id)) found.push(rowOf(footer, entry));
      }
      for (const segment of this.#segments) found.push(...((await segment.find(id)) ?? []));
      return found;
    });
  }

  /** Entries whose id starts with some hex digits. An entry may come twice. */
  async *findPrefix(digits: string): AsyncIterable<IndexRow> {
    const low = Buffer.from(digits.padEnd(64, "0"), "hex");
    for (const footer of await this.#looseFooters()) {
      for (let i = footer.lowerBound(low); i < footer.count && footer.oidAt(i).startsWith(digits); i++) {
        yield rowOf(footer, footer.entryAt(i));
      }
    }
    for (const rows of await this.#retrying(() =>
      Promise.all(this.#segments.map((segment) => segment.findPrefix(digits))),
    )) {
      yield* rows;
    }
  }

  /** Another process may have merged the segments that this one has open: then its own stand for them. */
  async #retrying<T>(use: () => Promise<T>): Promise<T> {
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        return await use();
      } catch (error) {
        if (!isAbsent(error) || this.#state === undefined) throw error;
        await this.#adoptOthers(this.#state);
      }
    }
    if (this.#state !== undefined) await this.distrust(this.#state);
    return use();
  }

  /**
   * Folds the loose packs into a segment, so that the manifest covers all packs of `state`. Segments that are not much larger
   * than what joins them are merged with it: their number grows with the logarithm of the number of objects.
   */
  async fold(state: State): Promise<void> {
    await this.#adoptOthers(state);
    const covered = this.#covered();
    for (const pack of [...this.#loose.keys()])
      if (covered.has(pack) || state.packs.status(pack) === undefined) this.#loose.delete(pack);
    const footers = await this.#looseFooters();
    // What can't be read can't be covered: then the packs are asked, every time, until somebody mends them.
    if (footers.length < this.#loose.size) return;

    const packs: SegmentPack[] = [];
    const rows: Uint8Array[] = [];
    for (const footer of footers) {
      const number = packs.push({ pack: footer.pack, transient: footer.transient }) - 1;
      for (const entry of footer.entries()) rows.push(encodeRow(entry, number));
    }
    const kept = [...this.#segments].sort((a, b) => b.rowCount - a.rowCount);
    const merged: IndexSegment[] = [];
    for (
      let last = kept.at(-1);
      last !== undefined && rows.length > 0 && last.rowCount <= 2 * rows.length;
      last = kept.at(-1)
    ) {
      const segment = last;
      const numbers = Array.from({ length: segment.packCount }, (_, i) => {
        const pack = segment.packAt(i);
        return state.packs.status(pack.pack) === undefined ? undefined : packs.push(pack) - 1;
      });
      let more: Uint8Array[] | undefined;
      try {
        more = await segment.rawRows((pack) => numbers[pack]);
      } catch (error) {
        // Another process is folding at this moment: its work will do.
        if (isAbsent(error)) return this.#adoptOthers(state);
        throw error;
      }
      if (more === undefined) return this.distrust(state);
      for (const row of more) rows.push(row);
      merged.push(segment);
      kept.pop();
    }
    if (rows.length > 0) {
      const key = `idx/${Buffer.from(this.#random.bytes(16)).toString("hex")}.idx`;
      await this.#storage.put(key, encodeSegment(packs, rows));
      const segment = await IndexSegment.open(this.#storage, key);
      if (segment === undefined) return;
      kept.push(segment);
    }
    this.#segments = kept;
    await this.#writeManifest(state.n);
    for (const pack of this.#loose.keys()) this.#folded.add(pack);
    this.#loose.clear();
    for (const old of merged) await this.#storage.delete(old.key);
  }

  /** Another process may have folded since: its segments stand for ours then, and what they lack is loose here. */
  async #adoptOthers(state: State): Promise<void> {
    const names = (await this.#readManifest())?.names ?? [];
    const ours = this.#segments.map((segment) => segment.key);
    if (names.length === ours.length && names.every((name) => ours.includes(segmentKey(name)))) return;
    this.#segments = [];
    await this.#openSegments();
    this.#folded.clear();
    this.#noteUncovered(state);
  }

  async #writeManifest(n: number): Promise<void> {
    const names = this.#segments.map((segment) => segment.key.slice("idx/".length, -".idx".length));
    const body = Buffer.from([`ingot index 1 ${n}`, ...names, ""].join("\n"));
    await this.#storage.put(MANIFEST_KEY, Buffer.concat([body, Buffer.from(`${hashBytes(body)}\n`)]));
  }
}

function segmentKey(name: string): string {
  return `idx/${name}.idx`;
}

function rowOf(footer: PackFooter, entry: EntryLocation): IndexRow {
  return { ...entry, pack: footer.pack, transient: footer.transient };
}

function isAbsent(error: unknown): boolean {
  return error instanceof IngotError && error.code === "object.missing";
}
