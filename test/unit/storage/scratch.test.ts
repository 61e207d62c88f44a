import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openScratch } from "../../../src/storage/scratch.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ingot-test-"));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

async function* chunks(parts: readonly string[], thenFail = false): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
  if (thenFail) throw new Error("cut short");
}

describe("files of a scratch folder", () => {
  it.each([true, false])("are there whole, or as they were (lasting: %s)", async (lasting) => {
    const scratch = await openScratch(path.join(folder, `whole-${lasting}`));
    await scratch.write("a", chunks(["one", "two"]), { lasting });
    await expect(scratch.write("a", chunks(["three"], true), { lasting })).rejects.toThrow("cut short");
    expect(fs.readFileSync(scratch.path("a"), "utf8")).toBe("onetwo");
    await scratch.write("a", Buffer.from("four"), { lasting });
    expect(fs.readFileSync(scratch.path("a"), "utf8")).toBe("four");
    expect(fs.readdirSync(scratch.folder)).toEqual(["a"]);
  });

  it("are whole for one of several who write the same name", async () => {
    const scratch = await openScratch(path.join(folder, "race"), { readOnlyFiles: true });
    const texts = ["a", "b", "c", "d"].map((letter) => letter.repeat(100));
    await Promise.all(texts.map((text) => scratch.write("x", chunks([text.slice(0, 50), text.slice(50)]))));
    expect(texts).toContain(fs.readFileSync(scratch.path("x"), "utf8"));
    expect(fs.statSync(scratch.path("x")).mode & 0o777).toBe(0o400);
    expect(fs.readdirSync(scratch.folder)).toEqual(["x"]);
  });

  it.each(["", "..", "../x", "a/b", "/a", ".hidden", "a..b", "x".repeat(200)])(
    "are never at '%s'",
    async (name) => {
      const scratch = await openScratch(path.join(folder, "names"));
      await expect(scratch.write(name, Buffer.from("x"))).rejects.toMatchObject({ code: "input.path" });
      expect(fs.readdirSync(scratch.folder)).toEqual([]);
    },
  );
});
