import { IngotError } from "../base/errors.ts";
import { assertName } from "../base/names.ts";
import type { Oid } from "../base/oid.ts";
import type { Repository } from "../repo/repository.ts";
import type { Context } from "./context.ts";
import { resolveKept } from "./kept-version.ts";
import { missingRef } from "./missing-ref.ts";
import { editAway, editTo, type RefsChanged, refsChanged } from "./ref-changes.ts";
import { callVersion, indexVersions, readHead } from "./versions.ts";

export interface ListedBranch {
  readonly name: string;
  readonly commit: Oid;
  readonly version: string;
  /** HEAD is on it. */
  readonly current: boolean;
}

/** Branches by name. */
export async function listBranches(context: Context): Promise<readonly ListedBranch[]> {
  const refs = await (await context.openRepository()).refs();
  const index = indexVersions(refs);
  const current = readHead(refs).branch;
  return refs.list("heads/").flatMap(({ name }) => {
    const commit = refs.oid(name);
    const short = name.slice("heads/".length);
    return commit === undefined
      ? []
      : [{ name: short, commit, version: callVersion(index, commit), current: short === current }];
  });
}

/** Makes a branch at a revision (HEAD). Throws `usage.name`, `conflict.exists`, `ref.missing`. */
export async function makeBranch(
  context: Context,
  name: string,
  revision = "HEAD",
): Promise<RefsChanged & { readonly branch: string; readonly version: string }> {
  assertName(name, "typed");
  const repo = await context.openRepository();
  const oid = await resolveKept(repo, revision);
  const operation = await repo.operate((refs) => {
    if (refs.get(`heads/${name}`) !== undefined) throw alreadyThere(name);
    return { command: context.commandLine, edits: [editTo(`heads/${name}`, undefined, oid)] };
  });
  return { ...refsChanged(operation), branch: name, version: await versionAt(repo, oid) };
}

/** Deletes a branch; its versions stay. Throws `refused.policy` for the one HEAD is on. */
export async function deleteBranch(
  context: Context,
  name: string,
): Promise<RefsChanged & { readonly branch: string; readonly version: string }> {
  const repo = await context.openRepository();
  let oid: Oid | undefined;
  const operation = await repo.operate((refs) => {
    const value = refs.get(`heads/${name}`) ?? missingRef("branch", name, refs, "heads/");
    if (readHead(refs).branch === name) {
      throw new IngotError("refused.policy", `branch '${name}' is checked out`, {
        hint: "ingot checkout another branch first",
      });
    }
    oid = refs.oid(`heads/${name}`);
    return { command: context.commandLine, edits: [editAway(`heads/${name}`, value)] };
  });
  return { ...refsChanged(operation), branch: name, version: await versionAt(repo, oid!) };
}

/** Renames a branch; HEAD goes with it. */
export async function renameBranch(
  context: Context,
  from: string,
  to: string,
): Promise<RefsChanged & { readonly branch: string; readonly version: string }> {
  assertName(to, "typed");
  const repo = await context.openRepository();
  let oid: Oid | undefined;
  const operation = await repo.operate((refs) => {
    const value = refs.get(`heads/${from}`) ?? missingRef("branch", from, refs, "heads/");
    if (refs.get(`heads/${to}`) !== undefined) throw alreadyThere(to);
    const head = refs.get("HEAD");
    const follows = head !== undefined && "symbolic" in head && head.symbolic === `heads/${from}`;
    oid = refs.oid(`heads/${from}`);
    return {
      command: context.commandLine,
      edits: [
        editAway(`heads/${from}`, value),
        { ref: `heads/${to}`, new: value },
        ...(follows ? [{ ref: "HEAD", old: head, new: { symbolic: `heads/${to}` } }] : []),
      ],
    };
  });
  return { ...refsChanged(operation), branch: to, version: await versionAt(repo, oid!) };
}

function alreadyThere(name: string): IngotError {
  return new IngotError("conflict.exists", `there is a branch '${name}' already`, {
    hint: `ingot checkout ${name}`,
  });
}

async function versionAt(repo: Repository, oid: Oid): Promise<string> {
  return callVersion(indexVersions(await repo.refs()), oid);
}
