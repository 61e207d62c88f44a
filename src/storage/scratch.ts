import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { IngotError } from "../base/errors.ts";
import type { Scratch } from "../base/ports.ts";
import { flushAndClose, writeAll } from "./durable.ts";
import { openUserFile } from "./files.ts";
import { ioError, isAbsent } from "./io-error.ts";

/** Numbers of unfinished files, unique in this process. */
let parts = 0;

const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,120}$/;

export interface ScratchOptions {
  /** Files are written 0400, so that nothing changes them while the native runtime has them mapped. */
  readonly readOnlyFiles?: boolean;
}

/**
 * Opens a private folder (0700), made where it is missing. Only what is written as `lasting` is flushed. Names are plain file
 * names: `input.path` for others.
 */
export async function openScratch(
  folder: string,
  { readOnlyFiles = false }: ScratchOptions = {},
): Promise<Scratch> {
  const root = path.resolve(folder);
  try {
    fs.mkdirSync(root, { recursive: true, mode: 0o700 });
    const stat = fs.lstatSync(root);
    if (!stat.isDirectory())
      throw new IngotError("input.path", `'${root}' is no folder`, { data: { where: root } });
    fs.chmodSync(root, 0o700);
  } catch (error) {
    throw ioError(error, "make", root);
  }
  const at = (name: string): string => {
    if (!NAME.test(name) || name.includes(".."))
      throw new IngotError("input.path", `'${name.slice(0, 80)}' is no plain file name`);
    return path.join(root, name);
  };
  return {
    folder: root,
    path: at,
    write: async (name, chunks, { lasting = false } = {}) => {
      const file = at(name);
      const part = `${file}.${process.pid}-${parts++}.part`;
      try {
        const fd = fs.openSync(part, "wx", readOnlyFiles ? 0o400 : 0o600);
        let sizeBytes = 0;
        try {
          for await (const chunk of chunks instanceof Uint8Array ? [chunks] : chunks) {
            writeAll(fd, chunk);
            sizeBytes += chunk.length;
          }
        } catch (error) {
          fs.closeSync(fd);
          throw error;
        }
        await flushAndClose(fd, sizeBytes, lasting ? "data" : "none");
        fs.renameSync(part, file);
      } catch (error) {
        fs.rmSync(part, { force: true });
        throw ioError(error, "write", file);
      }
    },
    open: async (name) => {
      try {
        return await openUserFile(at(name));
      } catch (error) {
        if (error instanceof IngotError && error.code === "file.missing") return undefined;
        throw error;
      }
    },
    remove: async (name) => {
      const file = at(name);
      try {
        fs.rmSync(file, { force: true });
      } catch (error) {
        if (!isAbsent(error)) throw ioError(error, "remove", file);
      }
    },
  };
}

/** A fresh scratch folder in the system's place for temporary files. */
export async function openTemporaryScratch(options: ScratchOptions = {}): Promise<Scratch> {
  try {
    return await openScratch(fs.mkdtempSync(path.join(os.tmpdir(), "ingot-")), options);
  } catch (error) {
    throw ioError(error, "make a folder in", os.tmpdir());
  }
}

/** Removes a scratch folder with all that is in it; absent is fine. fs-extra retries where Windows still holds a file. */
export async function removeScratch(scratch: Scratch): Promise<void> {
  const { remove } = await import("fs-extra/esm");
  try {
    await remove(scratch.folder);
  } catch (error) {
    throw ioError(error, "remove", scratch.folder);
  }
}
