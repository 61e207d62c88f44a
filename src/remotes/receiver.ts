import { IngotError } from "../base/errors.ts";
import { hashBytes } from "../base/hash.ts";
import { assertRefName } from "../base/names.ts";
import type { Oid } from "../base/oid.ts";
import type { ByteSource } from "../base/ports.ts";
import type { AnyRecord, RefEdit, RefValue } from "../objects/records.ts";
import type { RefTable, Repository, WriteSession } from "../repo/repository.ts";
import { numberDatasets, numberVersions } from "./numbers.ts";
import type { Publication, Published, Receiver } from "./port.ts";
import { completeObjects, expectedAt, versionNumber } from "./tips.ts";
import { assertHash, decodeExpected, type Expected } from "./verified-read.ts";
import { type Tip, walk } from "./walk.ts";

/** Receives into a repository; both ends of a push or pull go through here. `location` is where the bytes come from. */
export async function openReceiver(repository: Repository, location: string): Promise<RepositoryReceiver> {
  return new RepositoryReceiver(repository, await repository.begin(), location);
}

/** Takes in what another side sends: every object verified on the way, refs last and together. */
export class RepositoryReceiver implements Receiver {
  private readonly repository: Repository;
  private readonly session: WriteSession;
  private readonly location: string;
  private readonly received = new Map<Oid, AnyRecord>();

  constructor(repository: Repository, session: WriteSession, location: string) {
    this.repository = repository;
    this.session = session;
    this.location = location;
  }

  has(oid: Oid): Promise<boolean> {
    return this.session.has(oid);
  }

  async putRecord(oid: Oid, expect: Expected | undefined, bytes: Uint8Array): Promise<void> {
    assertHash(oid, hashBytes(bytes), this.location);
    const record = decodeExpected(oid, expect, bytes);
    if (record.kind === "operation") {
      throw new IngotError("integrity.record", `'${oid}' is an operation, which never travels`, {
        data: { where: oid, oid },
      });
    }
    // Stored also where it is there already: so the session relies on what it refers to, and gc cannot take that away.
    await this.session.putRecord(record);
    this.received.set(oid, record);
  }

  async putBlob(oid: Oid, source: ByteSource): Promise<void> {
    assertHash(oid, (await this.session.putSource(source)).oid, this.location);
  }

  abort(): Promise<void> {
    return this.session.abort();
  }

  /** True where `old` is `commit` or one of its ancestors, received ones included. */
  async isAncestor(old: Oid, commit: Oid): Promise<boolean> {
    return isAncestor(old, commit, (oid) => this.parents(oid));
  }

  private async parents(oid: Oid): Promise<readonly Oid[]> {
    const received = this.received.get(oid);
    if (received !== undefined) return received.kind === "commit" ? received.parents : [];
    return (await this.repository.readRecord(oid, "commit")).parents;
  }

  async publish(publication: Publication): Promise<Published> {
    for (const { ref } of publication.edits) assertRefName(ref, "record");
    for (const { ref } of publication.datasets) assertRefName(ref, "record");
    // Nothing to change means no operation: asked before the session is closed.
    const seen = await this.repository.refs();
    let result = await this.resolve(publication, seen, counterFrom(seen));
    if (result.edits.length === 0) {
      await this.session.abort();
      return { n: undefined, ...result };
    }
    const operation = await this.session.publish(async (refs, next) => {
      result = await this.resolve(publication, refs, next);
      return {
        command: publication.command,
        edits: result.edits,
        housekeeping: publication.housekeeping ?? false,
      };
    });
    return { n: operation.n, ...result };
  }

