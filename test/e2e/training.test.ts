import fs from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hashBytes } from "../../src/base/hash.ts";
import type { TrainEvent, TrainPlan } from "../../src/train/events.ts";
import { ingot, ingotEvents, ingotJson, refsOf, startIngot, temporaryFolder } from "../support/cli.ts";
import { DIGITS_RECIPE, DIGITS_TRAIN, digitsRepository } from "../support/digits.ts";

type Done = Extract<TrainEvent, { event: "done" }>;
interface LoggedVersion {
  readonly version: string;
  readonly parents: readonly string[];
  readonly commit: string;
  readonly recipe?: Record<string, unknown>;
  readonly datasets: readonly { name: string; dataset: string; role: string }[];
  readonly metrics: { readonly before?: { accuracy: number }; readonly after?: { accuracy: number } };
}

const TRAIN = ["train", "digits", ...DIGITS_RECIPE];

async function trained(folder: string, args: readonly string[]): Promise<Done> {
  const events = await ingotEvents<TrainEvent>(folder, args);
  const last = events.at(-1);
  if (last?.event !== "done") throw new Error(`ended with ${JSON.stringify(last)}`);
  return last;
}

/** Repeatable numbers for the moments of kills; the seed is printed when a test fails. */
function momentsOf(seed: number, count: number, upToMs: number): readonly number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state / 2 ** 32) * upToMs;
  });
}

