import { IngotError } from "../base/errors.ts";
import { assertName, isVersionName } from "../base/names.ts";
import type { Oid } from "../base/oid.ts";
import type { Context } from "./context.ts";
import { resolveKept } from "./kept-version.ts";
import { missingRef } from "./missing-ref.ts";
import { editAway, editTo, type RefsChanged, refsChanged } from "./ref-changes.ts";
import { callVersion, indexVersions } from "./versions.ts";

export interface ListedTag {
  readonly name: string;
  readonly commit: Oid;
  readonly version: string;
}

/** Tags by name; the numbers of versions come first, in their order. */
export async function listTags(context: Context): Promise<readonly ListedTag[]> {
  const refs = await (await context.openRepository()).refs();
  const index = indexVersions(refs);
  const rows = refs.list("tags/").flatMap(({ name }) => {
    const commit = refs.oid(name);
    return commit === undefined
      ? []
      : [{ name: name.slice("tags/".length), commit, version: callVersion(index, commit) }];
  });
  const rank = ({ name }: ListedTag) =>
    isVersionName(name) ? Number(name.slice(1)) : Number.POSITIVE_INFINITY;
  return rows.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
}

/** Gives a version a second name, for good. Throws `usage.name`, `conflict.exists`, `ref.missing`. */
export async function makeTag(
  context: Context,
  name: string,
  revision = "HEAD",
): Promise<RefsChanged & { readonly tag: string; readonly version: string }> {
  assertName(name, "typed");
  const repo = await context.openRepository();
  const oid = await resolveKept(repo, revision);
  const operation = await repo.operate((refs) => {
    if (refs.get(`tags/${name}`) !== undefined) {
      throw new IngotError("conflict.exists", `there is a tag '${name}' already`, {
        hint: "a tag is never moved; take another name",
      });
    }
    return { command: context.commandLine, edits: [editTo(`tags/${name}`, undefined, oid)] };
  });
  return {
    ...refsChanged(operation),
    tag: name,
    version: callVersion(indexVersions(await repo.refs()), oid),
  };
}

/** Takes a name away; the version stays. `refused.policy` for a version's own number. */
export async function deleteTag(
  context: Context,
  name: string,
): Promise<RefsChanged & { readonly tag: string; readonly version: string }> {
  if (isVersionName(name))
    throw new IngotError("refused.policy", `'${name}' is the number of a version`, {
      hint: `to delete the version: ingot rm ${name}`,
    });
  const repo = await context.openRepository();
  let oid: Oid | undefined;
  const operation = await repo.operate((refs) => {
    const value = refs.get(`tags/${name}`) ?? missingRef("tag", name, refs, "tags/");
    oid = refs.oid(`tags/${name}`);
    return { command: context.commandLine, edits: [editAway(`tags/${name}`, value)] };
  });
  return {
    ...refsChanged(operation),
    tag: name,
    version: callVersion(indexVersions(await repo.refs()), oid!),
  };
}
