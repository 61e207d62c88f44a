import fs from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EvolutionResult } from "../../src/commands/evolution.ts";
import type { RunResult } from "../../src/commands/run.ts";
import type { TrainEvent } from "../../src/train/events.ts";
import { ingot, ingotEvents, ingotJson, refsOf, startIngot, temporaryFolder } from "../support/cli.ts";
import { CHAT_BASE, digitsRepository, GIT_BASICS } from "../support/digits.ts";
import { readTensors } from "../support/safetensors-file.ts";

type Done = Extract<TrainEvent, { event: "done" }>;

interface Pair {
  readonly question: string;
  readonly answer: string;
}

const ROWS: readonly Pair[] = fs
  .readFileSync(GIT_BASICS, "utf8")
  .trim()
  .split("\n")
  .map((line) => {
    const [user, assistant] = (JSON.parse(line) as { messages: readonly { content: string }[] }).messages;
    return { question: user?.content ?? "", answer: assistant?.content ?? "" };
  });

/** What is learned first, and then ten new pairs and two corrections of the first. */
const FIRST = ROWS.slice(0, 30);
const CORRECTED = FIRST.slice(0, 2).map(({ question }) => ({
  question,
  answer: `git help ${question.length}`,
}));
const SECOND = [...ROWS.slice(-10), ...CORRECTED];
const SHAPE = ["--lr", "4e-3", "--batch-size", "16", "--yes"];

function writeChat(folder: string, name: string, pairs: readonly Pair[]): void {
  const rows = pairs.map(({ question, answer }) =>
    JSON.stringify({
      messages: [
        { role: "user", content: question },
        { role: "assistant", content: answer },
      ],
    }),
  );
  fs.writeFileSync(path.join(folder, name), `${rows.join("\n")}\n`);
}

async function trained(folder: string, args: readonly string[], exit = 0): Promise<Done> {
  const last = (await ingotEvents<TrainEvent>(folder, ["train", ...args], exit)).at(-1);
  if (last?.event !== "done") throw new Error(`ended with ${JSON.stringify(last)}`);
  return last;
}