describe("a training on digits", () => {
  const reference = temporaryFolder();
  let done: Done;
  let durationMs = 0;
  beforeAll(async () => {
    await digitsRepository(reference.folder);
    const started = Date.now();
    done = await trained(reference.folder, TRAIN);
    durationMs = Date.now() - started;
  });
  afterAll(() => reference.remove());

  it("becomes a version with its lineage; the log says what it was trained on [R1.3 R3.1 R3.2 R3.6 R4.7 R5.1 R5.2 R6.1 R6.2]", async () => {
    const { versions } = await ingotJson<{ versions: readonly LoggedVersion[] }>(reference.folder, ["log"]);
    const [v1, v0] = versions;
    expect([v1?.version, v0?.version]).toEqual(["v1", "v0"]);
    expect(v1?.parents).toEqual([v0?.commit]);
    expect(v1?.datasets).toMatchObject([{ name: "digits", role: "train" }]);
    expect(v1?.recipe).toMatchObject({ method: "lora", learning_rate: 1e-2, max_steps: 60, seed: 7 });
    expect(v1?.metrics.after?.accuracy).toBeGreaterThan(v1?.metrics.before?.accuracy ?? 1);
    const refs = await refsOf(reference.folder);
    expect(refs.get("heads/main")).toBe(done.commit);
    expect([...refs.keys()].filter((name) => name.startsWith("runs/"))).toEqual([]);
    expect(done.adapterBytes).toBeLessThan(100_000);
    expect((await ingot(reference.folder, ["status"])).out).toContain("v2");
  });

  it("reads the probe at the steps of the schedule; each reading has its summary [R4.1 R4.2 R4.3 R4.5]", async () => {
    const result = await ingotJson<{
      readings: readonly { step: number; loss: number; time: string }[];
      counts: Record<string, number>;
      tracked: number;
    }>(reference.folder, ["evolution"]);
    expect(result.readings.map((r) => r.step)).toEqual([0, 10, 25, 50, 60]);
    expect(result.readings.at(-1)?.loss).toBeLessThan(result.readings[0]?.loss ?? 0);
    expect(Object.values(result.counts).reduce((a, b) => a + b, 0)).toBe(result.tracked);
    const csv = (await ingot(reference.folder, ["evolution", "--csv"])).out;
    expect(csv.trim().split("\r\n")).toHaveLength(1 + 5 * result.tracked);
  });

  it("is reproduced bit for bit, with one thread and with two", async () => {
    for (const threads of ["1", "2"]) {
      expect(await ingotJson(reference.folder, ["reproduce", "v1", "--threads", threads])).toMatchObject({
        reproduced: true,
        expected: done.snapshot,
        actual: done.snapshot,
      });
    }
  });

  it("keeps what it was trained on, byte for byte [R5.10 R3.3]", async () => {
    const file = fs.readFileSync(DIGITS_TRAIN);
    const { entries } = await treeOf(reference.folder, "data/digits/v1");
    expect(entries.map((e) => e.blob)).toEqual([hashBytes(file)]);
    const out = startIngot(reference.folder, ["fsck", "--deep"]);
    expect((await out.outcome).code).toBe(0);
  });

  it("pauses on Ctrl-C, goes on, and ends on the ids of an uninterrupted one [R1.1 R5.6]", async () => {
    // Long enough that a slow machine hears the signal well before the end.
    const long = ["train", "digits", ...DIGITS_RECIPE, "--steps", "1500", "--probe", "none", "--yes"];
    const { folder, remove } = temporaryFolder();
    await digitsRepository(folder);
    const before = await refsOf(folder);
    const { child, outcome } = startIngot(folder, [...long, "--json"]);
    let seen = "";
    child.stdout?.on("data", (data) => {
      const heard = seen.includes('"step":12,');
      seen += data;
      if (!heard && seen.includes('"step":12,')) child.kill("SIGINT");
    });
    expect((await outcome).code).toBe(75);
    const refs = await refsOf(folder);
    expect(refs.get("heads/main")).toBe(before.get("heads/main"));
    expect((await ingot(folder, ["status"])).out).toMatch(/resume/);
    const resumed = await trained(folder, ["train", "--resume"]);
    remove();
    const whole = temporaryFolder();
    await digitsRepository(whole.folder);
    const uninterrupted = await trained(whole.folder, long);
    whole.remove();
    expect([resumed.snapshot, resumed.adapter]).toEqual([uninterrupted.snapshot, uninterrupted.adapter]);
  });

  it("killed at ten random moments and resumed, ends on the ids of an uninterrupted one [R1.1 R5.6 R2.6]", async () => {
    const seed = 20261121;
    for (const [i, moment] of momentsOf(seed, 10, durationMs).entries()) {
      const { folder, remove } = temporaryFolder();
      await digitsRepository(folder);
      const before = (await refsOf(folder)).get("heads/main");
      const { child, outcome } = startIngot(folder, TRAIN);
      const timer = setTimeout(() => child.kill("SIGKILL"), moment);
      const { signal } = await outcome;
      clearTimeout(timer);
      const context = `kill ${i} of seed ${seed} after ${moment} ms`;
      const refs = await refsOf(folder);
      if (signal === "SIGKILL" && refs.get("heads/main") === before) {
        const unfinished = [...refs.keys()].some((name) => name.startsWith("runs/"));
        const after = await trained(folder, unfinished ? ["train", "--resume"] : TRAIN);
        expect([after.snapshot, after.adapter], context).toEqual([done.snapshot, done.adapter]);
      } else {
        // It was through before the kill: the version is there whole.
        const { versions } = await ingotJson<{ versions: readonly { snapshot: string }[] }>(folder, ["log"]);
        expect(versions[0]?.snapshot, context).toBe(done.snapshot);
      }
      expect([...(await refsOf(folder)).keys()].filter((name) => name.startsWith("runs/"))).toEqual([]);
      await ingot(folder, ["fsck", "--deep"]);
      remove();
    }
  });

  it("moves staging by --stage alone, and never waits for an answer without a terminal; the state before is one undo away [R1.2 R2.1]", async () => {
    const { folder, remove } = temporaryFolder();
    await digitsRepository(folder);
    const short = ["train", "digits", "--steps", "4", "--probe", "none", "--yes"];
    const before = await refsOf(folder);
    await ingot(folder, short);
    expect((await refsOf(folder)).has("staging")).toBe(false);
    await ingot(folder, ["undo"]);
    expect(await refsOf(folder)).toEqual(before);
    await ingot(folder, [...short, "--stage"]);
    const staged = await refsOf(folder);
    expect(staged.get("staging")).toBe(staged.get("heads/main"));
    expect(staged.has("production")).toBe(false);
    remove();
  });

  it("says what it would do and every check, and moves nothing on --dry-run [R5.5]", async () => {
    const before = await refsOf(reference.folder);
    const plan = await ingotJson<TrainPlan>(reference.folder, [
      "train",
      "digits",
      "--steps",
      "5",
      "--dry-run",
    ]);
    expect(plan.next).toBe("v2");
    expect(plan.base.version).toBe("v1");
    expect(plan.checks.map((c) => c.name)).toEqual([
      "data",
      "base",
      "duplicates",
      "disk",
      "device",
      "previous run",
      "store",
    ]);
    expect(plan.checks.every((c) => c.ok)).toBe(true);
    expect(await refsOf(reference.folder)).toEqual(before);
  });

  it("names data that the line was trained on already and needs a yes [R5.3]", async () => {
    const refused = await startIngot(reference.folder, ["train", "digits", "--steps", "5"]).outcome;
    expect(refused.code).toBe(2);
    expect(refused.err).toMatch(/--yes/);
  });

  it("runs two trainings one after the other, or says why it can't", async () => {
    const { folder, remove } = temporaryFolder();
    await digitsRepository(folder);
    const both = await Promise.all([
      startIngot(folder, [...TRAIN, "--yes"]).outcome,
      startIngot(folder, [...TRAIN, "--yes"]).outcome,
    ]);
    const codes = both.map((o) => o.code).sort();
    // The second one waited and was kept (or put aside, as it trains on what is learned), or says why it did not start.
    expect(codes[0]).toBe(0);
    expect([0, 5, 9]).toContain(codes[1]);
    const isRefused = ({ err }: { err: string }) =>
      /^error\[.*(another training|planned|is running)/m.test(err);
    for (const outcome of both) if (outcome.code === 5) expect(isRefused(outcome), outcome.err).toBe(true);
    const { versions } = await ingotJson<{ versions: readonly LoggedVersion[] }>(folder, ["log"]);
    const kept = versions.filter((v) => v.recipe !== undefined);
    expect(kept).toHaveLength(both.filter((o) => !isRefused(o)).length);
    expect(new Set(kept.map((v) => v.parents[0])).size).toBe(kept.length);
    remove();
  });

  it("a version out of the line stays, and the next training builds on what is checked out [R3.4 R3.7 R5.11]", async () => {
    const { folder, remove } = temporaryFolder();
    await digitsRepository(folder);
    const short = ["--lr", "1e-3", "--batch-size", "16", "--probe", "none", "--yes"];
    await trained(folder, ["train", "digits", "--steps", "4", ...short]);
    await trained(folder, ["train", "digits", "--steps", "5", "--name", "math_fixes", ...short]);
    await trained(folder, ["train", "digits", "--steps", "6", ...short]);
    await ingot(folder, ["checkout", "math_fixes"]);
    const v4 = await trained(folder, ["train", "digits", "--steps", "7", ...short]);
    const refs = await refsOf(folder);
    expect(v4.version).toBe("v4");
    const shown = await ingotJson<{ versions: readonly LoggedVersion[] }>(folder, ["log", "v4"]);
    expect(shown.versions[0]?.parents).toEqual([refs.get("tags/v2")]);
    expect(refs.get("tags/v3")).toBe(refs.get("heads/main"));
    await ingot(folder, ["checkout", "base"]);
    expect((await refsOf(folder)).get("HEAD")).toBe(refs.get("tags/v0"));
    remove();
  });
});

async function treeOf(folder: string, dataset: string): Promise<{ entries: readonly { blob: string }[] }> {
  const id = (await ingot(folder, ["rev-parse", dataset])).out.trim();
  const record = await ingotJson<{ record?: { tree: string }; tree?: string }>(folder, ["cat-object", id]);
  const tree = record.tree ?? record.record?.tree ?? "";
  const decoded = await ingotJson<{
    record?: { entries: readonly { blob: string }[] };
    entries?: readonly { blob: string }[];
  }>(folder, ["cat-object", tree]);
  return { entries: decoded.entries ?? decoded.record?.entries ?? [] };
}
