import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IngotError } from "../../../src/base/errors.ts";
import { loadTokenizer } from "../../../src/text/tokenizer.ts";
import { CHATML, FRAME, json, tinyTokenizer, tinyTokenizerJson } from "./tiny-tokenizer.ts";

const base = new URL("../../../demo/base-chat/", import.meta.url);
const file = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, base)));

describe("the tokenizer of the demo base", () => {
  const tokenizer = loadTokenizer({
    tokenizerJson: file("tokenizer.json"),
    tokenizerConfig: file("tokenizer_config.json"),
    specialTokensMap: file("special_tokens_map.json"),
    generationConfig: file("generation_config.json"),
    config: file("config.json"),
  });

  it("knows its special tokens", () => {
    expect(tokenizer).toMatchObject({
      vocabularySize: 4096,
      bosToken: "<|bos|>",
      bosId: 1,
      eosToken: "<|eos|>",
      eosId: 2,
      padId: 0,
      stopIds: [2, 5],
    });
    expect([...tokenizer.specialIds].sort()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(tokenizer.chatTemplate).toContain("<|assistant|>");
  });

  it("gives every text back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const ids = tokenizer.encode(text, { addSpecialTokens: true });
        expect(tokenizer.decode(ids, { skipSpecialTokens: false })).toBe(text);
      }),
      { numRuns: 200 },
    );
  });
});

describe("special tokens", () => {
  it("come from whichever file names them", () => {
    const stops = (config: unknown, files = {}): readonly number[] =>
      tinyTokenizer(["<s>", "</s>", "<end>"], config as Record<string, unknown>, { files }).stopIds;
    expect(stops({ eos_token: "</s>" })).toEqual([257]);
    expect(stops({ eos_token: { content: "</s>" } })).toEqual([257]);
    expect(stops({}, { specialTokensMap: json({ eos_token: "</s>" }) })).toEqual([257]);
    expect(stops({}, { config: json({ eos_token_id: 258 }) })).toEqual([258]);
    expect(stops({ eos_token: "</s>" }, { generationConfig: json({ eos_token_id: [258, 257] }) })).toEqual([
      257, 258,
    ]);
    expect(stops({}, { generationConfig: json({ eos_token_id: [null, -1, "x", 1.5] }) })).toEqual([]);
  });

  it("fill up rows with the end token where there is no other", () => {
    expect(tinyTokenizer(["<s>", "</s>"], { eos_token: "</s>" }).padId).toBe(257);
    expect(tinyTokenizer(["<s>", "</s>"], { eos_token: "</s>", pad_token: "<s>" }).padId).toBe(256);
    expect(tinyTokenizer([], {}).padId).toBe(0);
  });

  it("are added and left out as asked", () => {
    const tokenizer = tinyTokenizer(["<s>", "</s>"], {}, { postProcessor: FRAME });
    expect(tokenizer.encode("a", { addSpecialTokens: true })).toEqual([256, 97, 257]);
    expect(tokenizer.encode("a", { addSpecialTokens: false })).toEqual([97]);
    expect(tokenizer.decode([256, 97, 257], { skipSpecialTokens: true })).toBe("a");
    expect(tokenizer.decode([256, 97, 257], { skipSpecialTokens: false })).toBe("<s>a</s>");
    expect(tokenizer.decode([], { skipSpecialTokens: false })).toBe("");
  });
});

describe("chat templates", () => {
  it("are found in all their places", () => {
    expect(tinyTokenizer([], { chat_template: CHATML }).chatTemplate).toBe(CHATML);
    const named = [
      { name: "tool_use", template: "tools" },
      { name: "default", template: CHATML },
    ];
    expect(tinyTokenizer([], { chat_template: named }).chatTemplate).toBe(CHATML);
    expect(tinyTokenizer([], {}).chatTemplate).toBeUndefined();
    const chatTemplate = new TextEncoder().encode("file");
    expect(tinyTokenizer([], { chat_template: CHATML }, { files: { chatTemplate } }).chatTemplate).toBe(
      "file",
    );
  });
});

type Edit = (file: { model: object }) => unknown;

