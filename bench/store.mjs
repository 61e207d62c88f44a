#!/usr/bin/env node
// Stores workload W1 and takes it out again, each group beside a plain copy of the same files in the same run: absolute times move with
// the machine's neighbours, ratios do not. Usage: node bench/store.mjs [--mib 64] [--keep]. Needs `npm run build`.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { init, openContext, openRepository } from "../dist/index.js";
import { generateW1 } from "./w1.mjs";

const mib = Number(process.argv[process.argv.indexOf("--mib") + 1] ?? 64) || 64;
const CHUNK_BYTES = 4 << 20;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ingot-bench-store-"));

/** Wall and CPU milliseconds of some work. */
async function measure(work) {
  const [startMs, startCpu] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(startCpu);
  return { wallMs: performance.now() - startMs, cpuMs: (user + system) / 1000 };
}

/** Copies files of a group to a folder under their numbers. */
function copyAll(files, to) {
  for (const [i, file] of files.entries()) copy(file, path.join(to, String(i)));
}

/** As `cp` does it, and on the disk when it returns: 1 MiB after the other, then a flush. */
function copy(from, to) {
  fs.mkdirSync(path.dirname(to), { recursive: true });
  const [source, target] = [fs.openSync(from, "r"), fs.openSync(to, "w")];
  const buffer = Buffer.allocUnsafeSlow(1 << 20);
  for (let count = fs.readSync(source, buffer); count > 0; count = fs.readSync(source, buffer))
    fs.writeSync(target, buffer, 0, count);
  fs.fsyncSync(target);
  fs.closeSync(source);
  fs.closeSync(target);
}

function fileSource(file) {
  const fd = fs.openSync(file, "r");
  return {
    sizeBytes: fs.fstatSync(fd).size,
    read: async (offset, length) => {
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length; ) at += fs.readSync(fd, bytes, at, length - at, offset + at);
      return bytes;
    },
    close: () => fs.closeSync(fd),
  };
}

async function restore(repo, oid, file) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const object = await repo.openObject(oid);
  const fd = fs.openSync(file, "w");
  for (let at = 0; at < object.sizeBytes; at += CHUNK_BYTES)
    fs.writeSync(fd, await object.read(at, Math.min(CHUNK_BYTES, object.sizeBytes - at)));
  fs.fsyncSync(fd);
  fs.closeSync(fd);
}

function folderBytes(dir) {
  if (!fs.existsSync(dir)) return 0;
  return fs
    .readdirSync(dir, { recursive: true, withFileTypes: true })
    .reduce(
      (sum, entry) => sum + (entry.isFile() ? fs.statSync(path.join(entry.parentPath, entry.name)).size : 0),
      0,
    );
}

const ratio = (ours, theirs) =>
  `${(ours.wallMs / theirs.wallMs).toFixed(2)}x wall ${(ours.cpuMs / Math.max(1, theirs.cpuMs)).toFixed(2)}x CPU`;
const megabytes = (bytes) => (bytes / 1e6).toFixed(1).padStart(8);

try {
  const groups = generateW1(path.join(folder, "w1"), { mib });
  const context = await openContext({ cwd: folder, commandLine: "bench" });
  await init(context, { dir: folder });
  const place = path.join(folder, ".ingot");
  const repo = await openRepository(place, {});
  console.log(`W1 with a base of ${mib} MiB; ratios are against a copy of the same files in the same run`);
  console.log("group          raw MB  stored MB   share  add                      restore");
  let rawBytes = 0;
  for (const [group, files] of Object.entries(groups)) {
    const before = folderBytes(path.join(place, "packs"));
    const bytes = files.reduce((sum, file) => sum + fs.statSync(file).size, 0);
    rawBytes += bytes;
    const copied = await measure(() => copyAll(files, path.join(folder, "cp", group)));
    const oids = [];
    const added = await measure(async () => {
      const session = await repo.begin();
      for (const file of files) {
        const source = fileSource(file);
        oids.push((await session.putSource(source)).oid);
        source.close();
      }
      await session.publish(() => ({ command: `bench ${group}`, edits: [] }));
    });
    const copiedBack = await measure(() =>
      copyAll(
        files.map((_, i) => path.join(folder, "cp", group, String(i))),
        path.join(folder, "cp-out", group),
      ),
    );
    const restored = await measure(async () => {
      for (const [i, oid] of oids.entries())
        await restore(repo, oid, path.join(folder, "out", group, String(i)));
    });
    for (const [i, file] of files.entries()) {
      if (!fs.readFileSync(file).equals(fs.readFileSync(path.join(folder, "out", group, String(i)))))
        throw new Error(`${file} came back changed`);
    }
    const stored = folderBytes(path.join(place, "packs")) - before;
    console.log(
      `${group.padEnd(10)} ${megabytes(bytes)}   ${megabytes(stored)}  ${((100 * stored) / bytes).toFixed(1).padStart(5)} %  ${ratio(added, copied).padEnd(23)}  ${ratio(restored, copiedBack)}`,
    );
  }
  const total = folderBytes(path.join(place, "packs"));
  console.log(
    `total      ${megabytes(rawBytes)}   ${megabytes(total)}  ${((100 * total) / rawBytes).toFixed(1).padStart(5)} %`,
  );
  await repo.close();
  await context.close();
} finally {
  if (!process.argv.includes("--keep")) fs.rmSync(folder, { recursive: true, force: true });
}
