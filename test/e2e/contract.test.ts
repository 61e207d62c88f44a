import fs from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ingot, startIngot, temporaryFolder } from "../support/cli.ts";
import { DIGITS_BASE, DIGITS_TRAIN } from "../support/digits.ts";

type Json = Readonly<Record<string, unknown>>;

const ID = /^[0-9a-f]{64}$/;
const id = expect.stringMatching(ID);
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
const number = expect.any(Number);
const text = expect.any(String);
const list = expect.any(Array);
const measured = { loss: number, accuracy: number, examples: number };

/** Keys whose text names an object: never shortened, never in capitals. */
const ID_KEYS = /^(id|commit|snapshot|dataset|model|adapter|evolution|parents|old|new|expected|actual)$/;

/** Every id in a value is a full one, every time is UTC, every size and duration is a number. */
function assertUnits(value: unknown, key = ""): void {
  if (Array.isArray(value)) for (const item of value) assertUnits(item, key);
  else if (typeof value === "object" && value !== null)
    for (const [name, inner] of Object.entries(value)) assertUnits(inner, name);
  else if (ID_KEYS.test(key) && typeof value === "string" && /^[0-9a-fA-F]{8,}$/.test(value))
    expect(value, key).toMatch(ID);
  else if (key === "time") expect(value).toEqual(time);
  else if (/(Bytes|Ms)$/.test(key)) expect(typeof value, key).toBe("number");
}

