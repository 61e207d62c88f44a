import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hashBytes } from "../../src/base/hash.ts";
import { ingot, ingotJson, startIngot, temporaryFolder } from "../support/cli.ts";
import { DIGITS_TRAIN, digitsRepository } from "../support/digits.ts";

interface Listed {
  readonly id: string;
  readonly kind: string;
  readonly sizeBytes: number;
}

const HAS_B3SUM = spawnSync("b3sum", ["--version"]).status === 0;

/** BLAKE3 by another program than ours, where there is one. */
function b3sum(bytes: Uint8Array): string {
  if (!HAS_B3SUM) return hashBytes(bytes);
  const { stdout } = spawnSync("b3sum", ["--no-names"], { input: bytes });
  return stdout.toString("utf8").trim();
}

async function catted(folder: string, id: string): Promise<Buffer> {
  const { child, outcome } = startIngot(folder, ["cat-object", id]);
  const chunks: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
  const { code, err } = await outcome;
  expect([code, err], id).toEqual([0, ""]);
  return Buffer.concat(chunks);
}

describe("an object by its id", () => {
  const { folder, remove } = temporaryFolder();
  let objects: readonly Listed[];
  beforeAll(async () => {
    await digitsRepository(folder);
    await ingot(folder, ["train", "digits", "--steps", "3", "--yes"]);
    // Fails at its second step, and so leaves a checkpoint.
    await ingot(folder, ["train", "digits", "--lr", "1e30", "--steps", "4", "--yes"], 3);
    await ingot(folder, ["tag", "kept", "v1"]);
    ({ objects } = await ingotJson<{ objects: readonly Listed[] }>(folder, ["ls-objects"]));
  });
  afterAll(remove);

  it("is the BLAKE3 of the bytes that cat-object prints, for every object of a repository [R5.1 R5.10 R6.1]", async () => {
    const kinds = new Set(objects.map((o) => o.kind));
    for (const kind of [
      "blob",
      "tree",
      "model",
      "adapter",
      "dataset",
      "evolution",
      "snapshot",
      "commit",
      "checkpoint",
      "operation",
    ])
      expect(kinds, kind).toContain(kind);
    expect(new Set(objects.map((o) => o.id)).size).toBe(objects.length);
    const queue = [...objects];
    const worker = async (): Promise<void> => {
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
        const bytes = await catted(folder, next.id);
        expect(bytes.length, next.id).toBe(next.sizeBytes);
        expect(b3sum(bytes), next.kind).toBe(next.id);
      }
    };
    await Promise.all([worker(), worker(), worker()]);
  });

  it("is decoded on --json where it is a record, and names its kind", async () => {
    for (const { id, kind } of objects.filter((o, i, all) => all.findIndex((p) => p.kind === o.kind) === i)) {
      if (kind === "blob") continue;
      const text = (await ingot(folder, ["cat-object", id, "--json"])).out;
      expect(text, kind).toContain(`"kind":"${kind}"`);
    }
  });

  it("of a file that was added is what hash-object and b3sum say of the file", async () => {
    const bytes = fs.readFileSync(DIGITS_TRAIN);
    const id = b3sum(bytes);
    expect(objects.map((o) => o.id)).toContain(id);
    expect((await ingot(folder, ["hash-object", DIGITS_TRAIN])).out).toBe(`${id}  ${DIGITS_TRAIN}\n`);
    const same = path.join(folder, "same");
    fs.writeFileSync(same, await catted(folder, id));
    expect(fs.readFileSync(same).equals(bytes)).toBe(true);
  });

  it("that is not there, or no id, is not found: exit 4", async () => {
    for (const word of ["0".repeat(64), "feedbeef", "nothing-of-that-name"]) {
      const { code, out } = await startIngot(folder, ["cat-object", word]).outcome;
      expect([code, out], word).toEqual([4, ""]);
    }
  });
});
