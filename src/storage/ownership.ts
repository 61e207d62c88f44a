import fs from "node:fs";
import path from "node:path";
import process from "node:process";

const WORLD_WRITABLE = 0o002;
const STICKY = 0o1000;

/**
 * Why a folder must not be trusted: it belongs to somebody else, or everybody may write to it; undefined where it is ours
 * or the system has no owners. What a repository says decides which code runs on which data, so a foreign one asks first.
 */
export function foreignOwner(folder: string): string | undefined {
  const uid = process.getuid?.();
  if (uid === undefined) return undefined;
  const stat = fs.statSync(path.resolve(folder), { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  if (stat.uid !== uid && stat.uid !== 0) return `belongs to user ${stat.uid}`;
  if ((stat.mode & WORLD_WRITABLE) !== 0 && (stat.mode & STICKY) === 0) return "can be written by everybody";
  return undefined;
}