const HOSTILE: readonly (readonly [name: string, edit: Edit])[] = [
  ["a list", () => []],
  ["no model", ({ model: _, ...rest }) => rest],
  ["a model that is text", (file) => ({ ...file, model: "BPE" })],
  ["an unknown model", (file) => ({ ...file, model: { ...file.model, type: "__proto__" } })],
  ["a vocabulary that is a list", (file) => ({ ...file, model: { ...file.model, vocab: [] } })],
  ["an empty vocabulary", (file) => ({ ...file, model: { ...file.model, vocab: {} } })],
  ["an id of 1e9", (file) => ({ ...file, model: { ...file.model, vocab: { a: 1e9 } } })],
  ["an id below 0", (file) => ({ ...file, model: { ...file.model, vocab: { a: -1 } } })],
  ["an id that is text", (file) => ({ ...file, model: { ...file.model, vocab: { a: "constructor" } } })],
  ["merges that are numbers", (file) => ({ ...file, model: { ...file.model, merges: [1, 2] } })],
  ["merges of three", (file) => ({ ...file, model: { ...file.model, merges: ["a b c"] } })],
  ["no merges", (file) => ({ ...file, model: { ...file.model, merges: null } })],
  ["added tokens that are no list", (file) => ({ ...file, added_tokens: { length: 5 } })],
  ["an added token without text", (file) => ({ ...file, added_tokens: [{ id: 1 }] })],
  ["an added token of id 1e12", (file) => ({ ...file, added_tokens: [{ id: 1e12, content: "x" }] })],
  ["a pre-tokenizer without type", (file) => ({ ...file, pre_tokenizer: {} })],
  ["an unknown pre-tokenizer", (file) => ({ ...file, pre_tokenizer: { type: "Shell" } })],
  ["an unknown decoder", (file) => ({ ...file, decoder: { type: "Eval" } })],
  [
    "a pattern that is no pattern",
    (file) => ({ ...file, pre_tokenizer: { type: "Split", pattern: { Regex: "(" }, behavior: "Isolated" } }),
  ],
  ["pieces without scores", (file) => ({ ...file, model: { type: "Unigram", vocab: [["a"]] } })],
];

describe("hostile tokenizers", () => {
  it.each(HOSTILE)("are refused: %s", (_name, edit) => {
    const bytes = json(edit(tinyTokenizerJson([])));
    try {
      loadTokenizer({ tokenizerJson: bytes });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(IngotError);
      expect((error as IngotError).code).toBe("input.tokenizer");
      expect((error as IngotError).data.where).toContain("tokenizer.json");
    }
  });

  it("are refused where they are no JSON", () => {
    expect(() => loadTokenizer({ tokenizerJson: new Uint8Array(10) })).toThrow(
      expect.objectContaining({ code: "input.json" }),
    );
    const bad = { tokenizerJson: json(tinyTokenizerJson([])), tokenizerConfig: json([1]) };
    expect(() => loadTokenizer(bad)).toThrow(expect.objectContaining({ code: "input.tokenizer" }));
    const template = { ...bad, tokenizerConfig: json({ chat_template: [1] }) };
    expect(() => loadTokenizer(template)).toThrow(expect.objectContaining({ code: "input.tokenizer" }));
  });

  it("take tokens that are names of JavaScript", () => {
    const file = tinyTokenizerJson(["__proto__", "constructor"]);
    const tokenizer = loadTokenizer({ tokenizerJson: json(file) });
    expect(tokenizer.encode("constructor", { addSpecialTokens: false })).toEqual([257]);
    expect(({} as Record<string, unknown>).content).toBeUndefined();
  });

  it("say which token a vocabulary lacks", () => {
    const model = { type: "WordPiece", unk_token: "[UNK]", continuing_subword_prefix: "##", vocab: { a: 0 } };
    const tokenizer = loadTokenizer({
      tokenizerJson: json({ ...tinyTokenizerJson([]), pre_tokenizer: null, model }),
    });
    expect(tokenizer.encode("a", { addSpecialTokens: false })).toEqual([0]);
    expect(() => tokenizer.encode("b", { addSpecialTokens: false })).toThrow(/no token for '\[UNK\]'/);
  });
});
