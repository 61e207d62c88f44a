import type { Context } from "./context.ts";
import { valueText } from "./ref-changes.ts";

export interface ShownRef {
  /** Full name. */
  readonly name: string;
  /** Id of the object; absent for a HEAD on a branch without a commit. */
  readonly id?: string;
  /** Where HEAD is on a branch: its full name. */
  readonly symbolic?: string;
}

/** Every ref and HEAD with its id, sorted by name, HEAD first. */
export async function showRefs(context: Context): Promise<readonly ShownRef[]> {
  const refs = await (await context.openRepository()).refs();
  const rows = refs.list("").map(({ name, value }): ShownRef => {
    const id = refs.oid(name);
    return {
      name,
      ...(id === undefined ? {} : { id }),
      ...("symbolic" in value ? { symbolic: valueText(value) } : {}),
    };
  });
  return rows.sort((a, b) => Number(b.name === "HEAD") - Number(a.name === "HEAD"));
}