describe("a chat model that learns, forgets and learns again", () => {
  const { folder, remove } = temporaryFolder();
  let first: Done;
  let forgetful: Done;
  let second: Done;
  beforeAll(async () => {
    await ingot(folder, ["init"]);
    await ingot(folder, ["import", CHAT_BASE]);
    writeChat(folder, "basics.jsonl", FIRST);
    writeChat(folder, "team.jsonl", SECOND);
    await ingot(folder, ["data", "add", "basics.jsonl"]);
    first = await trained(folder, ["basics", "--rank", "16", "--alpha", "64", "--steps", "60", ...SHAPE]);
    await ingot(folder, ["data", "add", "team.jsonl"]);
    forgetful = await trained(folder, ["team", "--replay", "0", "--steps", "40", ...SHAPE], 9);
    second = await trained(folder, ["team", "--steps", "60", ...SHAPE]);
  });
  afterAll(remove);

  const answer = (revision: readonly string[], question: string) =>
    ingotJson<RunResult>(folder, ["run", ...revision, question]);

  it("answers what it learned, from the version that learned it, and says which one answered [R1.4 R1.6]", async () => {
    const { question, answer: learned } = FIRST[5]!;
    expect((await answer(["v0"], question)).text).not.toBe(learned);
    expect(await answer(["v1"], question)).toMatchObject({
      version: "v1",
      commit: first.commit,
      text: learned,
    });
    const asked = await startIngot(folder, ["run", SECOND[0]!.question]).outcome;
    expect([asked.code, asked.out.trim()]).toEqual([0, SECOND[0]!.answer]);
    expect(asked.err).toMatch(/latest v3/);
    expect(await answer([], SECOND[1]!.question)).toMatchObject({ version: "v3", text: SECOND[1]!.answer });
  });

  it("measures accuracy before and after, and goes from none right to nearly all [R4.7]", () => {
    expect(first.metrics?.before?.accuracy).toBe(0);
    expect(first.metrics?.after?.accuracy).toBeGreaterThan(0.9);
    expect(first.statuses?.learned).toBeGreaterThan(27);
  });

  it("puts a training that forgets aside: exit 9, a version, no branch moved [R1.1 R1.11 R3.2]", async () => {
    expect(forgetful).toMatchObject({
      version: "v2",
      aside: expect.stringMatching(/answered right are now answered wrong/),
    });
    expect(forgetful.branch).toBeUndefined();
    const refs = await refsOf(folder);
    expect(refs.get("tags/v2")).toBe(forgetful.commit);
    expect(refs.get("heads/main")).toBe(second.commit);
    const { versions } = await ingotJson<{
      versions: readonly { version: string; parentVersions: readonly string[] }[];
    }>(folder, ["log"]);
    const parents = Object.fromEntries(versions.map((v) => [v.version, v.parentVersions]));
    expect(parents).toMatchObject({ v1: ["v0"], v2: ["v1"], v3: ["v1"] });
    const lost = await ingotJson<EvolutionResult>(folder, ["evolution", "v2", "--status", "regressed"]);
    expect(lost.examples.length).toBeGreaterThan(20);
    for (const example of lost.examples) {
      expect([example.strip[0], example.strip.at(-1)]).toEqual([true, false]);
      expect(example.predictions.at(-1)).not.toBe(example.expected);
    }
  });

  it("with replay keeps what it knew, and takes corrections in [R3.5 R4.7]", async () => {
    expect(second).toMatchObject({ version: "v3", branch: "main" });
    expect(second.aside).toBeUndefined();
    expect(second.statuses?.regressed).toBeLessThan(3);
    for (const { question, answer: corrected } of CORRECTED)
      expect((await answer(["v3"], question)).text).toBe(corrected);
    const { examples, tracked } = await ingotJson<EvolutionResult>(folder, ["evolution", "v3"]);
    // The two answers that were corrected are neither replayed nor held against the training.
    expect(tracked).toBe(FIRST.length + SECOND.length - CORRECTED.length);
    const expected = new Map(examples.map((e) => [e.input, e.expected]));
    for (const { question, answer: corrected } of CORRECTED) expect(expected.get(question)).toBe(corrected);
    const dry = await startIngot(folder, ["train", "team", "--on", "v1", "--dry-run"]).outcome;
    expect(`${dry.out}${dry.err}`).toMatch(/2 earlier examples are answered anew/);
  });

  it("tells each example's curve: first prediction, every later one, when it was learned [R4.2 R4.3 R4.5]", async () => {
    const result = await ingotJson<EvolutionResult>(folder, ["evolution", "v1"]);
    expect(result.readings.map((r) => r.step)).toEqual([0, 10, 25, 50, 60]);
    expect(result.examples).toHaveLength(30);
    for (const example of result.examples) {
      expect([example.strip.length, example.loss.length, example.predictions.length]).toEqual([5, 5, 5]);
      example.strip.forEach((right, i) => {
        expect(right, example.id).toBe(example.predictions[i] === example.expected);
      });
      const since = example.strip.lastIndexOf(false) + 1;
      expect(example.learnedAt).toBe(example.strip.at(-1) ? result.readings[since]?.step : undefined);
      expect(example.at).toMatch(/^basics\.jsonl:\d+$/);
    }
    const one = result.examples[0]!;
    const alone = await ingotJson<EvolutionResult>(folder, ["evolution", "v1", `e:${one.id.slice(0, 12)}`]);
    expect(alone.examples).toEqual([one]);
    const csv = (await ingot(folder, ["evolution", "v1", "--csv"])).out.trim().split("\r\n");
    expect(csv).toHaveLength(1 + 5 * 30);
    expect(csv[0]).toMatch(/^example,at,status,category,learned_at,step,loss,/);
    const text = (await ingot(folder, ["evolution", "v1"])).out;
    expect(text).toMatch(/learned/);
  });

  it("is written out as PEFT has it, with its base beside it on request [R3.6]", async () => {
    const out = path.join(folder, "out");
    await ingot(folder, ["checkout", "v3", out]);
    expect(fs.readdirSync(out).sort()).toEqual(["adapter_config.json", "adapter_model.safetensors"]);
    const config = JSON.parse(fs.readFileSync(path.join(out, "adapter_config.json"), "utf8"));
    expect(config).toMatchObject({
      peft_type: "LORA",
      task_type: "CAUSAL_LM",
      r: 16,
      lora_alpha: 64,
      bias: "none",
    });
    const tensors = await readTensors(path.join(out, "adapter_model.safetensors"));
    for (const [key, { dims }] of tensors) {
      const match =
        /^base_model\.model\.model\.layers\.\d+\.(self_attn|mlp)\.(\w+_proj)\.lora_([AB])\.weight$/.exec(key);
      expect(config.target_modules, key).toContain(match?.[2]);
      expect(dims[match?.[3] === "A" ? 0 : 1], key).toBe(16);
    }
    const whole = path.join(folder, "whole");
    await ingot(folder, ["checkout", "v3", whole, "--with-base"]);
    expect(fs.readdirSync(path.join(whole, "base"))).toContain("model.onnx");
    const { version } = await ingotJson<{ version: string }>(folder, ["import", out, "--onto", "v0"]);
    expect(await answer([version], SECOND[0]!.question)).toMatchObject({ version, text: SECOND[0]!.answer });
  });
});

