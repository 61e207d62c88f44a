import type { Oid } from "../base/oid.ts";
import type { AnyRecord } from "../objects/records.ts";
import { references } from "../objects/references.ts";
import { type Expected, fits, wrongKind } from "./verified-read.ts";

export interface Tip {
  readonly oid: Oid;
  readonly expect: Expected;
}

export interface WalkOptions {
  /** Objects whose closure need not be walked. */
  readonly complete: ReadonlySet<Oid>;
  /** The record of an id; called once for each. */
  readonly read: (oid: Oid, expect: Expected) => Promise<AnyRecord>;
}

/** An object that a walk came to. */
export interface Reached {
  readonly oid: Oid;
  readonly expect: Expected;
  /** Absent for blobs. */
  readonly record?: AnyRecord;
}

/**
 * Everything that the tips reach and that is not complete, each object once, a record before what it names. Iterative:
 * histories are as long as somebody makes them. Throws `integrity.record` where a record is not what a reference promises.
 */
export async function* walk(tips: Iterable<Tip>, { complete, read }: WalkOptions): AsyncGenerator<Reached> {
  const kinds = new Map<Oid, Expected>();
  const blobs = new Set<Oid>();
  const stack: Tip[] = [...tips].reverse();
  for (let tip = stack.pop(); tip !== undefined; tip = stack.pop()) {
    const { oid, expect } = tip;
    if (complete.has(oid)) continue;
    if (expect === "blob") {
      if (!blobs.has(oid)) yield { oid, expect };
      blobs.add(oid);
      continue;
    }
    const known = kinds.get(oid);
    if (known !== undefined) {
      if (known !== expect && known !== "about" && expect !== "about")
        throw wrongKind(oid, `a ${known}`, expect);
      continue;
    }
    kinds.set(oid, expect);
    const record = await read(oid, expect);
    if (!fits(record.kind, expect)) throw wrongKind(oid, `a ${record.kind}`, expect);
    yield { oid, expect, record };
    const found = references(record);
    for (let i = found.length - 1; i >= 0; i--) stack.push(found[i] as Tip);
  }
}
