import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hashBytes } from "../../src/base/hash.ts";
import type { DataAddResult } from "../../src/commands/data/add.ts";
import type { ImportResult } from "../../src/commands/import.ts";
import { decodeModel } from "../../src/onnx/decode.ts";
import { encodeModel } from "../../src/onnx/encode.ts";
import type { Tensor } from "../../src/onnx/model.ts";
import { bytesInMemory, floatTensor } from "../../src/onnx/tensors.ts";
import { ingot, ingotJson, refsOf, startIngot, temporaryFolder } from "../support/cli.ts";
import { CHAT_BASE, DIGITS_BASE, DIGITS_TRAIN } from "../support/digits.ts";
import { writeTensors } from "../support/safetensors-file.ts";

const GOLDEN = fileURLToPath(new URL("../vectors/golden", import.meta.url));
const LLAMA = path.join(GOLDEN, "llama-optimum-lora");

function write(folder: string, name: string, content: string | Uint8Array): string {
  const file = path.join(folder, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, content);
  return file;
}

const lines = (...rows: readonly unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

/** The command ends with `exit`, names a code and a next step, and every ref is where it was. */
async function expectRefused(
  folder: string,
  args: readonly string[],
  exit: number,
  code: string,
): Promise<string> {
  const before = await refsOf(folder);
  const outcome = await startIngot(folder, [...args, "--json"]).outcome;
  expect([outcome.code, outcome.out], `${args.join(" ")}: ${outcome.err}`).toEqual([exit, ""]);
  const { error } = JSON.parse(outcome.err) as { error: { code: string; what: string; fix?: string } };
  expect(error.code).toBe(code);
  expect(await refsOf(folder)).toEqual(before);
  return error.what;
}

/** The digits model with its weights in a file beside it. */
function withExternalData(folder: string, location = "model.onnx_data"): string {
  const model = decodeModel(new Uint8Array(fs.readFileSync(path.join(DIGITS_BASE, "model.onnx"))));
  const chunks: Uint8Array[] = [];
  let offset = 0;
  const initializers = new Map<string, Tensor>();
  for (const [name, tensor] of model.graph.initializers) {
    const bytes = bytesInMemory(tensor);
    const data = { at: "file", path: location, offset, length: bytes.length } as const;
    const isLarge = bytes.length >= 1024;
    initializers.set(name, isLarge ? { ...tensor, data } : tensor);
    if (!isLarge) continue;
    chunks.push(bytes);
    offset += bytes.length;
  }
  write(folder, "model.onnx_data", Buffer.concat(chunks));
  return write(folder, "model.onnx", encodeModel({ ...model, graph: { ...model.graph, initializers } }));
}

describe("import", () => {
  const { folder, remove } = temporaryFolder();
  beforeAll(async () => {
    await ingot(folder, ["init"]);
    await ingot(folder, ["import", path.join(LLAMA, "model")]);
  });
  afterAll(remove);

  it("of a model folder keeps its files byte for byte as the first version, after it was run once [R3.1 R6.1]", async () => {
    const { folder: own, remove: away } = temporaryFolder();
    await ingot(own, ["init"]);
    const result = await ingotJson<ImportResult>(own, ["import", DIGITS_BASE]);
    expect(result).toMatchObject({ version: "v0", moved: "heads/main", kind: "model" });
    for (const file of result.files)
      expect(file.id).toBe(hashBytes(fs.readFileSync(path.join(DIGITS_BASE, file.path))));
    const out = path.join(own, "out");
    await ingot(own, ["checkout", "v0", out]);
    for (const file of fs.readdirSync(DIGITS_BASE))
      expect(
        fs.readFileSync(path.join(out, file)).equals(fs.readFileSync(path.join(DIGITS_BASE, file))),
      ).toBe(true);
    expect((await ingot(own, ["status"])).out).toMatch(/v1/);
    away();
  });

  it("of a bare file, and of a model with external data, gives the outputs of the folder", async () => {
    const { folder: own, remove: away } = temporaryFolder();
    await ingot(own, ["init"]);
    const bare = write(own, "bare/digits.onnx", fs.readFileSync(path.join(DIGITS_BASE, "model.onnx")));
    const first = await ingotJson<ImportResult>(own, ["import", bare]);
    withExternalData(path.join(own, "external"));
    const second = await ingotJson<ImportResult>(own, ["import", path.join(own, "external")]);
    expect(second.files.map((f) => f.path)).toEqual(["model.onnx", "model.onnx_data"]);
    const { graph } = decodeModel(new Uint8Array(fs.readFileSync(bare)));
    const name = graph.inputs[0]?.name ?? "";
    const dims = (graph.inputs[0]?.dims ?? []).map((d) => (typeof d === "number" ? d : 2));
    const pixels = Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => (i % 17) / 17);
    writeTensors(path.join(own, "in.safetensors"), new Map([[name, floatTensor(dims, pixels)]]));
    const outputs = [];
    for (const { version } of [first, second]) {
      await ingot(own, ["run", version, "--input", "in.safetensors", "--out", `${version}.safetensors`]);
      outputs.push(hashBytes(fs.readFileSync(path.join(own, `${version}.safetensors`))));
    }
    expect(outputs[0]).toBe(outputs[1]);
    away();
  });

  it("of an adapter goes onto its base, shares it, and comes back byte for byte [R3.6]", async () => {
    const adapter = path.join(LLAMA, "adapter-init");
    const result = await ingotJson<ImportResult>(folder, ["import", adapter, "--onto", "v0"]);
    expect(result).toMatchObject({ version: "v1", kind: "adapter", moved: "heads/main" });
    const out = path.join(folder, "out");
    await ingot(folder, ["checkout", "v1", out]);
    for (const file of ["adapter_config.json", "adapter_model.safetensors"])
      expect(fs.readFileSync(path.join(out, file)).equals(fs.readFileSync(path.join(adapter, file)))).toBe(
        true,
      );
    const objects = (await ingot(folder, ["ls-objects"])).out.trim().split("\n");
    expect(objects.filter((line) => line.includes(" model "))).toHaveLength(1);
  });

  it("of an adapter whose patterns overlap is trained on by their order in its file, and reproduced [R3.6]", async () => {
    const adapter = path.join(LLAMA, "adapter-init");
    const config = JSON.parse(fs.readFileSync(path.join(adapter, "adapter_config.json"), "utf8"));
    const alpha_pattern = { q_proj: 6, "layers.0.self_attn.q_proj": 2 };
    const patterned = path.join(folder, "patterned");
    write(patterned, "adapter_config.json", JSON.stringify({ ...config, alpha_pattern }));
    write(
      patterned,
      "adapter_model.safetensors",
      fs.readFileSync(path.join(adapter, "adapter_model.safetensors")),
    );
    const { version } = await ingotJson<ImportResult>(folder, ["import", patterned, "--onto", "v0"]);
    await ingot(folder, ["data", "add", path.join(LLAMA, "data.jsonl"), "--name", "rows"]);
    const train = ["train", "rows", "--on", version, "--steps", "3", "--probe", "none", "--yes", "--json"];
    const done = JSON.parse((await ingot(folder, train)).out.trim().split("\n").at(-1) ?? "");
    const out = path.join(folder, "continued");
    await ingot(folder, ["checkout", done.version, out]);
    const written = JSON.parse(fs.readFileSync(path.join(out, "adapter_config.json"), "utf8"));
    expect(Object.entries(written.alpha_pattern)).toEqual(Object.entries(alpha_pattern));
    expect(await ingotJson(folder, ["reproduce", done.version])).toMatchObject({ reproduced: true });
  });

  it("refuses what is no model it can run, says why, and leaves every ref where it was [R1.1]", async () => {
    const at = (name: string) => path.join(folder, name);
    fs.mkdirSync(at("empty"));
    write(folder, "pickled/pytorch_model.bin", "\x80\x04\x95junk");
    write(folder, "pickled/config.json", "{}");
    const onnx = fs.readFileSync(path.join(DIGITS_BASE, "model.onnx"));
    write(folder, "two/a.onnx", onnx);
    write(folder, "two/b.onnx", onnx);
    write(folder, "broken.onnx", onnx.subarray(0, 4000));
    write(folder, "renamed.onnx", "\x80\x04\x95\x10\x00\x00\x00");
    write(folder, "lacking/model.onnx", fs.readFileSync(withExternalData(at("whole"))));
    write(folder, "outside/model.onnx", fs.readFileSync(withExternalData(at("whole2"), "../../secret")));
    await expectRefused(folder, ["import", "nowhere"], 4, "file.missing");
    await expectRefused(folder, ["import", "empty"], 3, "input.format");
    await expectRefused(folder, ["import", "pickled"], 3, "input.format");
    const both = await startIngot(folder, ["import", "two"]).outcome;
    expect([both.code, both.err]).toEqual([2, expect.stringContaining("--entry a.onnx")]);
    await expectRefused(folder, ["import", "broken.onnx"], 3, "input.onnx");
    await expectRefused(folder, ["import", "renamed.onnx"], 3, "input.onnx");
    await expectRefused(folder, ["import", "lacking"], 4, "file.missing");
    const outside = await startIngot(folder, ["import", "outside", "--json"]).outcome;
    expect([outside.code, JSON.parse(outside.err).error.what]).toEqual([
      3,
      expect.stringContaining("secret"),
    ]);
  });

  it("refuses an adapter of another base, without weights, pickled, or not LoRA", async () => {
    const config = fs.readFileSync(path.join(LLAMA, "adapter-init", "adapter_config.json"), "utf8");
    const weights = fs.readFileSync(path.join(LLAMA, "adapter-init", "adapter_model.safetensors"));
    const bert = path.join(GOLDEN, "bert-torchscript-lora", "adapter-init");
    await expectRefused(folder, ["import", bert, "--onto", "v0"], 3, "input.adapter");
    write(folder, "bare-adapter/adapter_config.json", config);
    await expectRefused(folder, ["import", "bare-adapter"], 3, "input.format");
    write(folder, "bare-adapter/adapter_model.bin", "\x80\x04");
    const pickled = await startIngot(folder, ["import", "bare-adapter"]).outcome;
    expect(pickled.err).toMatch(/pickled weights are never loaded/);
    for (const [name, change] of [
      ["rank", { r: 0 }],
      ["huge", { r: 1e9 }],
      ["other-rank", { r: 8 }],
      ["ia3", { peft_type: "IA3" }],
      ["dora", { use_dora: true }],
    ] as const) {
      write(folder, `${name}/adapter_config.json`, JSON.stringify({ ...JSON.parse(config), ...change }));
      write(folder, `${name}/adapter_model.safetensors`, weights);
      await expectRefused(folder, ["import", name, "--onto", "v0"], 3, "input.adapter");
    }
    await expectRefused(
      folder,
      ["import", path.join(LLAMA, "adapter-init"), "--onto", "v77"],
      4,
      "ref.missing",
    );
  });
});

