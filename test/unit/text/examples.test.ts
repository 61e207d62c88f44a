import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IngotError } from "../../../src/base/errors.ts";
import { bytesSource } from "../../../src/base/ports.ts";
import { collate } from "../../../src/text/batches.ts";
import { classLabels } from "../../../src/text/class-labels.ts";
import { readExamples } from "../../../src/text/dataset-file.ts";
import type { EncodedExample } from "../../../src/text/encoded.ts";
import type { Example } from "../../../src/text/example.ts";
import { type EncodeExampleOptions, openExampleEncoder } from "../../../src/text/examples.ts";
import { loadTokenizer, type Tokenizer } from "../../../src/text/tokenizer.ts";
import { CHATML, FRAME, json, tinyTokenizer } from "./tiny-tokenizer.ts";

const GENERATION: EncodeExampleOptions = { task: "text-generation" };

async function exampleOf(row: unknown): Promise<Example> {
  for await (const example of readExamples(bytesSource(json(row)), "x.jsonl")) return example;
  throw new Error("no row");
}

async function encode(
  row: unknown,
  tokenizer: Tokenizer | undefined,
  options = GENERATION,
): Promise<EncodedExample> {
  return openExampleEncoder(tokenizer, options)(await exampleOf(row));
}

/** The row as text, with what is trained in brackets. */
function marked({ inputIds, labels }: EncodedExample, tokenizer: Tokenizer): string {
  const parts: string[] = [];
  let trained = false;
  let ids: number[] = [];
  const flush = (): void => {
    const text = tokenizer.decode(ids, { skipSpecialTokens: false });
    if (ids.length > 0) parts.push(trained ? `[${text}]` : text);
    ids = [];
  };
  inputIds.forEach((id, i) => {
    const isTrained = labels.values[i] !== -100;
    if (isTrained) expect(labels.values[i]).toBe(id);
    if (isTrained !== trained) flush();
    trained = isTrained;
    ids.push(id);
  });
  flush();
  return parts.join("");
}

