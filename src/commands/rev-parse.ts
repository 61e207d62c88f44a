import type { Oid } from "../base/oid.ts";
import { resolveRevision } from "../repo/resolve.ts";
import type { Context } from "./context.ts";

export interface ParsedRevision {
  readonly revision: string;
  readonly id: Oid;
}

/** Full ids of revisions, in order. */
export async function revParse(
  context: Context,
  revisions: readonly string[],
): Promise<readonly ParsedRevision[]> {
  const repo = await context.openRepository();
  const parsed: ParsedRevision[] = [];
  for (const revision of revisions) parsed.push({ revision, id: await resolveRevision(repo, revision) });
  return parsed;
}