describe("a training that goes wrong", () => {
  it("for a rate beyond all sense ends with a reason, and every branch and version is where it was [R1.1]", async () => {
    const { folder, remove } = temporaryFolder();
    await digitsRepository(folder);
    const before = await refsOf(folder);
    for (const [rate, steps, where] of [
      ["1e38", "1", "step 1"],
      ["1e30", "4", "step 2"],
    ] as const) {
      const bad = await startIngot(folder, [
        "train",
        "digits",
        "--lr",
        rate,
        "--steps",
        steps,
        "--yes",
        "--json",
      ]).outcome;
      expect(bad.code).toBe(3);
      expect(JSON.parse(bad.err).error).toMatchObject({
        code: "input.tensor",
        where,
        fix: expect.stringMatching(/lower --lr/),
      });
      expect(JSON.parse(bad.out.trim().split("\n").at(-1) ?? "")).toMatchObject({ event: "failed" });
    }
    const after = [...(await refsOf(folder))].filter(([name]) => !name.startsWith("runs/"));
    expect(new Map(after)).toEqual(before);
    remove();
  });

  it("is refused before it runs for a recipe, data or a target that cannot be [R5.5 R1.1]", async () => {
    const { folder, remove } = temporaryFolder();
    await digitsRepository(folder);
    const before = await refsOf(folder);
    fs.writeFileSync(path.join(folder, "typo.toml"), "learning_rte = 1e-3\n");
    fs.writeFileSync(path.join(folder, "notes.txt"), "A note.\n");
    for (const [args, exit, message] of [
      [["digits", "--recipe", "typo.toml"], 2, /did you mean 'learning_rate'/],
      [["digits", "--targets", "fc9"], 3, /did you mean 'fc/],
      [["digits", "--steps", "0"], 2, /whole number from 1/],
      [["digits", "--epochs", "0"], 2, /no step|--epochs/],
      [["digitz"], 4, /digitz/],
    ] as const) {
      const refused = await startIngot(folder, ["train", ...args, "--yes"]).outcome;
      expect([refused.code, refused.err], args.join(" ")).toEqual([exit, expect.stringMatching(message)]);
    }
    expect(await refsOf(folder)).toEqual(before);
    // Text for a model without a tokenizer: the file becomes a dataset, the training says what is missing.
    const text = await startIngot(folder, ["train", "notes.txt", "--yes"]).outcome;
    expect([text.code, text.err]).toEqual([3, expect.stringMatching(/tokenizer/)]);
    expect((await refsOf(folder)).get("heads/main")).toBe(before.get("heads/main"));
    remove();
  });
});
