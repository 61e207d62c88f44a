import path from "node:path";
import { IngotError } from "../base/errors.ts";
import { assertName } from "../base/names.ts";
import { nearest } from "../base/nearest.ts";
import { parseAddress } from "../remotes/address.ts";
import { DirectoryRemote } from "../remotes/directory.ts";
import type { Remote } from "../remotes/port.ts";
import { initRepository, openRepository } from "../repo/open.ts";
import { userPathKind } from "../storage/files.ts";
import type { Context } from "./context.ts";
import { actorText, makeRepositoryFolder, REPOSITORY_FOLDER } from "./open-context.ts";
import { editAway } from "./ref-changes.ts";
import { editSettingsFile, settingsFileOf } from "./settings-file.ts";

export interface NamedRemote {
  readonly name: string;
  readonly url: string;
}

export const DEFAULT_REMOTE = "origin";

/** Remotes of the settings, by name. */
export function listRemotes(context: Context): readonly NamedRemote[] {
  const remotes: NamedRemote[] = [];
  for (const [key, url] of context.settings.under("remote")) {
    if (key.endsWith(".url") && typeof url === "string")
      remotes.push({ name: key.slice(0, -".url".length), url });
  }
  return remotes.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Remembers a place under a name; a relative folder is taken from `cwd`. Throws `usage.name`, `conflict.exists`, `remote.address`. */
export async function addRemote(context: Context, { name, url }: NamedRemote): Promise<NamedRemote> {
  assertName(name, "typed");
  if (name.includes("/") || name.includes("."))
    throw new IngotError("usage.name", `the name of a remote holds no '/' or '.': '${name}'`, {
      hint: "for example origin",
    });
  if (listRemotes(context).some((remote) => remote.name === name))
    throw new IngotError("conflict.exists", `there is a remote '${name}' already`, {
      hint: `ingot remote rm ${name}`,
    });
  const address = path.resolve(context.cwd, parseAddress(url).path);
  await editSettingsFile(settingsFileOf(context, "local", ""), `remote.${name}.url`, address);
  return { name, url: address };
}

/** Forgets a remote and what was last seen there. What it holds stays. */
export async function removeRemote(context: Context, name: string): Promise<NamedRemote> {
  const remote = findRemote(context, name);
  await editSettingsFile(settingsFileOf(context, "local", ""), `remote.${name}`, undefined);
  const repo = await context.openRepository();
  const seen = (await repo.refs()).list(`remotes/${name}/`);
  if (seen.length > 0) {
    await repo.operate((refs) => ({
      command: context.commandLine,
      edits: refs.list(`remotes/${name}/`).map((ref) => editAway(ref.name, ref.value)),
    }));
  }
  return remote;
}

/** A remote by name. Throws `ref.missing` with the nearest one. */
export function findRemote(context: Context, name: string): NamedRemote {
  const remotes = listRemotes(context);
  const found = remotes.find((remote) => remote.name === name);
  if (found !== undefined) return found;
  const near = nearest(
    name,
    remotes.map((remote) => remote.name),
  );
  throw new IngotError("ref.missing", `there is no remote '${name}'`, {
    hint: near === undefined ? `ingot remote add ${name} FOLDER` : `did you mean ${near}?`,
    data: { name },
  });
}

/**
 * Opens the repository at an address. With `createAs` one is made where the folder is empty or missing, if the folder above
 * it is there (else a disk is not mounted). Throws `remote.address`, `remote.unreachable`.
 */
export async function openRemote(context: Context, url: string, createAs?: string): Promise<Remote> {
  const folder = path.resolve(context.cwd, parseAddress(url).path);
  const options = { clock: context.clock, random: context.random, actor: actorText(context) };
  const inside = path.join(folder, REPOSITORY_FOLDER);
  if (userPathKind(inside) === "folder") return new DirectoryRemote(await openRepository(inside, options));
  if (userPathKind(path.join(folder, "format")) === "file")
    return new DirectoryRemote(await openRepository(folder, options));
  const isThere = userPathKind(folder) === "folder";
  if (createAs === undefined || (!isThere && userPathKind(path.dirname(folder)) !== "folder")) {
    throw new IngotError("remote.unreachable", `there is no repository in '${folder}'`, {
      hint: isThere ? "push to it first" : "is the disk there?",
      data: { where: folder },
    });
  }
  makeRepositoryFolder(folder);
  return new DirectoryRemote(await initRepository(inside, { ...options, id: createAs }));
}
