import type { Oid } from "../base/oid.ts";
import type { ByteSource } from "../base/ports.ts";
import type { RecordKind, RefEdit, RefValue } from "../objects/records.ts";

/** What another repository says of itself at one moment. */
export interface RemoteState {
  /** Random id shared by clones. */
  readonly id: string;
  /** Number of its newest operation. */
  readonly n: number;
  /** Every ref, HEAD included; names are not checked yet. */
  readonly refs: readonly { readonly name: string; readonly value: RefValue }[];
}

/** Objects by id, as somebody else claims them: nothing is believed before it is hashed. */
export interface ObjectSource {
  /** Where it is, for messages. */
  readonly location: string;
  /** Throws `object.missing` where it has none. */
  open(oid: Oid): Promise<ByteSource>;
}

/** A number that the other side gives to what arrives, beside the one it came with. */
export interface Numbered {
  readonly oid: Oid;
  /** `v3`, `data/faq/v2`: as the sender calls it; undefined where it has no number there. */
  readonly sent: string | undefined;
  readonly given: string;
}

/** What a receiver is asked to publish, all of it or nothing. */
export interface Publication {
  /** Command line that caused it, for people. */
  readonly command: string;
  /**
   * Changes of single refs with the value that the sender saw. A ref that has the new value already is passed over; another
   * value than `old` is a conflict.
   */
  readonly edits: readonly RefEdit[];
  /** Commits that arrive for their own sake; each gets a number, as every commit that arrives with it. */
  readonly commits: readonly Oid[];
  /** Numbers of commits at the sender; `dropped` ones are deleted versions that later ones build on. */
  readonly versions: readonly { readonly commit: Oid; readonly number: number; readonly dropped: boolean }[];
  /** Datasets by full ref name at the sender. */
  readonly datasets: readonly { readonly ref: string; readonly dataset: Oid }[];
  readonly housekeeping?: boolean;
}

export interface Published {
  /** Number of the operation; undefined where nothing changed. */
  readonly n: number | undefined;
  /** What was changed, numbers and all. */
  readonly edits: readonly RefEdit[];
  readonly versions: readonly Numbered[];
  readonly datasets: readonly Numbered[];
}

/**
 * The receiving end of a transfer. Nothing is visible before `publish`, which checks that everything that the new refs
 * reach is there, of the kind that was promised, and hashed.
 */
export interface Receiver {
  /** True where the object need not be sent. */
  has(oid: Oid): Promise<boolean>;
  /** Takes a record. Throws `integrity.*` where the bytes are not the object's, or not the kind's. */
  putRecord(oid: Oid, expect: RecordKind | undefined, bytes: Uint8Array): Promise<void>;
  /** Takes a file or column of any size. Throws `integrity.blob` where the bytes are not the object's. */
  putBlob(oid: Oid, source: ByteSource): Promise<void>;
  /** Throws `conflict.remote` where a ref changed meanwhile, `integrity.reference` where something is missing. */
  publish(publication: Publication): Promise<Published>;
  /** Drops what was taken. Harmless after publish. */
  abort(): Promise<void>;
}

/**
 * Another repository, wherever it is. Every implementation passes `test/contract/remote.test.ts`. Errors: `remote.*` from
 * the way there, the other side's own otherwise.
 */
export interface Remote extends ObjectSource {
  state(): Promise<RemoteState>;
  /** Which of the objects are not there. */
  missing(oids: readonly Oid[]): Promise<readonly Oid[]>;
  /** Begins a push. */
  receive(): Promise<Receiver>;
  close(): Promise<void>;
}

/** Progress of a transfer, counted over what the other side lacks. The total rises until all of that is known. */
export interface TransferEvent {
  readonly event: "transfer";
  readonly objects: number;
  readonly totalObjects: number;
  readonly bytes: number;
}
