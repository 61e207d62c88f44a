import type { Oid } from "../base/oid.ts";
import { resolveRevision } from "../repo/resolve.ts";
import type { Context } from "./context.ts";
import { findDataset } from "./data/registry.ts";

export interface ParsedRevision {
  readonly revision: string;
  readonly id: Oid;
}

/** Full ids of revisions, in order; the whole name of any ref works, and the name of a dataset, whatever they point at. */
export async function revParse(
  context: Context,
  revisions: readonly string[],
): Promise<readonly ParsedRevision[]> {
  const repo = await context.openRepository();
  const parsed: ParsedRevision[] = [];
  const refs = await repo.refs();
  for (const revision of revisions) {
    const whole =
      revision.includes("/") || /^[^@~^]+:v[0-9]+$/.test(revision)
        ? (refs.oid(revision) ?? findDataset(refs, revision)?.oid)
        : undefined;
    parsed.push({ revision, id: whole ?? (await resolveRevision(repo, revision)) });
  }
  return parsed;
}
