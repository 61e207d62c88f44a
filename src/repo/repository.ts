import type { Oid } from "../base/oid.ts";
import type { ByteSource } from "../base/ports.ts";
import type {
  AnyRecord,
  OperationRecord,
  RecordKind,
  RecordOf,
  RefEdit,
  RefValue,
} from "../objects/records.ts";

/** All refs and counters after one operation; a value, never changed. */
export interface RefTable {
  /** Number of the operation after which it holds; 0 = empty log. */
  readonly n: number;
  get(ref: string): RefValue | undefined;
  /** Object a ref points at; HEAD is followed through its branch. */
  oid(ref: string): Oid | undefined;
  /** Refs whose name starts with `prefix`, sorted by name. */
  list(prefix: string): readonly { readonly name: string; readonly value: RefValue }[];
  counter(name: string): number;
}

/** What a refs-changing command asks the log to do. `edits[].old` is what the caller saw; the log refuses when it no longer holds. */
export interface OperationRequest {
  readonly command: string;
  readonly edits: readonly RefEdit[];
  readonly reason?: string;
  readonly undoes?: number;
  readonly housekeeping?: boolean;
  readonly condemn?: readonly Oid[];
  readonly drop?: readonly Oid[];
  /** Packs to bring back (undo within the grace). */
  readonly add?: readonly Oid[];
}

/**
 * Objects written by one command. They go into packs of this session and are visible to nobody until an operation adds
 * the packs. Objects the repository has already (in packs neither condemned nor transient) are not written again, and are
 * remembered so that a lost race against gc stores them again.
 */
export interface WriteSession {
  /** Stores bytes as they are. */
  putBytes(bytes: Uint8Array): Promise<Oid>;
  /** Stores a file of any size, streamed, cut in pieces where it is large. `input.changed` where it changes meanwhile. */
  putSource(
    source: ByteSource,
  ): Promise<{ readonly oid: Oid; readonly sizeBytes: number; readonly known: boolean }>;
  putRecord(record: AnyRecord): Promise<Oid>;
  /** True where the object is in this session or in the repository. */
  has(oid: Oid): Promise<boolean>;
  /**
   * Publishes packs and edits as one operation. `build` is called with the newest refs, again after each lost race, and
   * may give out numbers by `counter(name)` (next value, remembered in the operation).
   */
  publish(
    build: (
      refs: RefTable,
      next: (counter: string) => number,
    ) => OperationRequest | Promise<OperationRequest>,
  ): Promise<OperationRecord & { readonly oid: Oid }>;
  /** Drops what was written. Harmless after publish. */
  abort(): Promise<void>;
}

export interface Repository {
  /** Random id shared by clones. */
  readonly id: string;
  /** Where it is, for messages. */
  readonly location: string;

  /** Newest refs (re-read at every call). */
  refs(): Promise<RefTable>;
  /** Refs as they were after operation `n`. */
  refsAt(n: number): Promise<RefTable>;
  /** Operations, newest first, from `n` (newest by default). */
  operations(from?: number): AsyncIterable<OperationRecord & { readonly oid: Oid }>;
  readOperation(n: number): Promise<OperationRecord & { readonly oid: Oid }>;

  has(oid: Oid): Promise<boolean>;
  /** Bytes of an object (at most `maxBytes`, 16 MiB by default), hashed when read. */
  readBytes(oid: Oid, maxBytes?: number): Promise<Uint8Array>;
  /** An object of any size; every piece is hashed when read. */
  openObject(oid: Oid): Promise<ByteSource>;
  /** Record of one kind; `object.missing`, or `integrity.record` where it is another kind or damaged. */
  readRecord<K extends RecordKind>(oid: Oid, kind: K): Promise<RecordOf[K]>;
  /** Record of any kind; undefined where the object is a blob. */
  findRecord(oid: Oid): Promise<AnyRecord | undefined>;
  /** Ids that start with the digits (4 at least), at most `limit`. */
  findPrefix(digits: string, limit: number): Promise<readonly Oid[]>;
  /** Every object in live packs. */
  listObjects(): AsyncIterable<{ readonly oid: Oid; readonly sizeBytes: number; readonly isRecord: boolean }>;

  /** `transient`: the session's pack is one that others never build on (checkpoints), dropped as a whole. */
  begin(options?: { readonly transient?: boolean }): Promise<WriteSession>;
  /** One operation without new objects. */
  operate(
    build: (
      refs: RefTable,
      next: (counter: string) => number,
    ) => OperationRequest | Promise<OperationRequest>,
  ): Promise<OperationRecord & { readonly oid: Oid }>;

  close(): Promise<void>;
}
