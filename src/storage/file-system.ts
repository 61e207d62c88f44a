import fs from "node:fs";
import path from "node:path";
import { IngotError } from "../base/errors.ts";
import {
  type Durability,
  flushAndClose,
  flushFolder,
  makeFolder,
  removeFile,
  renameFile,
  writeAll,
} from "./durable.ts";
import { errnoOf, ioError, isAbsent } from "./io-error.ts";
import { assertKey, assertPrefix } from "./key.ts";
import type { Storage, StorageWriter, StoredFact } from "./port.ts";
import { openSessionFolder, type SessionFolder } from "./session-folder.ts";

const BUFFER_BYTES = 1 << 20;
const READ_ONLY = fs.constants.O_RDONLY | (fs.constants.O_NOFOLLOW ?? 0);
const NO_HARD_LINKS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/**
 * Keys as files below `root`. Calls are synchronous behind the asynchronous port: a small read costs a few microseconds
 * that way, and about a hundred through the thread pool. Folders are made when first written to, so that opening a
 * read-only place writes nothing. Throws `input.path` where `root` or a folder right below it is a symbolic link.
 */
export function openFileSystemStorage(
  root: string,
  { durability = "full" }: { readonly durability?: Durability } = {},
): Storage {
  const location = path.resolve(root);
  refuseLinks(location);
  return new FileSystemStorage(location, durability);
}

function refuseLinks(root: string): void {
  for (const folder of [
    root,
    ...["log", "packs", "idx", "tmp", "leases"].map((name) => path.join(root, name)),
  ]) {
    if (fs.lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink()) {
      throw new IngotError("input.path", `'${folder}' is a symbolic link`, {
        hint: "use the folder it points at",
        data: { where: folder },
      });
    }
  }
}

class FileSystemStorage implements Storage {
  readonly location: string;
  readonly #durability: Durability;
  #session: SessionFolder | undefined;

  constructor(location: string, durability: Durability) {
    this.location = location;
    this.#durability = durability;
  }