const CHAT = [
  {
    messages: [
      { role: "user", content: "hi" },
      { role: "assistant", content: "hello" },
    ],
  },
  {
    messages: [
      { role: "user", content: "bye" },
      { role: "assistant", content: "see you" },
    ],
  },
];
const FORMATS: readonly (readonly [format: string, file: string, content: string, examples: number])[] = [
  ["chat", "chat.jsonl", lines(...CHAT), 2],
  ["chat", "chat.json", JSON.stringify(CHAT, null, 2), 2],
  [
    "prompt-completion",
    "pairs.jsonl",
    lines({ prompt: "2+2=", completion: "4" }, { prompt: "3+3=", completion: "6" }),
    2,
  ],
  ["prompt-completion", "pairs.csv", 'prompt,completion\r\n2+2=,4\r\n"3+3,=",6\r\n', 2],
  ["text", "notes.txt", "First note,\nstill the first.\n\nSecond note.\n\n\nThird.\n", 3],
  ["text", "notes.jsonl", lines({ text: "a note" }, { text: "another" }), 2],
  ["text-label", "mood.jsonl", lines({ text: "good", label: "up" }, { text: "bad", label: "down" }), 2],
  ["tokens", "ids.jsonl", lines({ input_ids: [1, 2, 3], labels: [-100, 2, 3] }), 1],
];