const chatml = tinyTokenizer(["<|im_start|>", "<|im_end|>"], {
  eos_token: "<|im_end|>",
  chat_template: CHATML,
});
const plain = tinyTokenizer(["<s>", "</s>"], { eos_token: "</s>" }, { postProcessor: FRAME });
const demoFile = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../../../demo/base-chat/${name}`, import.meta.url)));
const demo = loadTokenizer({
  tokenizerJson: demoFile("tokenizer.json"),
  tokenizerConfig: demoFile("tokenizer_config.json"),
  generationConfig: demoFile("generation_config.json"),
});

const user = (content: string): unknown => ({ role: "user", content });
const assistant = (content: string, weight?: number): unknown => ({ role: "assistant", content, weight });

const TRAINED: readonly (readonly [name: string, tokenizer: Tokenizer, row: unknown, marked: string])[] = [
  [
    "the demo's chat",
    demo,
    { messages: [user("a b"), assistant("git init")] },
    "<|bos|><|user|>a b<|end|><|assistant|>[git init<|end|>]",
  ],
  [
    "every answer of a chat",
    demo,
    { messages: [user("a"), assistant("b"), user("c"), assistant("d")] },
    "<|bos|><|user|>a<|end|><|assistant|>[b<|end|>]<|user|>c<|end|><|assistant|>[d<|end|>]",
  ],
  [
    "no answer of weight 0",
    demo,
    { messages: [user("a"), assistant("b", 0), user("c"), assistant("d", 1)] },
    "<|bos|><|user|>a<|end|><|assistant|>b<|end|><|user|>c<|end|><|assistant|>[d<|end|>]",
  ],
  [
    "no line end after the end token",
    chatml,
    { messages: [user("a"), assistant("b"), user("c"), assistant("d")] },
    "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n[b<|im_end|>]\n<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n[d<|im_end|>]\n",
  ],
  [
    "prompt and completion as a chat",
    demo,
    { prompt: "a", completion: "b" },
    "<|bos|><|user|>a<|end|><|assistant|>[b<|end|>]",
  ],
  [
    "prompt and completion as messages",
    demo,
    { prompt: [user("a"), assistant("x", 0), user("y")], completion: [assistant("b")] },
    "<|bos|><|user|>a<|end|><|assistant|>x<|end|><|user|>y<|end|><|assistant|>[b<|end|>]",
  ],
  [
    "an instruction",
    demo,
    { instruction: "a", input: "c", output: "b" },
    "<|bos|><|user|>a\n\nc<|end|><|assistant|>[b<|end|>]",
  ],
  [
    "conversations",
    demo,
    {
      conversations: [
        { from: "system", value: "s" },
        { from: "human", value: "a" },
        { from: "gpt", value: "b" },
      ],
    },
    "<|bos|>s<|user|>a<|end|><|assistant|>[b<|end|>]",
  ],
  ["an empty answer", demo, { prompt: "a", completion: "" }, "<|bos|><|user|>a<|end|><|assistant|>[<|end|>]"],
  ["a text", demo, { text: "a b" }, "[a b<|eos|>]"],
  ["prompt and completion without a template", plain, { prompt: "a: ", completion: "b" }, "<s>a: [b</s>]"],
  [
    "a chat without a template",
    plain,
    { messages: [user("a"), assistant("b"), user("c"), assistant("d")] },
    "<s>a\n[b</s>]\nc\n[d</s>]",
  ],
  ["a text with a frame", plain, { text: "ab" }, "[<s>ab</s>]"],
];

describe("what is trained", () => {
  it.each(TRAINED)("is right in %s", async (_name, tokenizer, row, expected) => {
    expect(marked(await encode(row, tokenizer), tokenizer)).toBe(expected);
  });

  it("is asked and expected as it stands", async () => {
    const row = await encode({ messages: [user("a"), assistant("b"), user("c d"), assistant("e f")] }, demo);
    expect(row).toMatchObject({ inputText: "c d", expectedText: "e f", cut: false });
    expect(demo.decode(row.promptIds, { skipSpecialTokens: false })).toBe(
      "<|bos|><|user|>a<|end|><|assistant|>b<|end|><|user|>c d<|end|><|assistant|>",
    );
    expect(demo.decode(row.expectedIds, { skipSpecialTokens: false })).toBe("e f<|end|>");
    expect([...row.promptIds, ...row.expectedIds]).toEqual([...row.inputIds]);
  });

  it("is cut at the longest row", async () => {
    const whole = await encode({ messages: [user("a"), assistant("one two three")] }, chatml);
    const cut = await encode({ messages: [user("a"), assistant("one two three")] }, chatml, {
      ...GENERATION,
      maxLength: 28,
    });
    expect([...cut.inputIds]).toEqual([...whole.inputIds.slice(0, 28)]);
    expect([...cut.labels.values]).toEqual([...whole.labels.values.slice(0, 28)]);
    expect([whole.cut, cut.cut]).toEqual([false, true]);
    const framed = await encode({ text: "abcdef", label: 1 }, plain, {
      task: "text-classification",
      maxLength: 4,
    });
    expect([...framed.inputIds]).toEqual([256, 97, 98, 257]);
    expect(framed.cut).toBe(true);
  });

  it("is the answer whatever the template writes around it", async () => {
    const words = fc.string({ unit: fc.constantFrom("a", "b", " ", "é", "\n", "<", "|"), minLength: 1 });
    const turns = fc.array(fc.tuple(words, words), { minLength: 1, maxLength: 4 });
    const templates = [
      CHATML,
      "{% for m in messages %}[{{ m.role }}] {{ m.content }} <|im_end|>{% endfor %}{% if add_generation_prompt %}[assistant] {% endif %}",
      "{{ '<|im_start|>' }}{% for m in messages %}{{ '### ' + m.role + ': ' + m.content + '<|im_end|>' }}{% endfor %}{% if add_generation_prompt %}{{ '### assistant: ' }}{% endif %}",
    ];
    for (const chat_template of templates) {
      const tokenizer = tinyTokenizer(["<|im_start|>", "<|im_end|>"], {
        eos_token: "<|im_end|>",
        chat_template,
      });
      const encoder = openExampleEncoder(tokenizer, GENERATION);
      await fc.assert(
        fc.asyncProperty(turns, async (pairs) => {
          const row = encoder(
            await exampleOf({ messages: pairs.flatMap(([q, a]) => [user(q), assistant(a)]) }),
          );
          const found = Array.from(
            marked(row, tokenizer).matchAll(/\[((?:(?!\[assistant\]|\[user\])[^\]])*)<\|im_end\|>\]/g),
            ([, answer]) => answer?.trim(),
          );
          expect(found).toEqual(pairs.map(([, answer]) => answer.trim()));
        }),
        { numRuns: 40 },
      );
    }
  });
});

describe("labels of rows", () => {
  const classes = classLabels(["b", "a", "b"]);
  const CLASSIFY = { task: "text-classification", classes };

  it("are numbered by name", async () => {
    expect(["a", "b"].map((name) => classes.idOf(name))).toEqual([0, 1]);
    expect(classLabels(["a"], { a: 5, z: 1 }).idOf("a")).toBe(5);
    expect(classLabels(["a", "x"], { a: 5 }).idOf("a")).toBe(0);
    expect(classes.nameOf(1)).toBe("b");
    expect(classes.idOf(7)).toBe(7);
    expect(() => classes.idOf("c")).toThrow(/no class/);
    const row = await encode({ text: "x", label: "b" }, plain, CLASSIFY);
    expect(row.labels).toEqual({ kind: "classes", dims: [], values: Int32Array.of(1) });
    expect(row).toMatchObject({ inputText: "x", expectedText: "b", promptIds: [] });
  });

  it("are targets of a regression", async () => {
    const row = await encode({ text: "x", label: 0.5 }, plain, { task: "regression" });
    expect(row.labels).toEqual({ kind: "floats", dims: [], values: Float32Array.of(0.5) });
  });
});

describe("rows of tokens", () => {
  it("stand as they are", async () => {
    const row = await encode(
      { input_ids: [0, 0, 1, 5, 6], attention_mask: [0, 0, 1, 1, 1], labels: [-100, -100, -100, 5, 6] },
      undefined,
    );
    expect([...row.inputIds]).toEqual([0, 0, 1, 5, 6]);
    expect([...(row.columns.get("attention_mask") ?? [])]).toEqual([0, 0, 1, 1, 1]);
    expect([row.promptIds, row.expectedIds]).toEqual([[1], [5, 6]]);
    expect(row.expectedText).toBe("5 6");
    expect([...row.labels.values].filter((label) => label !== -100)).toHaveLength(2);
  });

  it("are all trained where they have no labels, but for padding", async () => {
    const row = await encode({ input_ids: [7, 8, 0], attention_mask: [1, 1, 0] }, undefined);
    expect([...row.labels.values]).toEqual([7, 8, -100]);
  });

  it("may have one label", async () => {
    const row = await encode({ input_ids: [7], labels: 3 }, undefined, { task: "text-classification" });
    expect(row.labels).toEqual({ kind: "classes", dims: [], values: Int32Array.of(3) });
    expect(row.expectedText).toBe("3");
  });
});

const MISFITS: readonly (readonly [
  name: string,
  row: unknown,
  tokenizer: Tokenizer | undefined,
  task: string,
  code: string,
])[] = [
  ["text without a tokenizer", { text: "a" }, undefined, "text-generation", "input.model"],
  ["a label where text is generated", { text: "a", label: 1 }, demo, "text-generation", "input.row"],
  [
    "a chat where rows are classified",
    { prompt: "a", completion: "b" },
    demo,
    "text-classification",
    "input.row",
  ],
  ["a chat without answer", { messages: [user("a")] }, demo, "text-generation", "input.row"],
  [
    "a chat whose answers are all skipped",
    { messages: [user("a"), assistant("b", 0)] },
    demo,
    "text-generation",
    "input.row",
  ],
  ["preferences", { prompt: "a", chosen: "b", rejected: "c" }, demo, "text-generation", "input.format"],
  ["tokens without labels", { input_ids: [1] }, undefined, "text-classification", "input.row"],
  ["tokens with one label", { input_ids: [1], labels: 1 }, undefined, "text-generation", "input.row"],
  ["a name that is regressed to", { text: "a", label: "b" }, plain, "regression", "input.row"],
  ["a class that is a fraction", { text: "a", label: 0.5 }, plain, "text-classification", "input.row"],
];

describe("rows that do not fit", () => {
  it.each(MISFITS)("are refused: %s", async (_name, row, tokenizer, task, code) => {
    const error = await encode(row, tokenizer, { task }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(IngotError);
    expect((error as IngotError).code).toBe(code);
    expect((error as IngotError).data.where).toBe("line 1");
    expect((error as IngotError).hint).toBeDefined();
  });

  it("are refused where the template leaves an answer out", async () => {
    const last = "{{ messages[-1].content }}<|im_end|>{% if add_generation_prompt %}>{% endif %}";
    const tokenizer = tinyTokenizer(["<|im_end|>"], { eos_token: "<|im_end|>", chat_template: last });
    const row = { messages: [user("aaaaaaaaa"), assistant("b"), user("ccccccccc"), assistant("d")] };
    await expect(encode(row, tokenizer)).rejects.toMatchObject({ code: "input.row" });
  });
});

describe("ids of examples", () => {
  it("do not depend on the order of keys or the layout of lines", async () => {
    const text = fc.string({ unit: "grapheme" });
    await fc.assert(
      fc.asyncProperty(text, text, fc.boolean(), fc.nat(4), async (prompt, completion, swap, indent) => {
        const row = { prompt, completion };
        const other = swap ? { completion, prompt, unknown: 1 } : { id: "x", prompt, completion };
        const ids: string[] = [];
        for (const value of [
          JSON.stringify(row),
          JSON.stringify([other], null, indent),
          `\ufeff${JSON.stringify(other)}\r\n`,
        ]) {
          const source = bytesSource(new TextEncoder().encode(value));
          for await (const { id } of readExamples(source, "x.json")) ids.push(id);
        }
        expect(new Set(ids).size).toBe(1);
        expect(ids.length).toBe(3);
      }),
    );
  });

  it("differ where the fields do", async () => {
    const rows = [
      { text: "a" },
      { text: "a " },
      { text: "a", label: 1 },
      { text: "a", label: "1" },
      { input_ids: [1] },
      { input_ids: [1], labels: 1 },
      { input_ids: [1], labels: [1] },
    ];
    const ids = await Promise.all(rows.map(async (row) => (await exampleOf(row)).id));
    expect(new Set(ids).size).toBe(rows.length);
  });
});

describe("batches", () => {
  const numbers = (values: unknown): number[] => Array.from(values as ArrayLike<bigint>, Number);

  it("are filled up on the right", async () => {
    const rows = [
      await encode({ input_ids: [7, 8, 9] }, undefined),
      await encode({ input_ids: [5] }, undefined),
    ];
    const names = ["input_ids", "attention_mask", "position_ids", "token_type_ids", "past_key_values.0.key"];
    const { inputs, labels } = collate(rows, { length: 4, padId: 3, inputs: names });
    expect([...inputs.keys()]).toEqual(names.slice(0, 4));
    expect(inputs.get("input_ids")).toEqual({
      dtype: "int64",
      dims: [2, 4],
      data: BigInt64Array.of(7n, 8n, 9n, 3n, 5n, 3n, 3n, 3n),
    });
    expect(numbers(inputs.get("attention_mask")?.data)).toEqual([1, 1, 1, 0, 1, 0, 0, 0]);
    expect(numbers(inputs.get("position_ids")?.data)).toEqual([0, 1, 2, 0, 0, 0, 0, 0]);
    expect(numbers(inputs.get("token_type_ids")?.data)).toEqual(new Array(8).fill(0));
    expect(labels).toEqual({
      kind: "classes",
      dims: [2, 4],
      values: Int32Array.of(7, 8, 9, -100, 5, -100, -100, -100),
    });
  });

  it("keep padding that rows bring on the left", async () => {
    const row = await encode(
      { input_ids: [0, 0, 5, 6], attention_mask: [0, 0, 1, 1], labels: [-100, -100, -100, 6] },
      undefined,
    );
    const { inputs } = collate([row], { length: 6, padId: 0, inputs: ["attention_mask", "position_ids"] });
    expect(numbers(inputs.get("attention_mask")?.data)).toEqual([0, 0, 1, 1, 0, 0]);
    expect(numbers(inputs.get("position_ids")?.data)).toEqual([0, 0, 0, 1, 0, 0]);
  });

  it("hold one label a row, or the decoder's", async () => {
    const one = await encode({ input_ids: [1], labels: 3 }, undefined, { task: "text-classification" });
    expect(collate([one, one], { length: 2, padId: 0, inputs: [] }).labels).toEqual({
      kind: "classes",
      dims: [2],
      values: Int32Array.of(3, 3),
    });
    const decoder = await encode(
      { input_ids: [1, 2], decoder_input_ids: [0, 4, 5], labels: [4, 5, 1] },
      undefined,
      { task: "text2text-generation" },
    );
    const batch = collate([decoder], {
      length: 2,
      decoderLength: 4,
      padId: 9,
      inputs: ["decoder_input_ids", "decoder_attention_mask"],
    });
    expect(numbers(batch.inputs.get("decoder_input_ids")?.data)).toEqual([0, 4, 5, 9]);
    expect(numbers(batch.inputs.get("decoder_attention_mask")?.data)).toEqual([1, 1, 1, 0]);
    expect([...batch.labels.values]).toEqual([4, 5, 1, -100]);
    await expect(async () =>
      collate([one, await encode({ input_ids: [1] }, undefined)], { length: 2, padId: 0, inputs: [] }),
    ).rejects.toThrow(/label/);
  });
});
