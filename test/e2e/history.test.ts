import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hashBytes } from "../../src/base/hash.ts";
import { openRepository } from "../../src/repo/open.ts";
import { temporaryFolder } from "../support/cli.ts";
import { buildCommits } from "../support/commits.ts";
import { type FakeProcess, runInProcess } from "../support/run-cli.ts";

interface Refs {
  readonly refs: readonly { readonly name: string; readonly id?: string; readonly symbolic?: string }[];
}

describe("history and release on the command line", () => {
  let place: ReturnType<typeof temporaryFolder>;
  let fake: FakeProcess;
  const cli = (line: string, more: Partial<FakeProcess> = {}) =>
    runInProcess(line.split(" "), { ...fake, ...more });
  const ok = async (line: string, more: Partial<FakeProcess> = {}) => {
    const outcome = await cli(line, more);
    if (outcome.code !== 0) throw new Error(`${line}: exit ${outcome.code}\n${outcome.err}`);
    return outcome.out;
  };
  const json = async <T>(line: string): Promise<T> => JSON.parse(await ok(`${line} --json`)) as T;
  const refs = async () => (await json<Refs>("show-ref")).refs;
  const versionAt = async (ref: string) => (await ok(`rev-parse ${ref}`)).trim();
  const atTerminal = (...answers: string[]) => ({ terminal: true, answers });

  beforeEach(async () => {
    place = temporaryFolder();
    fake = { cwd: place.folder };
    await ok("init");
    const repo = await openRepository(path.join(place.folder, ".ingot"));
    await buildCommits(repo, 4);
    await repo.close();
  });
  afterEach(() => place.remove());

  it("status says what the next training builds on, what serves, and how much disk is free [R1.6 R2.8 R3.1]", async () => {
    expect(await ok("status")).toMatch(
      /^On main at v3 [0-9a-f]{8}\nNext training will be v4, builds on v3\nAnswers come from latest v3\n/,
    );
    await ok("checkout base");
    expect(await ok("status")).toMatch(
      /^HEAD detached at v0 .*\nNext training will be v4, from the base \(v0\)\n/,
    );
    await ok("promote v1 staging --yes");
    expect(await ok("status")).toContain("Answers come from staging v1");
    await ok("promote v2 --yes");
    const status = await json<Record<string, unknown>>("status");
    expect(status).toMatchObject({
      schema: "ingot.status/1",
      serves: { ref: "production", version: "v2" },
      next: { version: "v4", on: "v0", fromBase: true },
      head: { detached: true },
    });
    expect(status.freeBytes).toBeGreaterThan(0);
  });

  it("an empty repository says so, and what to do", async () => {
    const empty = path.join(place.folder, "empty");
    await ok(`init ${empty}`);
    expect(await ok(`-C ${empty} status`)).toContain("On main, no version yet");
    expect(await ok(`-C ${empty} log`)).toBe("");
    expect(JSON.parse(await ok(`-C ${empty} log --json`))).toEqual({ schema: "ingot.log/1", versions: [] });
    expect(await cli(`-C ${empty} show`)).toMatchObject({ code: 4 });
    await ok(`-C ${empty} checkout -b other`);
    expect(await ok(`-C ${empty} status`)).toContain("On other, no version yet");
  });

  it("log lists all versions, a range and a count; works from any folder below [R3.2 R3.8]", async () => {
    const names = async (line: string) =>
      (await json<{ versions: readonly { version: string }[] }>(line)).versions.map((v) => v.version);
    expect(await names("log")).toEqual(["v3", "v2", "v1", "v0"]);
    expect(await names("log v1")).toEqual(["v1", "v0"]);
    expect(await names("log v1..main")).toEqual(["v3", "v2"]);
    expect(await names("log main..v1")).toEqual([]);
    expect(await names("log -n 2")).toEqual(["v3", "v2"]);
    const below = path.join(place.folder, "deep", "er");
    fs.mkdirSync(below, { recursive: true });
    expect((await ok("log --oneline -n 1", { cwd: below })).trim()).toMatch(
      /^v3 {2}[0-9a-f]{8} {2}\(HEAD -> main\) {2}training 3$/,
    );
    expect((await cli("log v9")).code).toBe(4);
  });

  it("a version rolled back stays visible, out of the line, and the next one builds on v2 [R3.4]", async () => {
    await ok("rollback main --to v2 --yes");
    expect(await ok("status")).toContain("Next training will be v4, builds on v2");
    const repo = await openRepository(path.join(place.folder, ".ingot"));
    await buildCommits(repo, 1);
    await repo.close();
    expect(
      (await ok("log --graph --oneline")).split("\n").map((line) => line.replace(/ {2}[0-9a-f]{8} .*/, "")),
    ).toEqual(["@ v4", "│ ○ v3", "├─╯", "○ v2", "○ v1", "◇ v0", ""]);
    expect((await ok("log main --oneline")).includes("v3 ")).toBe(false);
  });

  it("promote asks, warns and moves only what it names; production comes back by name [R1.5 R1.7 R1.8 R1.12]", async () => {
    expect(await cli("promote")).toMatchObject({
      code: 4,
      err: expect.stringContaining("no staging version"),
    });
    await ok("promote v1 staging --yes");
    expect(await cli("promote")).toMatchObject({ code: 2, err: expect.stringContaining("--yes") });
    const declined = await cli("promote", atTerminal("n"));
    expect(declined).toMatchObject({ code: 0, err: expect.stringContaining("production is still unset") });
    expect(declined.err).toContain("no evaluation");
    await ok("promote", atTerminal("y"));
    const staging = await versionAt("staging");
    await ok("promote v3 --yes --reason better");
    expect([await versionAt("production"), await versionAt("staging")]).toEqual([
      await versionAt("v3"),
      staging,
    ]);
    expect(await versionAt("production@{1}")).toBe(await versionAt("v1"));
    expect(await ok("reflog production")).toContain('"better"');
    expect(await ok("rollback --preview")).toContain("would move production v3 -> v1");
    await ok("rollback --yes");
    expect(await versionAt("production")).toBe(await versionAt("v1"));
    await ok("undo");
    expect(await versionAt("production")).toBe(await versionAt("v3"));
    await ok("rollback --to v2 --yes");
    expect(await versionAt("production")).toBe(await versionAt("v2"));
    expect(await cli("promote v1 prodction --yes")).toMatchObject({
      code: 4,
      err: expect.stringContaining("did you mean production"),
    });
    expect(await cli("promote v1 production --no")).toMatchObject({ code: 0 });
    expect(await versionAt("production")).toBe(await versionAt("v2"));
  });

  it("a second rollback goes further back, not forward again [R1.8]", async () => {
    for (const version of ["v1", "v2", "v3"]) await ok(`promote ${version} --yes`);
    await ok("rollback --yes");
    await ok("rollback --yes");
    expect(await versionAt("production")).toBe(await versionAt("v1"));
    expect(await cli("rollback --yes")).toMatchObject({
      code: 4,
      err: expect.stringContaining("held nothing else before"),
    });
  });

  it("rm locks base, parents, what is checked out and production; force wants the name typed [R1.7 R5.4]", async () => {
    await ok("promote v1 --yes");
    await ok("branch keep v2");
    for (const [version, lock] of [
      ["v0", "it is a base model"],
      ["v1", "it is production"],
      ["v2", "v3 was trained on it"],
      ["v3", "it is checked out (branch main)"],
    ]) {
      expect(await cli(`rm ${version} --yes`), version).toMatchObject({
        code: 9,
        err: expect.stringContaining(lock!),
      });
    }
    const before = await refs();
    expect(await cli("rm v3 --force", atTerminal("v2"))).toMatchObject({
      code: 0,
      err: expect.stringContaining("nothing was deleted"),
    });
    expect(await cli("rm v3 --force")).toMatchObject({ code: 2, err: expect.stringContaining("--yes") });
    expect(await cli("rm latest --force --yes")).toMatchObject({ code: 2 });
    expect(await refs()).toEqual(before);
    await ok("rm v3 --force", atTerminal("v3"));
    expect(await ok("log --oneline")).not.toContain("v3 ");
    expect((await refs()).map((r) => r.name)).toEqual(expect.arrayContaining(["dropped/v3"]));
    expect(await versionAt("main")).toBe(await versionAt("v2"));
    await ok("undo");
    expect(await refs()).toEqual(before);
  });

  it("rm of a version without a lock asks once [R5.4]", async () => {
    await ok("checkout v2");
    await ok("rollback main --to v2 --yes");
    expect(await cli("rm v3")).toMatchObject({ code: 2, err: expect.stringContaining("--yes") });
    expect(await ok("rm v3 --dry-run")).toContain("would delete");
    expect(await ok("rm v3 --yes")).toContain("v3 deleted");
    expect(await cli("show v3")).toMatchObject({ code: 4, err: expect.stringContaining("was deleted") });
  });

  it("whatever changes refs, undo takes it back, and undo of the undo brings it again [R2.3]", async () => {
    for (const line of [
      "branch try v1",
      "branch -m main trunk",
      "checkout v1",
      "checkout -b fresh v2",
      "tag best v2",
      "promote v2 staging --yes",
      "rollback main --to v1 --yes",
      "rm v3 --force --yes",
    ]) {
      const before = await refs();
      await ok(line);
      const after = await refs();
      expect(after, line).not.toEqual(before);
      await ok("undo");
      expect(await refs(), `undo ${line}`).toEqual(before);
      await ok("undo");
      expect(await refs(), `redo ${line}`).toEqual(after);
      await ok("undo");
      expect(await refs(), `undo again ${line}`).toEqual(before);
    }
  });

  it("branches and tags: names are checked, nothing is overwritten [R5.11]", async () => {
    await ok("tag math_fixes v2");
    expect(await versionAt("math_fixes")).toBe(await versionAt("v2"));
    expect(await cli("tag math_fixes v1")).toMatchObject({ code: 5 });
    expect(await cli("tag -d v2")).toMatchObject({ code: 9, err: expect.stringContaining("ingot rm v2") });
    for (const bad of ["HEAD", "latest", "v7", "a..b", "-x/", "x.lock"])
      expect((await cli(`tag -- ${bad}`)).code, bad).toBe(2);
    expect(await cli("branch main")).toMatchObject({ code: 5 });
    expect(await cli("branch -d main")).toMatchObject({ code: 9 });
    expect(await json("branch")).toMatchObject({
      schema: "ingot.branch/1",
      branches: [{ name: "main", version: "v3", current: true }],
    });
    expect(await json("tag")).toMatchObject({
      tags: [
        { name: "v0" },
        { name: "v1" },
        { name: "v2" },
        { name: "v3" },
        { name: "math_fixes", version: "v2" },
      ],
    });
  });

  it("objects: every id is the hash of what cat-object prints [R6.1]", async () => {
    const { objects } = await json<{ objects: readonly { id: string; kind: string }[] }>("ls-objects");
    expect(new Set(objects.map((o) => o.kind))).toEqual(
      new Set(["blob", "tree", "model", "adapter", "snapshot", "commit", "operation"]),
    );
    for (const { id } of objects)
      expect(hashBytes(Buffer.from(await ok(`cat-object ${id}`), "latin1"))).toBe(id);
    fs.writeFileSync(path.join(place.folder, "f"), "abc");
    expect(await ok("hash-object f")).toBe(`${hashBytes(Buffer.from("abc"))}  f\n`);
    expect(await cli("cat-object beef")).toMatchObject({ code: 4 });
  });

  it("gc and fsck: a repository in use is whole, and nothing needed goes [R2.6]", async () => {
    expect(await cli("gc --dry-run")).toMatchObject({ code: 0 });
    await ok("rm v3 --force --yes");
    const asked = await cli("gc");
    if (asked.code !== 0) expect(asked).toMatchObject({ code: 2, err: expect.stringContaining("--yes") });
    await ok("gc --yes");
    expect(JSON.parse(await ok("fsck --deep --json"))).toMatchObject({
      schema: "ingot.fsck/1",
      ok: true,
      problems: [],
    });
    expect(await cli("gc --grace soon")).toMatchObject({ code: 2 });
  });

  it("damage is named, with exit 6", async () => {
    const [pack] = fs
      .readdirSync(path.join(place.folder, ".ingot", "packs"), { recursive: true, encoding: "utf8" })
      .filter((f) => f.endsWith(".pack"));
    const file = path.join(place.folder, ".ingot", "packs", pack!);
    const bytes = fs.readFileSync(file);
    bytes[40]! ^= 1;
    fs.chmodSync(file, 0o644);
    fs.writeFileSync(file, bytes);
    const outcome = await cli("fsck --deep --json");
    expect(outcome.code).toBe(6);
    expect(JSON.parse(outcome.out)).toMatchObject({
      ok: false,
      problems: [expect.objectContaining({ code: expect.any(String), fix: expect.any(String) })],
    });
  });

  it("settings have an order, and a repository cannot name a program", async () => {
    await ok("config set user.name Ada --user");
    await ok("config set user.name Bea");
    expect(await ok("config get user.name")).toBe("Bea\n");
    expect(await ok("config get user.name", { env: { INGOT_AUTHOR_NAME: "Cleo" } })).toBe("Cleo\n");
    expect(await ok("config list --show-origin")).toContain(
      `${path.join(place.folder, ".ingot", "config.toml")}  user.name=Bea`,
    );
    expect(await cli("config set core.pager evil --layer shared")).toMatchObject({ code: 9 });
    expect(await cli("config get user.email")).toMatchObject({ code: 4 });
    fs.writeFileSync(path.join(place.folder, "ingot.toml"), "[core\n");
    expect(await cli("status")).toMatchObject({ code: 2, err: expect.stringContaining("ingot.toml") });
  });

  it("errors under --json are one object on stderr, and stdout stays empty", async () => {
    const { code, out, err } = await cli("show nothing --json");
    expect([code, out]).toEqual([4, ""]);
    expect(JSON.parse(err)).toEqual({
      error: expect.objectContaining({
        code: "ref.missing",
        exit: 4,
        fix: expect.any(String),
        what: expect.stringContaining("nothing"),
      }),
    });
  });

  it("push, clone and pull with a folder: all refs or none, and only what is missing [R2.7 R6.3]", async () => {
    const disk = path.join(place.folder, "disk", "r");
    expect(await cli(`remote add origin ${disk}`)).toMatchObject({ code: 0 });
    expect(await cli("push")).toMatchObject({ code: 8, err: expect.stringContaining("is the disk there?") });
    fs.mkdirSync(path.dirname(disk));
    expect(await ok("push")).toContain("main v3");
    expect(await ok("push")).toContain("up to date");
    const copy = path.join(place.folder, "copy");
    await ok(`clone ${disk} ${copy}`);
    expect((await ok(`-C ${copy} rev-parse main`)).trim()).toBe(await versionAt("main"));
    expect(await cli(`clone ${disk} ${copy}`)).toMatchObject({ code: 5 });
    // What an interrupted clone leaves is gone on with.
    const cut = path.join(place.folder, "cut");
    fs.cpSync(path.join(copy, ".ingot", "format"), path.join(cut, ".ingot", "format"));
    await ok(`clone ${disk} ${cut}`);
    expect((await ok(`-C ${cut} rev-parse v3`)).trim()).toBe(await versionAt("v3"));
    await ok("promote v2 --yes");
    await ok("push origin production");
    await ok(`-C ${copy} pull`);
    expect((await ok(`-C ${copy} rev-parse origin/production`)).trim()).toBe(await versionAt("v2"));
    expect(JSON.parse(await ok(`-C ${copy} fsck --deep --json`))).toMatchObject({ ok: true });
    expect(await json("remote")).toEqual({
      schema: "ingot.remote/1",
      remotes: [{ name: "origin", url: disk }],
    });
    expect(await cli("push orgin")).toMatchObject({
      code: 4,
      err: expect.stringContaining("did you mean origin?"),
    });
    await ok("remote rm origin");
    expect((await refs()).some((r) => r.name.startsWith("remotes/"))).toBe(false);
  });

  it("completion knows verbs, refs and versions", async () => {
    const words = async (...typed: string[]) =>
      (await runInProcess(["--get-yargs-completions", "ingot", ...typed], fake)).out.trim().split("\n");
    expect(await words("che")).toEqual(["checkout"]);
    expect(await words("promote", "")).toEqual(["HEAD", "base", "latest", "main", "v0", "v1", "v2", "v3"]);
    expect(await words("promote", "v3", "")).toEqual(["main", "production", "staging"]);
    expect(await words("train", "--meth")).toEqual(["--method"]);
    expect(await words("train", "--method", "")).toEqual(["full", "lora"]);
    expect(await words("data", "")).toEqual(["add", "list", "show"]);
    expect(await words("-C", place.folder, "log", "v")).toEqual(["v0", "v1", "v2", "v3"]);
    expect((await cli("completion bash")).out).toContain("complete ");
  });
});
