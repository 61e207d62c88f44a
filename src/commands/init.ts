import path from "node:path";
import { IngotError } from "../base/errors.ts";
import { initRepository, openRepository } from "../repo/open.ts";
import type { Repository } from "../repo/repository.ts";
import type { Context } from "./context.ts";
import type { ImportResult } from "./import.ts";
import { actorText, makeRepositoryFolder, REPOSITORY_FOLDER } from "./open-context.ts";
import { indexVersions } from "./versions.ts";

export interface InitOptions {
  /** Folder of the repository; `cwd` by default. Made where it is missing. */
  readonly dir?: string;
  /** Model that becomes v0. */
  readonly base?: string;
  readonly entry?: string;
  readonly message?: string;
}

export interface InitResult {
  /** Absolute folder that holds `.ingot`. */
  readonly root: string;
  readonly id: string;
  /** Short name of the branch HEAD is on. */
  readonly branch: string;
  readonly base?: ImportResult;
}

const BRANCH = "main";

/** Creates a repository; with `base` its model becomes v0. Throws `conflict.exists` where one with versions is. */
export async function init(
  context: Context,
  { dir = ".", base, entry, message }: InitOptions,
): Promise<InitResult> {
  const root = path.resolve(context.cwd, dir);
  const repo = await create(context, root, base !== undefined);
  try {
    if (base === undefined) return { root, id: repo.id, branch: BRANCH };
    const { importPath } = await import("./import.ts");
    const inside: Context = { ...context, root, openRepository: async () => repo };
    return {
      root,
      id: repo.id,
      branch: BRANCH,
      base: await importPath(inside, { path: base, entry, message }),
    };
  } finally {
    await repo.close();
  }
}

// A repository whose base could not be imported is there, and empty: the same command with a better base goes on.
async function create(context: Context, root: string, mayBeEmpty: boolean): Promise<Repository> {
  const place = path.join(root, REPOSITORY_FOLDER);
  const options = { clock: context.clock, random: context.random, actor: actorText(context) };
  makeRepositoryFolder(root);
  try {
    return await initRepository(place, { ...options, branch: BRANCH });
  } catch (error) {
    if (!mayBeEmpty || !(error instanceof IngotError) || error.code !== "conflict.exists") throw error;
    const repo = await openRepository(place, options);
    if (indexVersions(await repo.refs()).listed.length === 0) return repo;
    await repo.close();
    throw error;
  }
}
