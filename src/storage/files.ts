import fs from "node:fs";
import path from "node:path";
import { IngotError } from "../base/errors.ts";
import type { ByteSource } from "../base/ports.ts";
import { flushAndClose, flushFolder, removeFile, renameFile, writeAll } from "./durable.ts";
import { errnoOf, ioError, isAbsent } from "./io-error.ts";

/** The user's own files, handed upward as byte sources: never followed through a link, never waited for (a pipe). */

const OPEN_FLAGS = fs.constants.O_RDONLY | (fs.constants.O_NOFOLLOW ?? 0) | (fs.constants.O_NONBLOCK ?? 0);
const CHUNK_BYTES = 1 << 20;

/** A file of the user as a source that can tell whether it changed since it was opened. */
export interface UserFile extends ByteSource {
  readonly path: string;
  /** Throws `input.changed` where size, times or inode differ from when it was opened. */
  assertUnchanged(): Promise<void>;
  close(): Promise<void>;
}

function notAFile(file: string, what: string): IngotError {
  return new IngotError("input.path", `'${file}' is ${what}, not a regular file`, {
    hint: "give the file itself",
    data: { where: file },
  });
}

function describe(stat: fs.Stats | fs.BigIntStats): string {
  if (stat.isDirectory()) return "a folder";
  if (stat.isSymbolicLink()) return "a symbolic link";
  if (stat.isFIFO()) return "a pipe";
  if (stat.isSocket()) return "a socket";
  return "a device";
}

function fileError(error: unknown, action: string, file: string): unknown {
  if (errnoOf(error) === "ELOOP") return notAFile(file, "a symbolic link");
  if (isAbsent(error))
    return new IngotError("file.missing", `no file '${file}'`, {
      hint: "check the path",
      data: { where: file },
      cause: error,
    });
  return ioError(error, action, file);
}

function sameFile(a: fs.BigIntStats, b: fs.BigIntStats): boolean {
  return (
    a.size === b.size &&
    a.mtimeNs === b.mtimeNs &&
    a.ctimeNs === b.ctimeNs &&
    a.ino === b.ino &&
    a.dev === b.dev
  );
}

/**
 * Opens a regular file for reading by position. Throws `file.missing`, `input.path` for a link, folder, pipe or device, and
 * `environment.*`. A read past the end, or of a file that shrank, throws `input.changed`.
 */
export async function openUserFile(file: string): Promise<UserFile> {
  const location = path.resolve(file);
  let fd: number;
  try {
    fd = fs.openSync(location, OPEN_FLAGS);
  } catch (error) {
    throw fileError(error, "open", location);
  }
  const before = fs.fstatSync(fd, { bigint: true });
  if (!before.isFile()) {
    fs.closeSync(fd);
    throw notAFile(location, describe(before));
  }
  const changed = () =>
    new IngotError("input.changed", `'${location}' changed while it was read`, {
      hint: "run the command again when nothing writes to it",
      data: { where: location },
    });
  let open = true;
  return {
    path: location,
    sizeBytes: Number(before.size),
    read: async (offset, length) => {
      if (offset < 0 || length < 0 || offset + length > Number(before.size))
        throw new RangeError(`read of ${length} bytes at ${offset} of ${before.size}`);
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length; ) {
        let count: number;
        try {
          count = fs.readSync(fd, bytes, at, Math.min(length - at, 1 << 30), offset + at);
        } catch (error) {
          throw ioError(error, "read", location);
        }
        if (count === 0) throw changed();
        at += count;
      }
      return bytes;
    },
    assertUnchanged: async () => {
      if (!sameFile(before, fs.fstatSync(fd, { bigint: true }))) throw changed();
    },
    close: async () => {
      if (open) fs.closeSync(fd);
      open = false;
    },
  };
}

/** What a path is; undefined where nothing is there. A symbolic link is followed here, and refused where it is opened. */
export function userPathKind(file: string): "file" | "folder" | undefined {
  try {
    const stat = fs.statSync(file, { throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    return stat.isDirectory() ? "folder" : "file";
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw ioError(error, "read", file);
  }
}

/** Whole bytes of a regular file of at most `maxBytes`. Throws as `openUserFile`, and `limit.size` for a larger one. */
export async function readUserFile(file: string, maxBytes = 16 << 20): Promise<Uint8Array> {
  const source = await openUserFile(file);
  try {
    if (source.sizeBytes > maxBytes) {
      throw new IngotError(
        "limit.size",
        `'${source.path}' has ${source.sizeBytes} bytes, at most ${maxBytes} are read`,
        { data: { where: source.path } },
      );
    }
    const bytes = await source.read(0, source.sizeBytes);
    await source.assertUnchanged();
    return bytes;
  } finally {
    await source.close();
  }
}

/** Text of a small file (UTF-8); undefined where it is absent. Throws `input.format` for bytes that are no UTF-8. */
export async function findUserText(file: string, maxBytes = 1 << 20): Promise<string | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readUserFile(file, maxBytes);
  } catch (error) {
    if (error instanceof IngotError && error.code === "file.missing") return undefined;
    throw error;
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new IngotError("input.format", `'${file}' is not UTF-8 text`, { data: { where: file }, cause });
  }
}

/** Writes a source to an open file in bounded memory. */
async function pour(fd: number, content: Uint8Array | ByteSource): Promise<number> {
  if (content instanceof Uint8Array) {
    writeAll(fd, content);
    return content.length;
  }
  for (let at = 0; at < content.sizeBytes; at += CHUNK_BYTES) {
    writeAll(fd, await content.read(at, Math.min(CHUNK_BYTES, content.sizeBytes - at)));
  }
  return content.sizeBytes;
}

let temporaryCount = 0;

/** Name for an unfinished neighbour of a file: same folder, so that the rename stays on one disk. */
export function temporaryBeside(target: string): string {
  return path.join(
    path.dirname(target),
    `.${path.basename(target).slice(0, 100)}.${process.pid}-${++temporaryCount}.part`,
  );
}

/** Creates one new file and makes it durable; the name must be free. */
export async function writeNewFile(
  file: string,
  content: Uint8Array | ByteSource,
  mode = 0o644,
): Promise<void> {
  const fd = fs.openSync(file, "wx", mode);
  let sizeBytes: number;
  try {
    sizeBytes = await pour(fd, content);
  } catch (error) {
    fs.closeSync(fd);
    removeFile(file);
    throw error;
  }
  await flushAndClose(fd, sizeBytes, "full");
}

/** Writes or replaces a file of the user atomically: its old content stays until the new one is on the disk. */
export async function writeUserFile(file: string, content: Uint8Array | ByteSource): Promise<void> {
  const target = path.resolve(file);
  const temporary = temporaryBeside(target);
  try {
    fs.mkdirSync(path.dirname(target), { recursive: true });
    await writeNewFile(temporary, content);
    await renameFile(temporary, target);
    flushFolder(path.dirname(target), "full");
  } catch (error) {
    throw ioError(error, "write", target);
  } finally {
    removeFile(temporary);
  }
}

/** Writes a small text file of the repository or the user (`config.toml`, `ingot.toml`), atomically. */
export function writeUserText(file: string, text: string): Promise<void> {
  return writeUserFile(file, new TextEncoder().encode(text));
}

/** Appends whole lines to a log file that programs may follow. Not flushed: a log is no promise. */
export function appendUserLog(file: string, text: string): void {
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.appendFileSync(file, text);
  } catch (error) {
    throw ioError(error, "write", file);
  }
}
