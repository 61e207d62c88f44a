import fs from "node:fs";
import path from "node:path";

export interface FileFact {
  readonly file: string;
  readonly sizeBytes: number;
}

/** Files below a folder that are there at the moment. */
export function filesBelow(folder: string): readonly FileFact[] {
  if (!fs.existsSync(folder)) return [];
  const found: FileFact[] = [];
  for (const name of fs.readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const stat = fs.statSync(path.join(folder, name), { throwIfNoEntry: false });
    if (stat?.isFile() === true) found.push({ file: path.join(folder, name), sizeBytes: stat.size });
  }
  return found;
}

/** Flips one bit of a file. */
export function flipBit(file: string, at: number): void {
  fs.chmodSync(file, 0o644);
  const bytes = fs.readFileSync(file);
  bytes[at] = (bytes[at] as number) ^ 4;
  fs.writeFileSync(file, bytes);
}

/** Flips one bit in the middle of the largest pack of the repository in a folder. */
export function damageLargestPack(repository: string): void {
  const [largest] = filesBelow(path.join(repository, ".ingot", "packs"))
    .filter(({ file }) => file.endsWith(".pack"))
    .sort((a, b) => b.sizeBytes - a.sizeBytes);
  if (largest === undefined) throw new Error(`no pack in ${repository}`);
  flipBit(largest.file, largest.sizeBytes >> 1);
}
