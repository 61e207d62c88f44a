import { bug, IngotError } from "../base/errors.ts";
import { hashBytes, openHasher } from "../base/hash.ts";
import type { Oid } from "../base/oid.ts";
import { type ByteSource, bytesSource } from "../base/ports.ts";
import { encodeRecord } from "../objects/encode.ts";
import type { AnyRecord } from "../objects/records.ts";
import { references } from "../objects/references.ts";
import type { EntryType, PackFooter } from "./pack-format.ts";
import { readEntry } from "./pack-reader.ts";
import { PackWriter } from "./pack-writer.ts";
import { decodePieceList, encodePieceList, PIECE_BYTES, type Piece } from "./piece-list.ts";
import { type BuildOperation, publishOperation } from "./publish.ts";
import type { WriteSession } from "./repository.ts";
import type { Operation } from "./state.ts";
import { type Located, OBJECT_TYPES, PIECE_TYPES, type Vault } from "./vault.ts";

/** A pack of this size is finished and published, and the session goes on in another one. */
const PACK_TARGET_BYTES = 256 << 20;
const RECORD_TYPES: readonly EntryType[] = ["record"];

/** Objects of one command on their way into packs; see `WriteSession`. */
export class Session implements WriteSession {
  readonly #vault: Vault;
  readonly #transient: boolean;
  #pack: PackWriter | undefined;
  readonly #sealed: PackFooter[] = [];
  /** Entries of this session: `<type> <id>`. */
  readonly #own = new Set<string>();
  /** Objects of others that what was put builds on. */
  readonly #needs = new Set<Oid>();
  #open = true;

  constructor(vault: Vault, transient: boolean) {
    this.#vault = vault;
    this.#transient = transient;
  }

  async putBytes(bytes: Uint8Array): Promise<Oid> {
    return (await this.putSource(bytesSource(bytes))).oid;
  }

  async putRecord(record: AnyRecord): Promise<Oid> {
    const bytes = encodeRecord(record);
    const oid = hashBytes(bytes);
    for (const reference of references(record)) this.#needs.add(reference.oid);
    await this.#putEntry(oid, "record", bytes, RECORD_TYPES);
    return oid;
  }

  async putSource(
    source: ByteSource,
  ): Promise<{ readonly oid: Oid; readonly sizeBytes: number; readonly known: boolean }> {
    await this.#checkSpace(source.sizeBytes);
    const { sizeBytes } = source;
    const stored = sizeBytes <= PIECE_BYTES ? await this.#putWhole(source) : await this.#putPieces(source);
    await (source as Partial<{ assertUnchanged(): Promise<void> }>).assertUnchanged?.();
    return { ...stored, sizeBytes };
  }

