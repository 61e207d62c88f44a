/** Facts about one stored key. */
export interface StoredFact {
  readonly key: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** Sequential writer of one new key. Nothing is visible before `commit` returns. */
export interface StorageWriter {
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Makes the bytes durable and visible under the key, which may be given as late as here: a pack is named by what it
   * holds. An error means that nothing is visible.
   */
  commit(key?: string): Promise<void>;
  /** Drops what was written. Harmless after commit. */
  abort(): Promise<void>;
}

/**
 * A place for bytes under keys (`log/000000000001`, `packs/ab/<id>.pack`), relative, `/`-separated.
 * Every implementation passes `test/contract/storage.test.ts`. Errors: `object.missing` where a key that must exist does not,
 * `environment.*` (disk, permission, io) from the place itself. A key never leaves the root: `input.path`.
 */
export interface Storage {
  /** Where it is, for messages. */
  readonly location: string;
  read(key: string): Promise<Uint8Array>;
  /** Exactly `length` bytes at `offset`; throws `integrity.pack` where the stored bytes end before. */
  readRange(key: string, offset: number, length: number): Promise<Uint8Array>;
  /** Size and time of a key; undefined where it is absent. */
  stat(key: string): Promise<StoredFact | undefined>;
  /** Keys below a prefix that is a folder (`packs/`), in no order. */
  list(prefix: string): AsyncIterable<StoredFact>;
  /** Writes or replaces atomically and durably. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Writes durably if the key is absent; false where it exists (another writer won). The fence of the operation log. */
  putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean>;
  /** Streams a new key, for packs. Replacing an existing one is allowed only with equal content. */
  openWriter(key?: string): Promise<StorageWriter>;
  /** Removes a key; absent is fine. */
  delete(key: string): Promise<void>;
  /** Bytes that can still be written, where the place knows. */
  freeBytes(): Promise<number | undefined>;
  /** Gives up what is open, temporary files included. */
  close(): Promise<void>;
}
