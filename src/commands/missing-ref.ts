import { IngotError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import type { RefTable } from "../repo/repository.ts";

/** Throws `ref.missing` for a name that no ref below `prefix` has, with the nearest one. */
export function missingRef(what: string, name: string, refs: RefTable, prefix: string): never {
  const names = refs.list(prefix).map((ref) => ref.name.slice(prefix.length));
  const near = nearest(name, names);
  const some = names.slice(0, 8).join(", ");
  throw new IngotError("ref.missing", `there is no ${what} '${name}'`, {
    hint:
      near !== undefined
        ? `did you mean ${near}?`
        : some === ""
          ? `there is no ${what} yet`
          : `there are ${some}`,
    data: { name },
  });
}