  async #putWhole(source: ByteSource): Promise<{ oid: Oid; known: boolean }> {
    const bytes = await source.read(0, source.sizeBytes);
    const oid = hashBytes(bytes);
    const known = await this.#putEntry(oid, "file", bytes, OBJECT_TYPES);
    return { oid, known };
  }

  async #putPieces(source: ByteSource): Promise<{ oid: Oid; known: boolean }> {
    const hasher = openHasher();
    const pieces: Piece[] = [];
    for (let at = 0; at < source.sizeBytes; at += PIECE_BYTES) {
      const bytes = await source.read(at, Math.min(PIECE_BYTES, source.sizeBytes - at));
      hasher.update(bytes);
      const oid = hashBytes(bytes);
      await this.#putEntry(oid, "piece", bytes, PIECE_TYPES);
      pieces.push({ oid, sizeBytes: bytes.length });
    }
    const oid = hasher.finish();
    if (await this.#reusesList(oid, source.sizeBytes)) return { oid, known: true };
    await this.#append(oid, "list", encodePieceList(pieces), source.sizeBytes);
    return { oid, known: false };
  }

  /** Puts one entry unless a sound one exists; true where one does. */
  async #putEntry(
    oid: Oid,
    type: EntryType,
    bytes: Uint8Array,
    reusable: readonly EntryType[],
  ): Promise<boolean> {
    if (reusable.some((each) => this.#own.has(`${each} ${oid}`))) return true;
    for (const entry of await this.#reusable(oid, reusable)) {
      if (entry.type === "list" || !(await this.#isSound(entry))) continue;
      this.#needs.add(oid);
      return true;
    }
    await this.#append(oid, type, bytes, bytes.length);
    return false;
  }

  async #reusesList(oid: Oid, sizeBytes: number): Promise<boolean> {
    if (this.#own.has(`list ${oid}`)) return true;
    for (const entry of await this.#reusable(oid, ["list"])) {
      if (entry.objectBytes !== sizeBytes || !(await this.#isSound(entry))) continue;
      // The list may cut elsewhere than this session did: then its own pieces are what it needs.
      const list = await readEntry(this.#vault.storage, entry.pack, entry);
      for (const piece of decodePieceList(oid, list, sizeBytes))
        if (!this.#own.has(`piece ${piece.oid}`)) this.#needs.add(piece.oid);
      this.#needs.add(oid);
      return true;
    }
    return false;
  }

  /** Entries that this session may build on: not what gc condemned, nor what goes with a training's checkpoint. */
  async #reusable(oid: Oid, types: readonly EntryType[]): Promise<Located[]> {
    return (await this.#vault.locate(oid, types)).filter(
      (entry) => entry.status.state === "live" && !entry.transient,
    );
  }

  /** A damaged copy is not relied on, but written again. */
  async #isSound(entry: Located): Promise<boolean> {
    try {
      await readEntry(this.#vault.storage, entry.pack, entry);
      return true;
    } catch (error) {
      if (
        error instanceof IngotError &&
        (error.code.startsWith("integrity.") || error.code === "object.missing")
      )
        return false;
      throw error;
    }
  }

  async #append(oid: Oid, type: EntryType, bytes: Uint8Array, objectBytes: number): Promise<void> {
    if (!this.#open) bug("put into a session that ended");
    if (this.#pack !== undefined && this.#pack.sizeBytes + bytes.length > PACK_TARGET_BYTES)
      await this.#publishEarly();
    this.#pack ??= await PackWriter.open(this.#vault.storage, this.#transient);
    await this.#pack.add(oid, type, bytes, objectBytes);
    this.#own.add(`${type} ${oid}`);
  }

  /** Finishes the pack that is being written. */
  async #seal(): Promise<void> {
    if (this.#pack === undefined) return;
    const footer = await this.#pack.seal();
    this.#pack = undefined;
    this.#sealed.push(footer);
    this.#vault.index.add(footer);
  }

  /** What is on the disk by then is not read and sent again if the command has to start anew. */
  async #publishEarly(): Promise<void> {
    await this.#seal();
    if (this.#transient) return;
    const packs = this.#sealed.slice(-1).map((footer) => footer.pack);
    await publishOperation(this.#vault, {
      build: () => ({ command: "store", edits: [], housekeeping: true }),
      packs,
      needs: this.#outside(),
    });
  }

  async #checkSpace(sizeBytes: number): Promise<void> {
    if (sizeBytes < 1 << 20) return;
    const free = await this.#vault.storage.freeBytes();
    if (free === undefined || free > sizeBytes + (1 << 20)) return;
    throw new IngotError(
      "environment.disk",
      `no space in '${this.#vault.storage.location}': needs ${sizeBytes} bytes, has ${free}`,
      {
        hint: "free some space on that disk, for example by ingot gc",
        data: { where: this.#vault.storage.location, needsBytes: sizeBytes, hasBytes: free },
      },
    );
  }

  async has(oid: Oid): Promise<boolean> {
    return (
      OBJECT_TYPES.some((type) => this.#own.has(`${type} ${oid}`)) ||
      (await this.#vault.locate(oid, OBJECT_TYPES)).length > 0
    );
  }

  async publish(build: BuildOperation): Promise<Operation> {
    if (!this.#open) bug("publish of a session that ended");
    await this.#seal();
    const packs = this.#sealed.map((footer) => footer.pack);
    const operation = await publishOperation(this.#vault, { build, packs, needs: this.#outside() });
    this.#open = false;
    return operation;
  }

  /** What the session needs and did not store itself. */
  #outside(): Oid[] {
    return [...this.#needs].filter(
      (oid) => !this.#sealed.some((footer) => footer.find(Buffer.from(oid, "hex")).length > 0),
    );
  }

  async abort(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#pack?.abort();
    this.#pack = undefined;
  }
}
