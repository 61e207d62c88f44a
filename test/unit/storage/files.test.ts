import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bytesSource } from "../../../src/base/ports.ts";
import {
  findUserText,
  openUserFile,
  readUserFile,
  userPathKind,
  writeUserFile,
} from "../../../src/storage/files.ts";
import { openScratch, removeScratch } from "../../../src/storage/scratch.ts";
import { listUserFolder, writeUserFolder } from "../../../src/storage/user-folder.ts";

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(tmpdir(), "ingot-files-"));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

const at = (name: string) => path.join(folder, name);
const text = (value: string) => new TextEncoder().encode(value);
const namesIn = (dir: string) => fs.readdirSync(dir).sort();

describe("openUserFile", () => {
  it("reads by position", async () => {
    fs.writeFileSync(at("a"), "hello world");
    const file = await openUserFile(at("a"));
    expect(file.sizeBytes).toBe(11);
    expect(Buffer.from(await file.read(6, 5)).toString()).toBe("world");
    await expect(file.read(6, 6)).rejects.toThrow(RangeError);
    await file.assertUnchanged();
    await file.close();
  });

  it("sees that a file changed", async () => {
    fs.writeFileSync(at("a"), "hello world");
    const file = await openUserFile(at("a"));
    fs.appendFileSync(at("a"), "!");
    await expect(file.assertUnchanged()).rejects.toMatchObject({ code: "input.changed" });
    fs.truncateSync(at("a"), 3);
    await expect(file.read(6, 5)).rejects.toMatchObject({ code: "input.changed" });
    await file.close();
  });

  it("never waits for a pipe", async (context) => {
    const { error } = spawnSync("mkfifo", [at("pipe")]);
    if (error !== undefined) context.skip("left out: mkfifo is not there");
    await expect(openUserFile(at("pipe"))).rejects.toMatchObject({ code: "input.path" });
  });

  it("refuses what is no regular file", async () => {
    fs.writeFileSync(at("a"), "x");
    fs.symlinkSync(at("a"), at("link"));
    fs.mkdirSync(at("dir"));
    for (const name of ["link", "dir"])
      await expect(openUserFile(at(name))).rejects.toMatchObject({ code: "input.path" });
    await expect(openUserFile(at("none"))).rejects.toMatchObject({ code: "file.missing" });
    await expect(openUserFile(at("a/below"))).rejects.toMatchObject({ code: "file.missing" });
  });

  it("bounds what is read whole", async () => {
    fs.writeFileSync(at("a"), "0123456789");
    await expect(readUserFile(at("a"), 9)).rejects.toMatchObject({ code: "limit.size" });
    expect(await readUserFile(at("a"), 10)).toHaveLength(10);
    expect(await findUserText(at("none"))).toBeUndefined();
    fs.writeFileSync(at("b"), new Uint8Array([0xff, 0xfe]));
    await expect(findUserText(at("b"))).rejects.toMatchObject({ code: "input.format" });
  });
});

