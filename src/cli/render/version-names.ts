import type { Context } from "../../commands/context.ts";
import { indexVersions } from "../../commands/versions.ts";

/** Names of the versions by id, for lines that tell of moved refs. */
export async function versionNames(context: Context): Promise<Readonly<Record<string, string>>> {
  const { listed } = indexVersions(await (await context.openRepository()).refs());
  return Object.fromEntries(listed.map(({ commit, name }) => [commit, name]));
}
