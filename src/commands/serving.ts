import { IngotError } from "../base/errors.ts";
import type { Oid } from "../base/oid.ts";
import type { RefTable, Repository } from "../repo/repository.ts";
import { resolveRevision } from "../repo/resolve.ts";
import { callVersion, indexVersions } from "./versions.ts";

/** Which version answers, and because of which ref. */
export interface Serving {
  readonly ref: "production" | "staging" | "latest";
  readonly version: string;
  readonly commit: Oid;
}

/** Production, else staging, else latest; undefined in an empty repository. */
export async function servingVersion(repo: Repository, refs: RefTable): Promise<Serving | undefined> {
  const index = indexVersions(refs);
  for (const ref of ["production", "staging"] as const) {
    const commit = refs.oid(ref);
    if (commit !== undefined) return { ref, version: callVersion(index, commit), commit };
  }
  if (index.listed.length === 0) return undefined;
  try {
    const commit = await resolveRevision(repo, "latest");
    return { ref: "latest", version: callVersion(index, commit), commit };
  } catch (error) {
    if (error instanceof IngotError && error.code === "ref.missing") return undefined;
    throw error;
  }
}
