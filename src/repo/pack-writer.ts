import { hashBytes } from "../base/hash.ts";
import type { Oid } from "../base/oid.ts";
import type { Storage, StorageWriter } from "../storage/port.ts";
import { encodeStored } from "./codecs.ts";
import {
  type EntryType,
  encodeEntryHeader,
  encodeFooter,
  encodePackHeader,
  encodeTrailer,
  type PackEntry,
  PackFooter,
  packKey,
} from "./pack-format.ts";

/** Writes one pack from start to end; it has a name and can be seen only after `seal`. */
export class PackWriter {
  readonly #writer: StorageWriter;
  readonly #transient: boolean;
  readonly #entries: PackEntry[] = [];
  #offset = 0;

  private constructor(writer: StorageWriter, transient: boolean) {
    this.#writer = writer;
    this.#transient = transient;
  }

  static async open(storage: Storage, transient: boolean): Promise<PackWriter> {
    const pack = new PackWriter(await storage.openWriter(), transient);
    await pack.#append(encodePackHeader(transient));
    return pack;
  }

  get sizeBytes(): number {
    return this.#offset;
  }

  async #append(bytes: Uint8Array): Promise<void> {
    await this.#writer.write(bytes);
    this.#offset += bytes.length;
  }

  /** Adds bytes under an id; `objectBytes` is the size of the whole object where they are its piece list. */
  async add(oid: Oid, type: EntryType, raw: Uint8Array, objectBytes = raw.length): Promise<void> {
    const { codec, stored } = await encodeStored(raw);
    await this.#addStored(
      {
        oid,
        type,
        codec,
        rawBytes: raw.length,
        storedBytes: stored.length,
        objectBytes,
        baseCount: 0,
        checksum: hashBytes(stored),
        bases: [],
      },
      stored,
    );
  }

  /** Copies an entry of another pack as it is stored. */
  async addStored(entry: PackEntry, stored: Uint8Array): Promise<void> {
    await this.#addStored(entry, stored);
  }

  async #addStored(facts: Omit<PackEntry, "offset">, stored: Uint8Array): Promise<void> {
    const entry = { ...facts, offset: this.#offset };
    await this.#append(encodeEntryHeader(entry));
    await this.#append(stored);
    this.#entries.push(entry);
  }

  /** Finishes the pack: durable and in its place when this returns. */
  async seal(): Promise<PackFooter> {
    const footer = encodeFooter(this.#entries, this.#transient);
    const pack = hashBytes(footer);
    await this.#append(footer);
    await this.#append(encodeTrailer(footer.length, pack));
    await this.#writer.commit(packKey(pack));
    return new PackFooter(pack, footer);
  }

  async abort(): Promise<void> {
    await this.#writer.abort();
  }
}