describe("data add", () => {
  const { folder, remove } = temporaryFolder();
  beforeAll(async () => {
    await ingot(folder, ["init"]);
    await ingot(folder, ["import", CHAT_BASE]);
  });
  afterAll(remove);
  const add = (...args: readonly string[]) => ingotJson<DataAddResult>(folder, ["data", "add", ...args]);

  it("reads every format, keeps the file as it is, and counts examples and tokens [R3.3 R3.10 R5.2 R5.10]", async () => {
    for (const [format, file, content, examples] of FORMATS) {
      write(folder, file, content);
      const result = await add(file, "--name", file.replace(".", "-"));
      expect(result, file).toMatchObject({ format, examples, heldOut: 0, duplicates: 0, version: 1 });
      expect(result.files).toMatchObject([{ path: file, id: hashBytes(Buffer.from(content)) }]);
      // A language model has no use for labels, and so no count; the data may be meant for another model.
      const isForModel = format !== "text-label";
      expect((result.tokens ?? 0) > 0, file).toBe(isForModel);
      expect((result.longest ?? 0) > 0, file).toBe(isForModel);
    }
    const tensors = await add(DIGITS_TRAIN, "--name", "digits", "--eval", "none");
    expect(tensors).toMatchObject({ format: "tensors", examples: 1437 });
    const { datasets } = await ingotJson<{
      datasets: readonly { name: string; trainedIn: readonly string[] }[];
    }>(folder, ["data", "list"]);
    expect(datasets.map((d) => d.name)).toContain("notes-txt");
    for (const d of datasets) expect(d.trainedIn).toEqual([]);
  });

  it("knows an example by its fields, whatever the order of keys, the spaces or the file [R5.3]", async () => {
    write(
      folder,
      "one.jsonl",
      lines({ prompt: "order", completion: "free" }, { prompt: "x", completion: "y" }),
    );
    write(
      folder,
      "two.jsonl",
      '{ "completion":"free" ,\t"prompt":"order"}\r\n{"prompt":"new","completion":"one"}\r\n',
    );
    await add("one.jsonl");
    const second = await add("two.jsonl");
    expect(second.seen).toMatchObject([{ name: "one:v1", examples: 1 }]);
    expect((await ingot(folder, ["data", "add", "two.jsonl", "--name", "three"])).out).toMatch(
      /one:v1|two:v1|known/,
    );
  });

  it("says of a file that it was seen before, and of the very same dataset that nothing changed [R5.3]", async () => {
    write(folder, "same.jsonl", lines({ prompt: "a", completion: "b" }));
    const first = await add("same.jsonl");
    expect(first).toMatchObject({ unchanged: false, files: [{ known: false }] });
    const before = await refsOf(folder);
    expect(await add("same.jsonl")).toMatchObject({
      unchanged: true,
      version: 1,
      dataset: first.dataset,
      files: [{ known: true }],
    });
    expect(await refsOf(folder)).toEqual(before);
    write(folder, "same.jsonl", lines({ prompt: "a", completion: "b" }, { prompt: "c", completion: "d" }));
    const grown = await add("same.jsonl");
    expect(grown).toMatchObject({ version: 2, examples: 2, seen: [{ name: "same:v1", examples: 1 }] });
  });

  it("counts repeated rows, and leaves them out on --dedupe [R5.3]", async () => {
    const row = { prompt: "again", completion: "and again" };
    write(folder, "repeated.jsonl", lines(row, row, { prompt: "once", completion: "only" }, row));
    expect(await add("repeated.jsonl")).toMatchObject({ examples: 4, duplicates: 2 });
    expect(await add("repeated.jsonl", "--dedupe", "--name", "distinct")).toMatchObject({
      examples: 2,
      duplicates: 2,
    });
  });

  it("holds out a share, a file, or nothing; the same example always falls on the same side", async () => {
    const rows = Array.from({ length: 200 }, (_, i) => ({
      prompt: `question ${i}`,
      completion: `answer ${i}`,
    }));
    write(folder, "many.jsonl", lines(...rows));
    write(folder, "backwards.jsonl", lines(...[...rows].reverse()));
    const tenth = await add("many.jsonl", "--name", "tenth");
    expect([tenth.examples, tenth.train + tenth.heldOut]).toEqual([200, 200]);
    expect(tenth.heldOut).toBeGreaterThan(8);
    expect(tenth.heldOut).toBeLessThan(35);
    expect((await add("backwards.jsonl")).heldOut).toBe(tenth.heldOut);
    const half = await add("many.jsonl", "--name", "half", "--eval", "0.5");
    expect(half.heldOut).toBeGreaterThan(70);
    expect(await add("many.jsonl", "--name", "none", "--eval", "none")).toMatchObject({
      examples: 200,
      heldOut: 0,
    });
    write(folder, "eval.jsonl", lines({ prompt: "held", completion: "out" }));
    expect(await add("many.jsonl", "--name", "file", "--eval", "eval.jsonl")).toMatchObject({
      examples: 201,
      heldOut: 1,
    });
  });

  it("refuses what is no data with the place in the file, and registers nothing", async () => {
    write(folder, "half.jsonl", `${lines({ prompt: "a", completion: "b" })}{"prompt": "c", "compl\n`);
    write(folder, "strange.jsonl", lines({ foo: 1 }));
    write(folder, "empty.jsonl", "");
    write(folder, "pickle.safetensors", "\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00");
    await expectRefused(folder, ["data", "add", "half.jsonl"], 3, "input.row");
    await expectRefused(folder, ["data", "add", "strange.jsonl"], 3, "input.format");
    await expectRefused(folder, ["data", "add", "empty.jsonl"], 3, "input.format");
    await expectRefused(folder, ["data", "add", "pickle.safetensors"], 3, "input.safetensors");
    await expectRefused(folder, ["data", "add", "nowhere.jsonl"], 4, "file.missing");
    await expectRefused(folder, ["data", "add", "chat.jsonl", "--name", "../escape"], 2, "usage.name");
    await expectRefused(folder, ["data", "add", "chat.jsonl", "--eval", "2"], 2, "usage.flag");
    expect(await add("half.jsonl", "--skip-bad")).toMatchObject({ examples: 1, skipped: 1 });
  });
});