describe("what scripts can rely on", () => {
  const place = temporaryFolder();
  const cwd = place.folder;

  /** The one JSON value of a verb: one line, its schema first, nothing on stderr. */
  const value = async (line: string, exit = 0): Promise<Json> => {
    const [verb = ""] = line.split(" ");
    const { out, err } = await ingot(cwd, [...line.split(" "), "--json"], exit);
    expect(err, line).toBe("");
    expect(out.trimEnd().split("\n"), line).toHaveLength(1);
    const parsed = JSON.parse(out) as Json;
    expect(Object.keys(parsed)[0], line).toBe("schema");
    expect(parsed.schema, line).toMatch(new RegExp(`^ingot\\.${verb}(-[a-z]+)?/1$`));
    assertUnits(parsed);
    return parsed;
  };
  const events = async (line: string, exit = 0): Promise<readonly Json[]> => {
    const { out } = await ingot(cwd, [...line.split(" "), "--json"], exit);
    const parsed = out
      .trimEnd()
      .split("\n")
      .map((row) => JSON.parse(row) as Json);
    for (const event of parsed) {
      expect(event.event, line).toEqual(text);
      assertUnits(event);
    }
    return parsed;
  };
  const failure = async (line: string): Promise<{ out: string; error: Json; code: number | null }> => {
    const { out, err, code } = await startIngot(cwd, [...line.split(" "), "--json"]).outcome;
    return { out, code, error: (JSON.parse(err) as { error: Json }).error };
  };

  let imported: Json;
  let added: Json;
  let trained: readonly Json[];
  let plan: Json;
  beforeAll(async () => {
    await ingot(cwd, ["init"]);
    imported = await value(`import ${DIGITS_BASE}`);
    added = await value(`data add ${DIGITS_TRAIN} --name digits`);
    trained = await events("train digits --steps 10 --batch-size 16 --lr 1e-2 --keep -m first");
    plan = trained[0] ?? {};
  });
  afterAll(() => place.remove());

  it("import: version, commit, kind, model, files", () => {
    expect(imported).toMatchObject({ version: "v0", commit: id, kind: "model", model: id });
    const files = imported.files as readonly Json[];
    expect(files.map(({ path: name }) => name)).toContain("model.onnx");
    for (const file of files) expect(file).toMatchObject({ path: text, id, sizeBytes: number });
  });

  it("data add: dataset, name, examples, duplicates, format, files", () => {
    expect(added).toMatchObject({
      dataset: id,
      name: "digits",
      examples: number,
      duplicates: 0,
      format: "tensors",
      files: [{ path: "train.safetensors", id, sizeBytes: fs.statSync(DIGITS_TRAIN).size }],
    });
  });

  it("train: plan, start, step, snapshot, checkpoint, done, with their fields; the run's log holds the same", () => {
    const kinds = trained.map(({ event }) => event);
    expect(kinds.slice(0, 2)).toStrictEqual(["plan", "start"]);
    expect(kinds.at(-1)).toBe("done");
    expect(plan).toMatchObject({
      schema: "ingot.train/1",
      base: { version: "v0", commit: id },
      datasets: [{ name: "digits", dataset: added.dataset, examples: number }],
      parameters: { trainable: number, frozen: number },
      steps: 10,
      tokens: number,
      estimates: { durationMs: number, memoryBytes: number, diskBytes: number },
    });
    for (const check of plan.checks as readonly Json[])
      expect(check).toStrictEqual({ name: text, ok: true, detail: text });
    const of = (kind: string) => trained.filter(({ event }) => event === kind);
    expect(of("start")).toMatchObject([{ run: "t1", from: 0 }]);
    expect(of("step").map(({ step }) => step)).toStrictEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    for (const step of of("step"))
      expect(step).toMatchObject({
        loss: number,
        grad_norm: number,
        learning_rate: number,
        tokens: number,
        durationMs: number,
      });
    expect(of("snapshot").map(({ step }) => step)).toStrictEqual([0, 10]);
    for (const snapshot of of("snapshot"))
      expect(snapshot).toMatchObject({
        examples: number,
        loss: number,
        accuracy: number,
        learned: number,
        regressed: number,
      });
    expect(of("checkpoint").length).toBeGreaterThan(0);
    for (const checkpoint of of("checkpoint")) expect(checkpoint).toMatchObject({ step: number, id });
    expect(trained.at(-1)).toMatchObject({
      version: "v1",
      commit: id,
      snapshot: id,
      adapter: id,
      steps: 10,
      loss: number,
      durationMs: number,
    });
    const log = fs.readFileSync(path.join(cwd, ".ingot", "runs", "t1", "events.jsonl"), "utf8");
    const { schema: _, ...logged } = plan;
    expect(
      log
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Json),
    ).toStrictEqual([logged, ...trained.slice(1)]);
  });

  it("train --dry-run: the plan with the verdict of every check, and nothing done", async () => {
    const [dry = {}, ...rest] = await events("train digits --dry-run --yes");
    expect(rest).toStrictEqual([]);
    expect(dry).toMatchObject({ event: "plan", next: "v2", base: { version: "v1" } });
    const names = (dry.checks as readonly Json[]).map(({ name }) => name);
    expect(names).toStrictEqual(["data", "base", "duplicates", "disk", "device", "previous run", "store"]);
  });

  it("log and show", async () => {
    const { versions } = (await value("log")) as { versions: readonly Json[] };
    expect(versions.map((v) => v.version)).toStrictEqual(["v1", "v0"]);
    expect(versions[0]).toMatchObject({
      version: "v1",
      commit: trained.at(-1)?.commit,
      parents: [imported.commit],
      snapshot: trained.at(-1)?.snapshot,
      refs: expect.arrayContaining(["main"]),
      author: text,
      time,
      message: "first",
      datasets: [{ name: "digits", dataset: added.dataset, role: "train" }],
      recipe: { method: "lora", max_steps: 10, learning_rate: 0.01, seed: 42 },
      metrics: { before: measured, after: measured },
    });
    expect((await value("log -n 1")).versions).toHaveLength(1);
    expect((await value("log v0..v1")).versions).toHaveLength(1);
    expect(await value("show v1")).toMatchObject({ kind: "commit", version: "v1", id: versions[0]?.commit });
    const dataset = await value(`show ${String(added.dataset)}`);
    expect(dataset).toMatchObject({ kind: "dataset", id: added.dataset, record: { kind: "dataset" } });
    expect(dataset.references).toEqual(list);
  });

  it("show-ref, branch, tag, status, rev-parse: full names there, short ones in lists", async () => {
    const { refs } = (await value("show-ref")) as { refs: readonly Json[] };
    for (const ref of refs) expect(ref).toMatchObject({ name: text, id });
    expect(refs.map(({ name }) => name)).toStrictEqual([
      "HEAD",
      "data/digits/v1",
      "heads/main",
      "tags/v0",
      "tags/v1",
    ]);
    expect((await value("branch")).branches).toMatchObject([{ name: "main", commit: id, version: "v1" }]);
    expect((await value("tag")).tags).toMatchObject([
      { name: "v0", commit: id, version: "v0" },
      { name: "v1", commit: id, version: "v1" },
    ]);
    expect(await value("status")).toMatchObject({
      head: { branch: "main", version: "v1", commit: id },
      next: { version: "v2" },
      serves: { ref: "latest", version: "v1" },
    });
    expect((await ingot(cwd, ["rev-parse", "v1"])).out).toMatch(/^[0-9a-f]{64}\n$/);
  });

  it("diff, evolution, reflog, data list, remote, config, ls-objects", async () => {
    expect(await value("diff v0 v1")).toMatchObject({ a: { version: "v0" }, b: { version: "v1" } });
    const evolution = await value("evolution v1");
    expect(evolution).toMatchObject({ version: "v1", commit: id, evolution: id, counts: { known: number } });
    expect((evolution.examples as readonly Json[])[0]).toMatchObject({ id, status: text });
    expect((await value("reflog")).operations).toMatchObject(
      (await value("undo --list")).operations as Json[],
    );
    expect((await value("data list")).datasets).toMatchObject([{ name: "digits", dataset: added.dataset }]);
    expect((await value("remote list")).remotes).toStrictEqual([]);
    expect((await value("config list")).settings).toStrictEqual([]);
    for (const object of (await value("ls-objects")).objects as readonly Json[])
      expect(object).toStrictEqual({ id, kind: text, sizeBytes: number });
  });

  it("promote, rollback, undo, tag, checkout, rm, gc: operation and refs, old and new; undo takes it back", async () => {
    const before = await value("show-ref");
    const changed = { operation: number, refs: list };
    const first = await value("promote v0 --yes");
    expect(first).toMatchObject({ ...changed, refs: [{ name: "production", new: imported.commit }] });
    const second = await value("promote v1 --yes");
    const back = await value("rollback --yes");
    expect(back).toMatchObject({
      ...changed,
      refs: [{ name: "production", old: trained.at(-1)?.commit, new: imported.commit }],
    });
    for (const { operation } of [back, second, first])
      expect(await value(`undo ${String(operation)}`)).toMatchObject({ ...changed, undone: { operation } });
    expect(await value("tag nice v1")).toMatchObject({ ...changed, refs: [{ name: "tags/nice", new: id }] });
    expect(await value("tag -d nice")).toMatchObject({ ...changed, refs: [{ name: "tags/nice", old: id }] });
    expect(await value("checkout v0")).toMatchObject({ version: "v0" });
    expect(await value("checkout main")).toMatchObject({ version: "v1" });
    expect(await value("show-ref")).toStrictEqual(before);
    expect((await events("gc --yes")).at(-1)).toMatchObject({ event: "done", refs: list });
    expect((await events("fsck --deep")).at(-1)).toMatchObject({
      event: "done",
      ok: true,
      objects: number,
      bytes: number,
      problems: [],
    });
  });

  it("an error is one object on stderr, with the exit code of its kind; a long verb ends in `failed`", async () => {
    const cases: readonly (readonly [line: string, code: string, exit: number])[] = [
      ["show v99", "ref.missing", 4],
      ["train digits --recipe nope.toml", "file.missing", 4],
      ["train digits --steps abc", "usage.flag", 2],
      ["train digits --epocs 1", "usage.flag", 2],
      ["promote v1", "usage.confirm", 2],
      ["promote v1 stagin --yes", "ref.missing", 4],
      ["show e:abcdef", "ref.missing", 4],
      ["config set train.sed 7", "usage.recipe", 2],
      ["config set train.r zero", "usage.recipe", 2],
      ["rm v1 --yes", "refused.lock", 9],
      ["push nowhere", "ref.missing", 4],
      ["-C / status", "repository.missing", 4],
    ];
    for (const [line, code, exit] of cases) {
      const outcome = await failure(line);
      expect(outcome.error, line).toMatchObject({ code, what: text, fix: text, exit });
      expect(outcome.code, line).toBe(exit);
      const last = outcome.out === "" ? undefined : (JSON.parse(outcome.out) as Json);
      const isLong = /^(train|push)/.test(line) && code !== "usage.flag";
      expect(last?.event, line).toBe(isLong ? "failed" : undefined);
    }
  });
});
