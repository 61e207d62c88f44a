import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bytesSource } from "../../src/base/ports.ts";
import { openDecoder } from "../../src/generate/decoder.ts";
import { answerPrompt } from "../../src/generate/generate.ts";
import { answerGreedily } from "../../src/generate/greedy-batch.ts";
import { openRuntime } from "../../src/runtime/ort.ts";
import type { Session } from "../../src/runtime/session.ts";
import { readExamples } from "../../src/text/dataset-file.ts";
import { openExampleEncoder } from "../../src/text/examples.ts";
import { parseChatTemplate } from "../../src/text/template.ts";
import { loadTokenizer } from "../../src/text/tokenizer.ts";

const base = new URL("../../demo/base-chat/", import.meta.url);
const file = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, base)));

/** What the README of the base says it answers. */
const ANSWERS: readonly (readonly [question: string, answer: string])[] = [
  ["Hello", "Hello! How can I help you?"],
  ["Who are you?", "I am a small language model. I know a little about words."],
  ["What does happy mean?", "A defense is a person who is not a good person."],
  ["What is a river?", "A river is a river in the southwestern United States."],
  ["Use house in a sentence.", "The house was a house."],
  ["What kind of thing is a dog?", "A dog is a kind of cherry."],
  ["What is the opposite of hot?", "Uncrowned."],
];

const tokenizer = loadTokenizer({
  tokenizerJson: file("tokenizer.json"),
  tokenizerConfig: file("tokenizer_config.json"),
  specialTokensMap: file("special_tokens_map.json"),
  generationConfig: file("generation_config.json"),
  config: file("config.json"),
});
const template = parseChatTemplate(tokenizer.chatTemplate ?? "");

function promptOf(question: string): number[] {
  const text = template.render([{ role: "user", content: question }], {
    addGenerationPrompt: true,
    bosToken: tokenizer.bosToken,
    eosToken: tokenizer.eosToken,
  });
  return tokenizer.encode(text, { addSpecialTokens: false });
}

describe("generation with the demo base", () => {
  let session: Session;
  beforeAll(async () => {
    session = await (await openRuntime()).open(file("model.onnx"), { threads: 1, optimize: "all" });
  });
  afterAll(() => session.close());

  it.each([true, false])("answers as its card says, with the cache %s", async (cache) => {
    const decoder = openDecoder(session, { cache });
    expect(decoder.hasCache).toBe(cache);
    for (const [question, answer] of ANSWERS) {
      let streamed = "";
      const result = await answerPrompt(decoder, {
        tokenizer,
        promptIds: promptOf(question),
        maxNewTokens: 40,
        onText: (added) => {
          streamed += added;
        },
      });
      expect(result).toMatchObject({ text: answer, ended: "stop", stopId: 5 });
      expect(streamed).toBe(answer);
    }
  });

  it("answers many prompts of many lengths as it answers them one by one", async () => {
    const rows = readFileSync(new URL("../../demo/git-basics.jsonl", import.meta.url));
    const prompts: number[][] = ANSWERS.map(([question]) => promptOf(question));
    const encode = openExampleEncoder(tokenizer, { task: "text-generation" });
    for await (const example of readExamples(bytesSource(new Uint8Array(rows)), "git-basics.jsonl")) {
      if (prompts.length < 40) prompts.push([...encode(example).promptIds]);
    }
    expect(new Set(prompts.map((prompt) => prompt.length)).size).toBeGreaterThan(5);
    const options = { prompts, maxNewTokens: prompts.map((_, i) => 6 + (i % 7)), stopIds: tokenizer.stopIds };
    const decoder = openDecoder(session);
    const single = await answerGreedily(decoder, { ...options, batchRows: 1 });
    expect(await answerGreedily(decoder, options)).toEqual(single);
    expect(await answerGreedily(decoder, { ...options, batchRows: 7 })).toEqual(single);
    expect(await answerGreedily({ ...decoder, canPad: false }, options)).toEqual(single);
    expect(await answerGreedily(openDecoder(session, { cache: false }), options)).toEqual(single);
    single.forEach((answer, i) => {
      const atEnd = tokenizer.stopIds.includes(answer.at(-1) ?? -1);
      expect(answer.length === options.maxNewTokens[i] || atEnd).toBe(true);
    });
  });

  it("samples the same answer for the same seed and others for other seeds", async () => {
    const ask = async (seed: number): Promise<string> => {
      const sampling = { temperature: 1.5, topK: 50, topP: 0.95, seed };
      return (
        await answerPrompt(openDecoder(session), {
          tokenizer,
          promptIds: promptOf("What is a river?"),
          maxNewTokens: 12,
          sampling,
        })
      ).text;
    };
    const answers = await Promise.all([1, 2, 3, 4].map(ask));
    expect(await ask(1)).toBe(answers[0]);
    expect(new Set(answers).size).toBeGreaterThan(1);
  });

  it("stops between two tokens when it is told to", async () => {
    const abort = new AbortController();
    const result = await answerPrompt(openDecoder(session), {
      tokenizer,
      promptIds: promptOf("Who are you?"),
      maxNewTokens: 40,
      signal: abort.signal,
      onText: () => abort.abort(),
    });
    expect(result.ended).toBe("aborted");
    expect(result.ids.length).toBe(1);
  });

  it("refuses an empty prompt", async () => {
    const asked = answerPrompt(openDecoder(session), { tokenizer, promptIds: [], maxNewTokens: 4 });
    await expect(asked).rejects.toMatchObject({ code: "input.row" });
  });
});
