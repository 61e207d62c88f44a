import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import { errnoOf } from "./io-error.ts";

/** `full`: files and folders reach the disk before a write is acknowledged; `data`: files only; `none`: for tests. */
export type Durability = "full" | "data" | "none";

/** Windows can't flush a folder, and says so in several ways. */
const FOLDER_FLUSH_MISSING = new Set(["EPERM", "EISDIR", "EINVAL", "EACCES", "ENOTSUP"]);

/** Makes the names in a folder durable. */
export function flushFolder(folder: string, durability: Durability): void {
  if (durability !== "full") return;
  let fd: number | undefined;
  try {
    fd = fs.openSync(folder, "r");
    fs.fsyncSync(fd);
  } catch (error) {
    if (process.platform !== "win32" || !FOLDER_FLUSH_MISSING.has(errnoOf(error) ?? "")) throw error;
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

/** Makes a folder and its missing parents below `root`, durably. */
export function makeFolder(root: string, folder: string, durability: Durability): void {
  if (fs.existsSync(folder)) return;
  const missing: string[] = [];
  for (let at = folder; !fs.existsSync(at); at = path.dirname(at)) {
    missing.unshift(at);
    if (at === root || path.dirname(at) === at) break;
  }
  for (const each of missing) {
    try {
      fs.mkdirSync(each);
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
    }
    flushFolder(path.dirname(each), durability);
  }
}

/** Writes all of `bytes` to an open file: a system call may take fewer. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; )
    at += fs.writeSync(fd, bytes, at, Math.min(bytes.length - at, 1 << 26));
}

/**
 * Flushes and closes a file. A failed flush means that its pages may be lost although a second flush would succeed, so the
 * caller throws the file away and never flushes it again.
 */
export async function flushAndClose(fd: number, sizeBytes: number, durability: Durability): Promise<void> {
  try {
    if (durability === "none") return;
    // A large flush takes long: off this thread. A small one costs less than a trip to the pool.
    if (sizeBytes > 1 << 20)
      await new Promise<void>((resolve, reject) =>
        fs.fsync(fd, (error) => (error ? reject(error) : resolve())),
      );
    else fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

const BUSY = new Set(["EPERM", "EBUSY", "EACCES"]);

/** Renames; on Windows a virus scanner may hold a file for a moment, so there it tries for two seconds. */
export async function renameFile(from: string, to: string): Promise<void> {
  for (let waitMs = 10; ; waitMs *= 2) {
    try {
      return fs.renameSync(from, to);
    } catch (error) {
      if (process.platform !== "win32" || !BUSY.has(errnoOf(error) ?? "") || waitMs > 1000) throw error;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}

/** Removes a file; absent is fine. */
export function removeFile(file: string): void {
  fs.rmSync(file, { force: true });
}