  #path(key: string): string {
    assertKey(key);
    return path.join(this.location, key);
  }

  #temporary(): string {
    this.#session ??= openSessionFolder(path.join(this.location, "tmp"));
    return this.#session.nextFile();
  }

  async read(key: string): Promise<Uint8Array> {
    return this.#withFile(key, (fd) => {
      const { size } = fs.fstatSync(fd);
      const bytes = new Uint8Array(size);
      return bytes.subarray(0, readFully(fd, bytes, 0));
    });
  }

  async readRange(key: string, offset: number, length: number): Promise<Uint8Array> {
    return this.#withFile(key, (fd) => {
      // The length comes from bytes on disk that may be damaged: look before making room for it.
      const { size } = fs.fstatSync(fd);
      const bytes =
        offset >= 0 && length >= 0 && offset + length <= size ? new Uint8Array(length) : undefined;
      if (bytes === undefined || readFully(fd, bytes, offset) !== length) {
        throw new IngotError("integrity.pack", `'${key}' ends before byte ${offset + length}`, {
          hint: "ingot fsck",
          data: { where: key, sizeBytes: size },
        });
      }
      return bytes;
    });
  }

  #withFile<T>(key: string, use: (fd: number) => T): T {
    const file = this.#path(key);
    let fd: number | undefined;
    try {
      fd = fs.openSync(file, READ_ONLY);
      return use(fd);
    } catch (error) {
      if (isAbsent(error))
        throw new IngotError("object.missing", `'${key}' is not in '${this.location}'`, {
          data: { where: file },
        });
      throw ioError(error, "read", file);
    } finally {
      if (fd !== undefined) fs.closeSync(fd);
    }
  }

  async stat(key: string): Promise<StoredFact | undefined> {
    const file = this.#path(key);
    try {
      const stat = fs.lstatSync(file, { throwIfNoEntry: false });
      return stat?.isFile() ? { key, sizeBytes: stat.size, modifiedMs: stat.mtimeMs } : undefined;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw ioError(error, "read", file);
    }
  }

  async *list(prefix: string): AsyncIterable<StoredFact> {
    assertPrefix(prefix);
    const folder = path.join(this.location, prefix);
    let entries: fs.Dirent[];
    try {
      entries = fs.readdirSync(folder, { withFileTypes: true });
    } catch (error) {
      if (isAbsent(error)) return;
      throw ioError(error, "read", folder);
    }
    for (const entry of entries) {
      if (entry.isDirectory()) yield* this.list(`${prefix}${entry.name}/`);
      else if (entry.isFile()) {
        const fact = await this.stat(prefix + entry.name);
        if (fact !== undefined) yield fact;
      }
    }
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    const writer = await this.openWriter(key);
    try {
      await writer.write(bytes);
      await writer.commit();
    } finally {
      await writer.abort();
    }
  }

  async putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean> {
    const target = this.#path(key);
    let temporary: string | undefined;
    try {
      if (fs.existsSync(target)) return false;
      makeFolder(this.location, path.dirname(target), this.#durability);
      temporary = this.#temporary();
      const fd = fs.openSync(temporary, "wx", 0o444);
      try {
        writeAll(fd, bytes);
      } catch (error) {
        fs.closeSync(fd);
        throw error;
      }
      await flushAndClose(fd, bytes.length, this.#durability);
      const won = linkFile(temporary, target) ?? (await writeExclusive(target, bytes, this.#durability));
      if (won) flushFolder(path.dirname(target), this.#durability);
      return won;
    } catch (error) {
      throw ioError(error, "write", target);
    } finally {
      if (temporary !== undefined) removeFile(temporary);
    }
  }

  async openWriter(key?: string): Promise<StorageWriter> {
    if (key !== undefined) assertKey(key);
    let temporary: string;
    try {
      temporary = this.#temporary();
      return new FileWriter(this.location, temporary, fs.openSync(temporary, "wx"), key, this.#durability);
    } catch (error) {
      throw ioError(error, "write", path.join(this.location, key ?? "tmp"));
    }
  }

  async delete(key: string): Promise<void> {
    const file = this.#path(key);
    try {
      removeFile(file);
    } catch (error) {
      if (!isAbsent(error)) throw ioError(error, "remove", file);
    }
  }

  async freeBytes(): Promise<number | undefined> {
    try {
      const { bavail, bsize } = fs.statfsSync(this.location);
      return bavail * bsize;
    } catch {
      return undefined;
    }
  }

  async close(): Promise<void> {
    this.#session?.remove();
    this.#session = undefined;
  }
}

function readFully(fd: number, into: Uint8Array, offset: number): number {
  let at = 0;
  while (at < into.length) {
    const count = fs.readSync(fd, into, at, Math.min(into.length - at, 1 << 30), offset + at);
    if (count === 0) break;
    at += count;
  }
  return at;
}

/** Gives a finished file its name unless the name is taken; undefined where the place has no hard links. */
function linkFile(temporary: string, target: string): boolean | undefined {
  try {
    fs.linkSync(temporary, target);
    return true;
  } catch (error) {
    const code = errnoOf(error) ?? "";
    // A network file system may report EEXIST for a link that it made: the link count of our own file decides.
    if (code === "EEXIST") return fs.statSync(temporary).nlink === 2;
    if (NO_HARD_LINKS.has(code)) return undefined;
    throw error;
  }
}

/** Where hard links are missing: the name is the fence, and a file torn by a crash is one that readers of the log ignore. */
async function writeExclusive(target: string, bytes: Uint8Array, durability: Durability): Promise<boolean> {
  let fd: number;
  try {
    fd = fs.openSync(target, "wx", 0o444);
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    throw error;
  }
  try {
    writeAll(fd, bytes);
  } catch (error) {
    fs.closeSync(fd);
    removeFile(target);
    throw error;
  }
  await flushAndClose(fd, bytes.length, durability);
  return true;
}

class FileWriter implements StorageWriter {
  readonly #root: string;
  readonly #temporary: string;
  readonly #key: string | undefined;
  readonly #durability: Durability;
  #fd: number | undefined;
  #buffer: Uint8Array | undefined;
  #buffered = 0;
  #sizeBytes = 0;

  constructor(root: string, temporary: string, fd: number, key: string | undefined, durability: Durability) {
    this.#root = root;
    this.#temporary = temporary;
    this.#fd = fd;
    this.#key = key;
    this.#durability = durability;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#fd === undefined) throw new Error("bug: write to a writer that is closed");
    this.#sizeBytes += bytes.length;
    if (this.#buffered + bytes.length > BUFFER_BYTES) this.#flush();
    if (bytes.length >= BUFFER_BYTES) return this.#writeOut(bytes);
    this.#buffer ??= new Uint8Array(BUFFER_BYTES);
    this.#buffer.set(bytes, this.#buffered);
    this.#buffered += bytes.length;
  }

  #flush(): void {
    if (this.#buffered > 0) this.#writeOut((this.#buffer as Uint8Array).subarray(0, this.#buffered));
    this.#buffered = 0;
  }

  #writeOut(bytes: Uint8Array): void {
    try {
      writeAll(this.#fd as number, bytes);
    } catch (error) {
      throw ioError(error, "write", this.#temporary);
    }
  }

  async commit(key = this.#key): Promise<void> {
    if (key === undefined || this.#fd === undefined)
      throw new Error("bug: commit of a writer without a key, or twice");
    assertKey(key);
    const target = path.join(this.#root, key);
    try {
      this.#flush();
      const fd = this.#fd;
      this.#fd = undefined;
      if (key.endsWith(".pack")) fs.fchmodSync(fd, 0o444);
      await flushAndClose(fd, this.#sizeBytes, this.#durability);
      makeFolder(this.#root, path.dirname(target), this.#durability);
      await renameFile(this.#temporary, target);
      flushFolder(path.dirname(target), this.#durability);
    } catch (error) {
      throw ioError(error, "write", target);
    }
  }

  async abort(): Promise<void> {
    if (this.#fd !== undefined) fs.closeSync(this.#fd);
    this.#fd = undefined;
    removeFile(this.#temporary);
  }
}
