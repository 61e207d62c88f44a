import { IngotError } from "../base/errors.ts";
import type { Oid } from "../base/oid.ts";
import type { Repository } from "../repo/repository.ts";
import { resolveCommit } from "./log.ts";
import { callVersion, indexVersions } from "./versions.ts";

/**
 * Id of the version that a revision names, for a ref to point at. Throws as `resolveCommit`, and `ref.missing` for a deleted version:
 * gc takes its bytes away, and a ref would then lead to what is gone.
 */
export async function resolveKept(repo: Repository, text: string): Promise<Oid> {
  const oid = await resolveCommit(repo, text);
  const index = indexVersions(await repo.refs());
  if (!index.isDropped(oid)) return oid;
  throw new IngotError("ref.missing", `the version '${callVersion(index, oid)}' was deleted`, {
    hint: "its record alone stays; ingot undo brings back what was deleted last",
    data: { where: text, oid },
  });
}