describe("writing the user's files", () => {
  it("replaces a file and leaves nothing beside it", async () => {
    await writeUserFile(at("a.txt"), text("one"));
    await writeUserFile(at("a.txt"), bytesSource(text("two")));
    expect(fs.readFileSync(at("a.txt"), "utf8")).toBe("two");
    expect(namesIn(folder)).toEqual(["a.txt"]);
  });

  it("keeps the old file where the new one fails half-way", async () => {
    await writeUserFile(at("a.txt"), text("one"));
    const failing = {
      sizeBytes: 3 << 20,
      read: async (offset: number, length: number) =>
        offset === 0 ? new Uint8Array(length) : Promise.reject(new Error("torn")),
    };
    await expect(writeUserFile(at("a.txt"), failing)).rejects.toThrow("torn");
    await expect(writeUserFolder(at("out"), [{ path: "x", source: failing }])).rejects.toThrow("torn");
    expect(fs.readFileSync(at("a.txt"), "utf8")).toBe("one");
    expect(namesIn(folder)).toEqual(["a.txt"]);
  });

  it("writes a folder as a whole, also over an empty one, and lists it", async () => {
    fs.mkdirSync(at("out"));
    const files = [
      { path: "sub/b.bin", source: bytesSource(new Uint8Array(5)) },
      { path: "a.txt", source: text("x") },
    ];
    await writeUserFolder(at("out"), files);
    fs.mkdirSync(at("out/.git"));
    fs.writeFileSync(at("out/.git/config"), "");
    expect(listUserFolder(at("out"))).toEqual([
      { path: "a.txt", sizeBytes: 1 },
      { path: "sub/b.bin", sizeBytes: 5 },
    ]);
    expect(namesIn(folder)).toEqual(["out"]);
    await expect(writeUserFolder(at("out"), files)).rejects.toMatchObject({ code: "conflict.exists" });
    await writeUserFolder(at("out"), [{ path: "a.txt", source: text("new") }], { overwrite: true });
    expect(fs.readFileSync(at("out/a.txt"), "utf8")).toBe("new");
    expect(fs.existsSync(at("out/sub/b.bin"))).toBe(true);
  });

  it.each(["../x", "/x", "a/../../x", ".git/config", "con", "a\\b", "a:b"])(
    "refuses the path %j before the first write",
    async (bad) => {
      await expect(
        writeUserFolder(at("out"), [
          { path: "ok", source: text("x") },
          { path: bad, source: text("x") },
        ]),
      ).rejects.toMatchObject({ code: "input.path" });
      expect(namesIn(folder)).toEqual([]);
    },
  );

  it("writes nothing through a planted link", async () => {
    fs.mkdirSync(at("secret"));
    fs.mkdirSync(at("out"));
    fs.symlinkSync(at("secret"), at("out/sub"));
    await expect(
      writeUserFolder(at("out"), [{ path: "sub/x", source: text("x") }], { overwrite: true }),
    ).rejects.toMatchObject({ code: "input.path" });
    expect(namesIn(at("secret"))).toEqual([]);
    expect(() => listUserFolder(at("out"))).toThrow(expect.objectContaining({ code: "input.path" }));
    fs.symlinkSync(at("secret"), at("linked"));
    await expect(writeUserFolder(at("linked"), [{ path: "x", source: text("x") }])).rejects.toMatchObject({
      code: "conflict.exists",
    });
  });

  it("tells files from folders", () => {
    fs.writeFileSync(at("a"), "");
    expect([
      userPathKind(at("a")),
      userPathKind(folder),
      userPathKind(at("none")),
      userPathKind(at("a/b")),
    ]).toEqual(["file", "folder", undefined, undefined]);
  });
});

describe("scratch", () => {
  it("is private, takes plain names only, and goes as a whole", async () => {
    const scratch = await openScratch(at("scratch"), { readOnlyFiles: true });
    expect(fs.statSync(scratch.folder).mode & 0o777).toBe(0o700);
    await scratch.write(
      "w.bin",
      (async function* () {
        yield text("ab");
        yield text("cd");
      })(),
    );
    await scratch.write("w.bin", text("again"));
    expect(fs.statSync(scratch.path("w.bin")).mode & 0o777).toBe(0o400);
    const file = await scratch.open("w.bin");
    expect(Buffer.from((await file?.read(0, 5)) ?? []).toString()).toBe("again");
    await file?.close();
    for (const bad of ["../x", "a/b", "", "..", "/x"])
      expect(() => scratch.path(bad)).toThrow(expect.objectContaining({ code: "input.path" }));
    await scratch.remove("w.bin");
    await scratch.remove("w.bin");
    expect(await scratch.open("w.bin")).toBeUndefined();
    await removeScratch(scratch);
    expect(fs.existsSync(at("scratch"))).toBe(false);
  });
});
