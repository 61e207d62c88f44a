import fs from "node:fs";
import path from "node:path";
import { IngotError } from "../base/errors.ts";
import { assertTreePaths } from "../base/paths.ts";
import type { ByteSource } from "../base/ports.ts";
import { flushFolder, renameFile } from "./durable.ts";
import { temporaryBeside, writeNewFile, writeUserFile } from "./files.ts";
import { ioError, isAbsent } from "./io-error.ts";

const SKIPPED = new Set([".git", ".ingot"]);
const MAX_DEPTH = 64;

export interface UserFolderEntry {
  /** Relative, `/`-separated. */
  readonly path: string;
  readonly sizeBytes: number;
}

/**
 * Regular files below a folder, sorted by path; `.git` and `.ingot` are left out. Throws `file.missing`, and `input.path`
 * where a link, pipe or device lies in it: what they lead to is not part of the folder.
 */
export function listUserFolder(folder: string): UserFolderEntry[] {
  const root = path.resolve(folder);
  const found: UserFolderEntry[] = [];
  const visit = (relative: string, depth: number): void => {
    const at = path.join(root, relative);
    if (depth > MAX_DEPTH)
      throw new IngotError("limit.depth", `'${at}' is more than ${MAX_DEPTH} folders deep`, {
        data: { where: at },
      });
    for (const entry of fs.readdirSync(at, { withFileTypes: true })) {
      if (SKIPPED.has(entry.name)) continue;
      const inner = relative === "" ? entry.name : `${relative}/${entry.name}`;
      if (entry.isDirectory()) visit(inner, depth + 1);
      else if (entry.isFile())
        found.push({ path: inner, sizeBytes: fs.statSync(path.join(root, inner)).size });
      else
        throw new IngotError("input.path", `'${path.join(root, inner)}' is neither a file nor a folder`, {
          hint: "replace the link by the file itself",
          data: { where: path.join(root, inner) },
        });
    }
  };
  try {
    visit("", 0);
  } catch (error) {
    if (isAbsent(error))
      throw new IngotError("file.missing", `no folder '${root}'`, {
        hint: "check the path",
        data: { where: root },
        cause: error,
      });
    throw ioError(error, "read", root);
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

export interface FolderFile {
  /** Relative, `/`-separated; checked. */
  readonly path: string;
  readonly source: ByteSource | Uint8Array;
}

/**
 * Writes files to a folder. A new or empty folder appears as a whole: everything is written beside it first, then renamed.
 * In one that holds something, files are replaced one by one, each atomically, only with `overwrite`. Throws `input.path`
 * before the first write for a path that no tree may hold or a link in the way, `conflict.exists` for a folder in use.
 */
export async function writeUserFolder(
  folder: string,
  files: readonly FolderFile[],
  { overwrite = false }: { readonly overwrite?: boolean } = {},
): Promise<void> {
  const target = path.resolve(folder);
  assertTreePaths(files.map((file) => file.path));
  try {
    const stat = fs.lstatSync(target, { throwIfNoEntry: false });
    if (stat !== undefined && !stat.isDirectory()) throw exists(target, "is there and is no folder");
    if (stat === undefined || fs.readdirSync(target).length === 0) return await writeWhole(target, files);
    if (!overwrite) throw exists(target, "is not empty");
    for (const file of files) await replaceOne(target, file);
  } catch (error) {
    throw ioError(error, "write", target);
  }
}

function exists(target: string, what: string): IngotError {
  return new IngotError("conflict.exists", `'${target}' ${what}`, {
    hint: "give another folder, or --force to replace files in it",
    data: { where: target },
  });
}

async function writeWhole(target: string, files: readonly FolderFile[]): Promise<void> {
  fs.mkdirSync(path.dirname(target), { recursive: true });
  const temporary = temporaryBeside(target);
  try {
    fs.mkdirSync(temporary);
    for (const file of files) {
      const at = path.join(temporary, file.path);
      fs.mkdirSync(path.dirname(at), { recursive: true });
      await writeNewFile(at, file.source);
    }
    flushFolder(temporary, "full");
    // A rename over an empty folder replaces it on POSIX, and is refused by Windows.
    if (fs.existsSync(target)) fs.rmdirSync(target);
    await renameFile(temporary, target);
    flushFolder(path.dirname(target), "full");
  } finally {
    fs.rmSync(temporary, { recursive: true, force: true });
  }
}

async function replaceOne(target: string, file: FolderFile): Promise<void> {
  let at = target;
  for (const part of file.path.split("/").slice(0, -1)) {
    at = path.join(at, part);
    const stat = fs.lstatSync(at, { throwIfNoEntry: false });
    if (stat === undefined) fs.mkdirSync(at);
    else if (!stat.isDirectory())
      throw new IngotError("input.path", `'${at}' is no folder`, {
        hint: "remove what is in the way",
        data: { where: at },
      });
  }
  await writeUserFile(path.join(target, file.path), file.source);
}
