import { IngotError } from "../base/errors.ts";
import type { TreeEntry } from "../objects/records.ts";

/** A file of a tree that another record (or the model in it) says is there. Throws `integrity.reference` where it is not. */
export function treeFile(entries: readonly TreeEntry[], path: string, whose: "model" | "adapter"): TreeEntry {
  const found = entries.find((entry) => entry.path === path);
  if (found !== undefined) return found;
  throw new IngotError("integrity.reference", `the tree of the ${whose} has no file '${path}'`, {
    hint: "ingot fsck",
    data: { where: path },
  });
}
