import type { Oid } from "../base/oid.ts";
import type { RecordKind } from "../objects/records.ts";
import type { Repository } from "../repo/repository.ts";
import { type Root, reachable } from "../repo/walk.ts";
import type { Context } from "./context.ts";

export interface ListedObject {
  readonly id: Oid;
  readonly kind: RecordKind | "blob";
  readonly sizeBytes: number;
}

export interface ListObjectsOptions {
  readonly kind?: RecordKind | "blob";
  /** Only what no ref needs. */
  readonly unreachable?: boolean;
}

/** Every object, read as it is asked for; the operations of the log come last. */
export async function* listObjects(
  context: Context,
  { kind, unreachable = false }: ListObjectsOptions,
): AsyncGenerator<ListedObject> {
  const repo = await context.openRepository();
  const needed = unreachable ? await neededObjects(repo) : undefined;
  if (kind !== "operation") {
    for await (const { oid, sizeBytes, isRecord } of repo.listObjects()) {
      if (
        needed?.has(oid) === true ||
        (kind === "blob" && isRecord) ||
        (kind !== undefined && kind !== "blob" && !isRecord)
      )
        continue;
      const found = isRecord ? ((await repo.findRecord(oid))?.kind ?? "blob") : "blob";
      if (kind === undefined || kind === found) yield { id: oid, kind: found, sizeBytes };
    }
  }
  if (unreachable || (kind !== undefined && kind !== "operation")) return;
  for await (const { oid } of repo.operations())
    yield { id: oid, kind: "operation", sizeBytes: (await repo.openObject(oid)).sizeBytes };
}

async function neededObjects(repo: Repository): Promise<ReadonlySet<Oid>> {
  const refs = await repo.refs();
  const roots = (names: (name: string) => boolean): Root[] =>
    refs
      .list("")
      .flatMap(({ name, value }) =>
        "oid" in value && names(name) ? [{ oid: value.oid, expect: "any" as const, from: name }] : [],
      );
  const needed = new Set<Oid>();
  for await (const { oid } of reachable(
    repo,
    roots((name) => !name.startsWith("dropped/")),
  ))
    needed.add(oid);
  // Of a deleted version the records stay, its bytes need not.
  for await (const { oid } of reachable(
    repo,
    roots((name) => name.startsWith("dropped/")),
    { skip: (oid) => needed.has(oid), blobs: false },
  ))
    needed.add(oid);
  return needed;
}
