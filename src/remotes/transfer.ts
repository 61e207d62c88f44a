import { IngotError } from "../base/errors.ts";
import type { Oid } from "../base/oid.ts";
import type { AnyRecord } from "../objects/records.ts";
import type { ObjectSource, Publication, Published, Receiver, TransferEvent } from "./port.ts";
import { fetchRecord, openClaimed } from "./verified-read.ts";
import { type Tip, walk } from "./walk.ts";

/** Objects between two events while a walk finds out what there is. */
const EVENT_EVERY = 64;

export interface TransferOptions {
  readonly source: ObjectSource;
  readonly receiver: Receiver;
  readonly tips: readonly Tip[];
  /** Objects whose closure the receiver holds. */
  readonly complete: ReadonlySet<Oid>;
  readonly signal?: AbortSignal | undefined;
  /** Sends every blob, also those that the receiver says it has. */
  readonly resend?: boolean;
}

/**
 * Sends what the tips reach and the receiver lacks: records as they are met, then the blobs. Every byte is hashed on
 * arrival, every record decoded. Returns the commits met, newest first.
 */
export async function* transfer(options: TransferOptions): AsyncGenerator<TransferEvent, readonly Oid[]> {
  const { source, receiver, tips, complete, signal, resend = false } = options;
  const blobs: Oid[] = [];
  const commits: Oid[] = [];
  let objects = 0;
  let totalObjects = 0;
  let bytes = 0;
  const event = (): TransferEvent => ({ event: "transfer", objects, totalObjects, bytes });

  const read = async (oid: Oid, expect: Tip["expect"]): Promise<AnyRecord> => {
    assertGoingOn(signal);
    const fetched = await fetchRecord(source, oid, expect);
    if (resend || !(await receiver.has(oid))) {
      objects += 1;
      totalObjects += 1;
      bytes += fetched.bytes.length;
    }
    // Given also where it is there: the receiver relies on what its records refer to.
    await receiver.putRecord(oid, fetched.record.kind, fetched.bytes);
    return fetched.record;
  };
  let met = 0;
  for await (const { oid, expect, record } of walk(tips, { complete, read })) {
    if (expect === "blob" && (resend || !(await receiver.has(oid)))) {
      blobs.push(oid);
      totalObjects += 1;
    }
    if (record?.kind === "commit") commits.push(oid);
    met += 1;
    if (met % EVENT_EVERY === 0) yield event();
  }
  for (const oid of blobs) {
    assertGoingOn(signal);
    yield event();
    const object = await openClaimed(source, oid);
    await receiver.putBlob(oid, object);
    objects += 1;
    bytes += object.sizeBytes;
  }
  yield event();
  return commits;
}

function assertGoingOn(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true)
    throw new IngotError("paused.run", "the transfer was stopped", {
      hint: "run the command again: nothing is sent twice",
    });
}

/**
 * Transfers, then publishes. Where the receiver finds that something it said it has may not be relied on, everything is sent
 * once more. On any error the receiver drops what it took, and no ref has moved.
 */
export async function* transferAndPublish(
  options: TransferOptions,
  decide: (commits: readonly Oid[]) => Publication | Promise<Publication>,
): AsyncGenerator<TransferEvent, Published> {
  const { receiver } = options;
  try {
    const commits = yield* transfer(options);
    const publication = await decide(commits);
    try {
      return await receiver.publish(publication);
    } catch (error) {
      if (!(error instanceof IngotError) || error.code !== "integrity.reference") throw error;
      yield* transfer({ ...options, resend: true });
      return await receiver.publish(publication);
    }
  } finally {
    await receiver.abort();
  }
}