  /** The edits that a publication means for these refs, after checking that everything they reach is there. */
  private async resolve(
    publication: Publication,
    refs: RefTable,
    next: (counter: string) => number,
  ): Promise<Omit<Published, "n">> {
    const edits = publication.edits.filter((edit) => !sameValue(refs.get(edit.ref), edit.new));
    for (const { ref, old } of edits) {
      if (!sameValue(refs.get(ref), old)) throw changedMeanwhile(ref);
    }
    const tips: Tip[] = [
      ...tipsOf(edits),
      ...publication.commits.map((oid) => ({ oid, expect: "commit" as const })),
      ...publication.datasets.map(({ dataset }) => ({ oid: dataset, expect: "dataset" as const })),
    ];
    const arriving = await this.assertConnected(tips, refs);
    const versions = await numberVersions(arriving, publication.versions, {
      refs,
      next,
      wasGiven: (number) => this.wasGiven(number),
    });
    const datasets = numberDatasets(publication.datasets, refs);
    return {
      edits: [...edits, ...versions.edits, ...datasets.edits],
      versions: versions.numbered,
      datasets: datasets.numbered,
    };
  }

  /** Commits among what the tips reach, parents first. Throws `integrity.reference` for the first object that is not there. */
  private async assertConnected(tips: readonly Tip[], refs: RefTable): Promise<readonly Oid[]> {
    const complete = completeObjects(refs.list(""));
    const commits: Oid[] = [];
    const read = async (oid: Oid): Promise<AnyRecord> => {
      const record = this.received.get(oid);
      if (record !== undefined) return record;
      // It was complete when the sender looked, and no ref keeps it any more.
      if (await this.repository.has(oid)) throw changedMeanwhile(oid);
      throw incomplete(this.location, oid);
    };
    for await (const { oid, expect, record } of walk(tips, { complete, read })) {
      if (record?.kind === "commit") commits.push(oid);
      if (expect === "blob" && !(await this.session.has(oid))) throw incomplete(this.location, oid);
    }
    return commits.reverse();
  }

  private async wasGiven(number: number): Promise<boolean> {
    for await (const { edits } of this.repository.operations()) {
      if (edits.some(({ ref }) => versionNumber(ref) === number)) return true;
    }
    return false;
  }
}

/** True where `old` is `commit` or one of its ancestors. */
export async function isAncestor(
  old: Oid,
  commit: Oid,
  parents: (oid: Oid) => Promise<readonly Oid[]>,
): Promise<boolean> {
  const seen = new Set<Oid>();
  const todo: Oid[] = [commit];
  for (let oid = todo.pop(); oid !== undefined; oid = todo.pop()) {
    if (oid === old) return true;
    if (seen.has(oid)) continue;
    seen.add(oid);
    for (const parent of await parents(oid)) todo.push(parent);
  }
  return false;
}

/** True where two values of a ref are the same; undefined is "no such ref". */
export function sameValue(a: RefValue | undefined, b: RefValue | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if ("oid" in a) return "oid" in b && a.oid === b.oid;
  return "symbolic" in b && a.symbolic === b.symbolic;
}

function tipsOf(edits: readonly RefEdit[]): Tip[] {
  return edits.flatMap(({ ref, new: value }) => {
    if (value === undefined || !("oid" in value)) return [];
    const tracked = ref.startsWith("remotes/") ? ref.split("/").slice(2).join("/") : ref;
    return [
      {
        oid: value.oid,
        expect: ref === "HEAD" ? ("commit" as const) : (expectedAt(tracked) ?? ("commit" as const)),
      },
    ];
  });
}

function counterFrom(refs: RefTable): (counter: string) => number {
  const values = new Map<string, number>();
  return (counter) => {
    const value = (values.get(counter) ?? refs.counter(counter)) + 1;
    values.set(counter, value);
    return value;
  };
}

function changedMeanwhile(what: string): IngotError {
  return new IngotError("conflict.remote", `'${what}' changed meanwhile`, {
    hint: "run the command again",
    data: { where: what },
  });
}

function incomplete(location: string, oid: Oid): IngotError {
  return new IngotError(
    "integrity.reference",
    `the object '${oid}' did not come from '${location}', and is not here`,
    {
      hint: "run the command again; then ingot fsck on the other side",
      data: { where: oid, oid },
    },
  );
}
