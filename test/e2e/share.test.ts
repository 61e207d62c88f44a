import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ingot, ingotEvents, ingotJson, refsOf, startIngot, temporaryFolder } from "../support/cli.ts";
import { damageLargestPack, filesBelow } from "../support/damage-pack.ts";
import { addVersion } from "../support/versions.ts";

interface Done {
  readonly event: string;
  readonly objects: number;
  readonly sizeBytes: number;
  readonly renumbered: readonly { readonly from: string; readonly to: string }[];
}
interface Failure {
  readonly error: { readonly code: string; readonly what: string; readonly fix: string };
}

const BIG_BYTES = 48 << 20;

/** Starts a command and kills it with SIGKILL as soon as the repository it writes to has so many bytes unfinished. */
async function killWhile(cwd: string, args: readonly string[], target: string, bytes: number) {
  const { child, outcome } = startIngot(cwd, args);
  const timer = setInterval(() => {
    const written = filesBelow(path.join(target, ".ingot", "tmp")).reduce((sum, f) => sum + f.sizeBytes, 0);
    if (written >= bytes) child.kill("SIGKILL");
  }, 2);
  const ended = await outcome;
  clearInterval(timer);
  return ended;
}

describe("sharing by a folder", () => {
  let place: ReturnType<typeof temporaryFolder>;
  let mine: string;
  let disk: string;
  let theirs: string;
  const push = async (from: string, ...args: string[]) =>
    (await ingotEvents<Done>(from, ["push", ...args])).at(-1) as Done;
  const clone = (to: string) => ingot(place.folder, ["clone", disk, to]);
  const isWhole = async (folder: string) =>
    expect(await ingotJson(folder, ["fsck", "--deep"])).toMatchObject({ ok: true, problems: [] });
  const failure = async (cwd: string, args: readonly string[], exit: number) =>
    (JSON.parse((await ingot(cwd, [...args, "--json"], exit)).err) as Failure).error;

  beforeEach(async () => {
    place = temporaryFolder();
    [mine, disk, theirs] = ["mine", "disk", "theirs"].map((name) => path.join(place.folder, name)) as [
      string,
      string,
      string,
    ];
    await ingot(place.folder, ["init", "mine"]);
    for (const message of ["base", "first", "second"]) await addVersion(mine, { message });
    await ingot(mine, ["remote", "add", "origin", "../disk"]);
  });
  afterEach(() => place.remove());

  it("push sends what is missing, and nothing twice; pull fast-forwards [R2.7 R6.3]", async () => {
    await ingot(mine, ["push", "--dry-run"], 8);
    expect(fs.existsSync(disk), "a preview makes nothing").toBe(false);
    expect((await push(mine)).objects).toBeGreaterThan(10);
    expect(await push(mine)).toMatchObject({ objects: 0, refs: [] });
    await clone(theirs);
    expect((await refsOf(theirs)).get("heads/main")).toBe((await refsOf(mine)).get("heads/main"));

    expect(await addVersion(mine, { message: "third", adapterBytes: 5000 })).toBe("v3");
    const plan = await ingotJson<{ missing: { objects: number; sizeBytes: number } }>(mine, [
      "push",
      "--dry-run",
    ]);
    const sent = await push(mine);
    // The adapter's bytes, its tree, the adapter, the snapshot, the commit.
    expect(sent.objects).toBe(5);
    expect(plan.missing.objects).toBe(5);
    expect(sent.sizeBytes).toBeLessThan(7000);
    const pulled = (await ingotEvents<Done>(theirs, ["pull"])).at(-1);
    expect(pulled).toMatchObject({ event: "done", branch: "moved", objects: 5, renumbered: [] });
    expect((await refsOf(theirs)).get("tags/v3")).toBe((await refsOf(mine)).get("heads/main"));
    expect((await ingot(theirs, ["pull"])).out).toContain("nothing new");
    await ingot(theirs, ["undo"]);
    expect((await refsOf(theirs)).has("tags/v3")).toBe(false);
    for (const folder of [disk, theirs]) await isWhole(folder);
  });

  it("what would lose versions is refused with exit 5, and then no ref moves [R6.3]", async () => {
    await push(mine);
    await clone(theirs);
    await addVersion(mine, { message: "mine" });
    await push(mine);
    await addVersion(theirs, { message: "theirs" });
    await ingot(theirs, ["branch", "other", "v1"]);
    await ingot(theirs, ["tag", "mark", "v1"]);
    const before = await refsOf(disk);
    expect(await failure(theirs, ["push"], 5)).toMatchObject({
      code: "conflict.remote",
      fix: expect.stringContaining("ingot pull"),
    });
    expect(await refsOf(disk), "all refs or none").toEqual(before);

    // Numbers belong to a repository: both sides are told which version is called otherwise.
    const diverged = await failure(theirs, ["pull"], 5);
    expect(diverged.what).toContain("what is v3 there is v4 here");
    const here = await refsOf(theirs);
    expect(here.get("tags/v4")).toBe(before.get("heads/main"));
    expect(here.get("remotes/origin/heads/main")).toBe(before.get("heads/main"));
    expect((await ingot(theirs, ["log", "origin/main", "--oneline"])).out).toMatch(/^v4 /);
    expect((await ingot(theirs, diverged.fix.replace(/^.*ingot /, "").split(" "))).out).toContain("v4 ");

    await ingot(theirs, ["checkout", "-b", "side"]);
    expect((await push(theirs, "origin", "side", "other", "mark")).renumbered).toMatchObject([
      { from: "v3", to: "v4" },
    ]);
    const there = await refsOf(disk);
    expect(there.get("heads/side")).toBe(here.get("tags/v3"));
    expect(there.get("tags/v4")).toBe(here.get("tags/v3"));
    expect(there.get("heads/main")).toBe(before.get("heads/main"));
    expect((await ingot(mine, ["pull"])).code).toBe(0);
    expect((await refsOf(mine)).get("tags/v4")).toBe(here.get("tags/v3"));

    expect((await ingot(theirs, ["push", "origin", "main", "--force"])).code).toBe(0);
    expect((await refsOf(disk)).get("heads/main")).toBe(here.get("heads/main"));
    for (const folder of [mine, disk, theirs]) await isWhole(folder);
  });

  it("production travels when it is named, and moves nobody's own production [R1.7 R6.3]", async () => {
    await ingot(mine, ["promote", "v1", "--yes"]);
    await push(mine);
    expect([...(await refsOf(disk)).keys()]).not.toContain("production");
    await clone(theirs);
    await push(mine, "origin", "production");
    expect((await refsOf(disk)).get("production")).toBe((await refsOf(mine)).get("production"));
    await ingot(theirs, ["pull"]);
    const refs = await refsOf(theirs);
    expect(refs.has("production")).toBe(false);
    expect(refs.get("remotes/origin/production")).toBe(refs.get("tags/v1"));

    // Somebody who has not seen the production that is there does not overwrite it.
    await ingot(mine, ["promote", "v2", "--yes"]);
    await push(mine, "origin", "production");
    await ingot(theirs, ["promote", "v0", "--yes"]);
    expect((await failure(theirs, ["push", "origin", "production"], 5)).code).toBe("conflict.remote");
    expect((await refsOf(disk)).get("production")).toBe(refs.get("tags/v2"));
    await ingot(theirs, ["pull"]);
    await push(theirs, "origin", "production");
    expect((await refsOf(disk)).get("production")).toBe(refs.get("tags/v0"));
  });

  it("a push and a clone killed at any moment leave every ref where it was; the same command finishes them [R2.6]", async () => {
    await push(mine);
    const before = await refsOf(disk);
    await addVersion(mine, { message: "big", adapterBytes: BIG_BYTES });
    for (const share of [0.01, 0.4, 0.7]) {
      expect((await killWhile(mine, ["push"], disk, BIG_BYTES * share)).signal, `push at ${share}`).toBe(
        "SIGKILL",
      );
      expect(await refsOf(disk)).toEqual(before);
      await isWhole(disk);
    }
    expect((await push(mine)).event).toBe("done");
    await isWhole(disk);

    for (const share of [0.01, 0.7]) {
      const outcome = await killWhile(place.folder, ["clone", disk, theirs], theirs, BIG_BYTES * share);
      expect(outcome.signal, `clone at ${share}`).toBe("SIGKILL");
      expect([...(await refsOf(theirs)).keys()].filter((ref) => ref !== "HEAD")).toEqual([]);
    }
    await clone(theirs);
    expect((await refsOf(theirs)).get("heads/main")).toBe((await refsOf(mine)).get("heads/main"));
    await isWhole(theirs);
    const left = filesBelow(path.join(theirs, ".ingot", "tmp")).reduce((sum, f) => sum + f.sizeBytes, 0);
    expect(left, "what the killed ones left is swept").toBeLessThan(BIG_BYTES);
  });

  it("a flipped byte at the remote is refused with exit 6, named, and no ref moves [R2.6]", async () => {
    await push(mine);
    await clone(theirs);
    await addVersion(mine, { message: "big", adapterBytes: 1 << 20 });
    await push(mine);
    damageLargestPack(disk);
    const before = await refsOf(theirs);
    const refused = await failure(theirs, ["pull"], 6);
    expect(refused.code).toMatch(/^integrity\./);
    expect(refused.fix).toContain("fsck");
    expect(await refsOf(theirs)).toEqual(before);
    await isWhole(theirs);

    const fresh = path.join(place.folder, "fresh");
    expect((await failure(place.folder, ["clone", disk, fresh], 6)).code).toMatch(/^integrity\./);
    expect([...(await refsOf(fresh)).keys()].filter((ref) => ref !== "HEAD")).toEqual([]);
    const { ok, problems } = await ingotJson<{
      ok: boolean;
      problems: readonly { affects: readonly string[] }[];
    }>(disk, ["fsck", "--deep"], 6);
    expect(ok).toBe(false);
    expect(problems.flatMap((p) => p.affects)).toContain("v3");
  });
});
