import fs from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { hashBytes } from "../../src/base/hash.ts";
import { ingot, ingotJson, type Outcome, refsOf, startIngot, temporaryFolder } from "../support/cli.ts";
import { damageLargestPack, filesBelow, flipBit } from "../support/damage-pack.ts";
import { runInProcess } from "../support/run-cli.ts";
import { addVersion } from "../support/versions.ts";

interface GcPlan {
  readonly plan: {
    readonly condemn: readonly unknown[];
    readonly repack: readonly unknown[];
    readonly drop: readonly unknown[];
    readonly freedNowBytes: number;
    readonly freedLaterBytes: number;
  };
}
interface Report {
  readonly ok: boolean;
  readonly problems: readonly {
    readonly code: string;
    readonly id: string;
    readonly what: string;
    readonly affects: readonly string[];
    readonly fix: string;
  }[];
}

const ADAPTER_BYTES = 300_000;

describe("keeping, deleting and getting back", () => {
  let place: ReturnType<typeof temporaryFolder>;
  let folder: string;
  const ok = async (line: string): Promise<string> => (await ingot(folder, line.split(" "))).out;
  const refused = async (line: string, exit: number): Promise<string> =>
    (await ingot(folder, line.split(" "), exit)).err;
  const idOf = async (revision: string): Promise<string> => (await ok(`rev-parse ${revision}`)).trim();
  /** The same program with a person at a terminal. */
  const answered = (line: string, ...answers: string[]) =>
    runInProcess(line.split(" "), { cwd: folder, terminal: true, answers });
  const packBytes = () =>
    filesBelow(path.join(folder, ".ingot", "packs")).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const adapterOf = async (version: string, into: string): Promise<string> => {
    await ok(`checkout ${version} ${into}`);
    return hashBytes(fs.readFileSync(path.join(folder, into, "adapter_model.safetensors")));
  };

  beforeEach(async () => {
    place = temporaryFolder();
    folder = place.folder;
    await ok("init");
    for (const message of ["base", "one", "two", "three"])
      await addVersion(folder, { message, adapterBytes: ADAPTER_BYTES });
  });
  afterEach(() => place.remove());

  it("gc shows, asks, condemns, and frees after the grace; undo within it brings all back [R2.6 R5.4]", async () => {
    expect((await ingot(folder, ["gc"])).err).toContain("nothing to collect");
    const adapter = await adapterOf("v3", "sound");
    await ok("rollback main --to v2 --yes");
    await ok("rm v3 --yes");
    const full = packBytes();
    const { plan } = await ingotJson<GcPlan>(folder, ["gc", "--dry-run"]);
    expect(plan.condemn.length + plan.repack.length).toBeGreaterThan(0);
    expect(plan.freedNowBytes).toBe(0);
    expect(plan.freedLaterBytes).toBeGreaterThan(ADAPTER_BYTES * 0.9);
    expect(await refused("gc", 2)).toContain("--yes");
    const before = await refsOf(folder);
    expect(await answered("gc", "n")).toMatchObject({
      code: 0,
      err: expect.stringContaining("nothing was collected"),
    });
    expect(packBytes()).toBe(full);

    expect(await ok("gc --yes")).toMatch(/condemned, freed after 30d.*ingot undo/);
    expect(packBytes(), "condemned is not freed").toBeGreaterThanOrEqual(full);
    expect(await refsOf(folder)).toEqual(before);
    expect((await ingot(folder, ["gc", "--yes"])).err, "the grace is not over").toContain(
      "nothing to collect",
    );
    expect(await ok("undo")).toContain("gc");
    expect(await refused("undo", 4)).toContain("taken back already");
    const number = (await ok("reflog"))
      .split("\n")
      .find((line) => line.includes("rm v3"))
      ?.split(" ")[0];
    await ok(`undo ${number}`);
    expect(await adapterOf("v3", "out")).toBe(adapter);
    expect((await ingotJson<Report>(folder, ["fsck", "--deep"])).ok).toBe(true);

    await ok("rm v3 --yes");
    await ok("gc --yes");
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect(await ok("gc --grace 1s --yes")).toContain("freed");
    expect(packBytes()).toBeLessThan(full - ADAPTER_BYTES * 0.9);
    expect(await refused("undo", 4)).toContain("can't be taken back");
    expect((await refsOf(folder)).get("dropped/v3")).toBe(before.get("dropped/v3"));
    expect((await ingotJson<Report>(folder, ["fsck", "--deep"])).ok).toBe(true);
  });

  it("gc --grace 0 frees at once, for the typed word alone", async () => {
    await ok("rollback main --to v2 --yes");
    await ok("rm v3 --yes");
    const full = packBytes();
    expect(await refused("gc --grace 0", 2)).toContain("ingot gc --grace 0 --yes");
    for (const answer of ["y", "yes", "FOREVER", ""])
      expect((await answered("gc --grace 0", answer)).err).toContain("nothing was collected");
    expect(packBytes()).toBe(full);
    expect(await answered("gc --grace 0", "forever")).toMatchObject({ code: 0 });
    expect(packBytes()).toBeLessThan(full - ADAPTER_BYTES * 0.9);
    expect((await ingotJson<Report>(folder, ["fsck", "--deep"])).ok).toBe(true);
    // What is gone is no place for a ref.
    const gone = (await refsOf(folder)).get("dropped/v3") as string;
    for (const line of [
      `checkout ${gone}`,
      "promote dropped/v3 --yes",
      "tag again dropped/v3",
      `branch b ${gone}`,
    ])
      expect(await refused(line, 4), line).toContain("'v3' was deleted");
    expect(await addVersion(folder, { message: "next" }), "no number is given twice").toBe("v4");
  });

  it("rm is locked for base, parents, what is active, production and staging; force wants the exact name [R1.7 R5.4]", async () => {
    await ok("promote v1 --yes");
    await ok("promote v2 staging --yes");
    const before = await refsOf(folder);
    for (const [version, ...locks] of [
      ["v0", "it is a base model", "v1 was trained on it"],
      ["v1", "v2 was trained on it", "it is production"],
      ["v2", "v3 was trained on it", "it is staging"],
      ["v3", "it is checked out (branch main)"],
    ] as const) {
      const said = await refused(`rm ${version} --yes`, 9);
      for (const lock of locks) expect(said, version).toContain(lock);
      expect(said).toContain("--force");
    }
    expect(await refused("rm v3 --force", 2)).toContain("ingot rm v3 --force --yes");
    expect(await refused("rm main --force --yes", 2), "not the exact name").toContain("v3");
    expect(await answered("rm v3 --force", "3")).toMatchObject({
      err: expect.stringContaining("nothing was deleted"),
    });
    expect(await ok("rm v1 --force --dry-run")).toContain("production points at nothing afterwards");
    expect(await refsOf(folder)).toEqual(before);

    const adapter = await adapterOf("v3", "before");
    await ok("rm v3 --force --yes");
    expect((await refsOf(folder)).get("heads/main")).toBe(before.get("tags/v2"));
    expect(await refused("show v3", 4)).toContain("deleted");
    await ok("gc --yes");
    const rm = (
      await ingotJson<{ operations: { operation: number; command: string }[] }>(folder, ["reflog"])
    ).operations.find(({ command }) => command.startsWith("rm"));
    await ok(`undo ${rm?.operation}`);
    expect(await refsOf(folder)).toEqual(before);
    expect(await adapterOf("v3", "after"), "restored to the byte, out of what gc condemned").toBe(adapter);
    expect((await ingotJson<Report>(folder, ["fsck", "--deep"])).ok).toBe(true);
  });

  it("a former production comes back by number of moves and by time, and is in the reflog [R1.5 R1.7 R1.8]", async () => {
    const moments: string[] = [];
    for (const version of ["v1", "v2", "v3"]) {
      await ok(`promote ${version} --yes --reason better`);
      moments.push(new Date().toISOString());
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const [v1, v2, v3] = [await idOf("v1"), await idOf("v2"), await idOf("v3")];
    expect([await idOf("production"), await idOf("production@{1}"), await idOf("production@{2}")]).toEqual([
      v3,
      v2,
      v1,
    ]);
    for (const [i, id] of [v1, v2, v3].entries()) expect(await idOf(`production@{${moments[i]}}`)).toBe(id);
    expect(await refused("rev-parse production@{2001-01-01}", 4)).toContain("2001-01-01");
    expect(await refused("rev-parse production@{9}", 4)).toContain("production");
    const log = await ok("reflog production");
    expect(log.match(/"better"/g)).toHaveLength(3);
    expect(log).toContain("production v2 → v3");

    expect(await ok("rollback --yes")).toContain("production v3 -> v2");
    await ok("undo");
    expect(await idOf("production")).toBe(v3);
    await ok(`rollback --to production@{${moments[0]}} --yes`);
    expect(await idOf("production")).toBe(v1);
    // A version deleted meanwhile is passed over.
    await ok("promote v3 --yes");
    await ok("promote v2 --yes");
    await ok("rm v3 --force --yes");
    expect(await ok("rollback --yes")).toContain("production v2 -> v1");
  });

  it("one flipped byte: fsck names the object and the versions, exits 6, and nothing damaged is ever given out [R2.3 R2.6]", async () => {
    damageLargestPack(folder);
    const { ok: whole, problems } = await ingotJson<Report>(folder, ["fsck", "--deep"], 6);
    expect(whole).toBe(false);
    const damaged = problems.find(({ code }) => code === "entry.damaged");
    expect(damaged?.id).toMatch(/^[0-9a-f]{64}$/);
    const [version] = damaged?.affects.filter((name) => /^v[0-9]+$/.test(name)) ?? [];
    expect(version).toMatch(/^v[123]$/);
    expect((await ingot(folder, ["fsck", "--deep"], 6)).out).toContain(damaged?.id);
    expect(await refused(`checkout ${version} out`, 6)).toContain("integrity.blob");
    expect(fs.existsSync(path.join(folder, "out"))).toBe(false);
    const others = ["v1", "v2", "v3"].filter((each) => each !== version);
    for (const other of others) await ok(`checkout ${other} ${other}`);
    await refused(`cat-object ${damaged?.id}`, 6);
  });

  it("fsck without --deep finds what is missing, cut off or no record any more", async () => {
    expect((await ingotJson<Report>(folder, ["fsck"])).ok).toBe(true);
    const packs = filesBelow(path.join(folder, ".ingot", "packs"));
    for (const harm of ["cut", "footer", "gone"]) {
      const { file, sizeBytes } = packs.at(-1) as (typeof packs)[number];
      const sound = fs.readFileSync(file);
      if (harm === "footer") flipBit(file, sizeBytes - 60);
      else {
        fs.chmodSync(file, 0o644);
        if (harm === "cut") fs.truncateSync(file, sizeBytes >> 1);
        else fs.rmSync(file);
      }
      const report = await ingotJson<Report>(folder, ["fsck"], 6);
      expect(report.problems.map(({ code }) => code).join(), harm).toMatch(/pack\.(damaged|missing)/);
      expect(report.problems.flatMap(({ affects }) => affects).join(), harm).toMatch(/v[0-9]/);
      expect(
        (await ingot(folder, ["gc", "--yes"], 6)).err,
        "gc takes nothing from a repository that is not whole",
      ).toContain("integrity");
      fs.writeFileSync(file, sound, { mode: 0o444 });
      expect((await ingotJson<Report>(folder, ["fsck", "--deep"])).ok).toBe(true);
    }
  });
});

describe("from anywhere, into anything", () => {
  const place = temporaryFolder();
  afterAll(() => place.remove());
  beforeEach(async () => {
    if (fs.existsSync(path.join(place.folder, ".ingot"))) return;
    await ingot(place.folder, ["init"]);
    for (const message of ["base", "one"]) await addVersion(place.folder, { message });
    fs.mkdirSync(path.join(place.folder, "deep", "er"), { recursive: true });
  });

  it("works from a folder below and with -C; says so where there is no repository", async () => {
    const below = path.join(place.folder, "deep", "er");
    expect((await ingot(below, ["log", "--oneline"])).out).toContain("v1");
    expect((await ingot(below, ["-C", "..", "status"])).out).toContain("On main at v1");
    const outside = temporaryFolder();
    try {
      for (const verb of [
        "status",
        "log",
        "train x",
        "train",
        "push",
        "gc",
        "undo",
        "checkout v1",
        "data list",
        "fsck",
      ]) {
        const { err, out } = await ingot(outside.folder, verb.split(" "), 4);
        expect(err, verb).toContain("repository.missing");
        expect(out, verb).toBe("");
      }
      expect(fs.readdirSync(outside.folder)).toEqual([]);
    } finally {
      outside.remove();
    }
  });

  it("a wrong verb or option is exit 2 and at most 3 lines", async () => {
    for (const line of [
      "comit",
      "log --bogus",
      "--bogus",
      "train --epocs 3",
      "log -n x",
      "-C",
      "branch a b c",
    ]) {
      const { err, out } = await ingot(place.folder, line.split(" "), 2);
      expect(err.trimEnd().split("\n").length, line).toBeLessThanOrEqual(3);
      expect(err, line).toMatch(/^error\[usage\./);
      expect(out, line).toBe("");
    }
  });

  it("a reader that goes away ends it quietly", async () => {
    const { child, outcome } = startIngot(place.folder, ["log"]);
    child.stdout?.destroy();
    const ended: Outcome = await outcome;
    expect([ended.code, ended.err]).toEqual([0, ""]);
  });

  it.skipIf(process.getuid?.() !== 0)(
    "a repository of somebody else is not opened unless the person says so",
    async () => {
      fs.chownSync(path.join(place.folder, ".ingot"), 12345, 12345);
      try {
        for (const verb of ["status", "log", "train x", "branch b"]) {
          const { err } = await ingot(place.folder, verb.split(" "), 9);
          expect(err, verb).toContain(`ingot config set safe.repository ${place.folder} --user`);
        }
        await ingot(place.folder, ["config", "set", "safe.repository", place.folder, "--user"]);
        expect((await ingot(place.folder, ["log"])).out).toContain("v1");
      } finally {
        fs.chownSync(path.join(place.folder, ".ingot"), 0, 0);
      }
    },
  );
});
