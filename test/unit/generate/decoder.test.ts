import { describe, expect, it } from "vitest";
import { openDecoder } from "../../../src/generate/decoder.ts";
import { answerPrompt } from "../../../src/generate/generate.ts";
import { answerGreedily } from "../../../src/generate/greedy-batch.ts";
import type { HostTensor, Session, ValueFacts } from "../../../src/runtime/session.ts";

const VOCABULARY = 16;

interface Fake extends Session {
  /** Rows and tokens of each run. */
  readonly runs: (readonly [rows: number, tokens: number])[];
}

/**
 * A model whose next token is (sum of the tokens read + the position of the last) modulo the vocabulary, with a cache that
 * holds the tokens. With `ignoresMask` padding counts as tokens: such a model cannot be padded on the left.
 */
function fakeSession({ cached, ignoresMask = false }: { cached: boolean; ignoresMask?: boolean }): Fake {
  const runs: (readonly [number, number])[] = [];
  const facts = new Map<string, ValueFacts>([
    ["input_ids", { dtype: "int64", dims: ["batch", "time"] }],
    ["attention_mask", { dtype: "int64", dims: ["batch", "all"] }],
    ["position_ids", { dtype: "int64", dims: ["batch", "time"] }],
    ...(cached
      ? ([["past_key_values.0.key", { dtype: "float32", dims: ["batch", 1, "past", 1] }]] as const)
      : []),
  ]);
  return {
    runs,
    inputNames: [...facts.keys()],
    outputNames: ["logits", ...(cached ? ["present.0.key"] : [])],
    inputFacts: facts,
    outputFacts: new Map([["logits", { dtype: "float32", dims: ["batch", "time", VOCABULARY] }]]),
    close: async () => undefined,
    run: async (feeds) => {
      const { dims, data } = feeds.get("input_ids") as HostTensor;
      const [rows, time] = dims as [number, number];
      runs.push([rows, time]);
      const ids = Array.from(data as BigInt64Array, Number);
      const mask = Array.from(feeds.get("attention_mask")?.data as BigInt64Array, Number);
      const positions = Array.from(feeds.get("position_ids")?.data as BigInt64Array, Number);
      const past = feeds.get("past_key_values.0.key");
      const before = past?.dims[2] ?? 0;
      const cache = (past?.data ?? []) as ArrayLike<number>;
      const all = before + time;
      const kept = new Float32Array(rows * all);
      const logits = new Float32Array(rows * time * VOCABULARY);
      for (let row = 0; row < rows; row++) {
        for (let t = 0; t < all; t++) {
          const value = t < before ? cache[row * before + t] : ids[row * time + t - before];
          kept[row * all + t] = value ?? Number.NaN;
        }
        for (let t = 0; t < time; t++) {
          let sum = ignoresMask ? before + t : (positions[row * time + t] ?? Number.NaN);
          for (let s = 0; s <= before + t; s++)
            sum +=
              ignoresMask || mask[row * all + s] === 1
                ? (kept[row * all + s] ?? 0) + (ignoresMask ? 1 : 0)
                : 0;
          logits[(row * time + t) * VOCABULARY + (sum % VOCABULARY)] = 1;
        }
      }
      const outputs = new Map<string, HostTensor>([
        ["logits", { dtype: "float32", dims: [rows, time, VOCABULARY], data: logits }],
      ]);
      if (cached) outputs.set("present.0.key", { dtype: "float32", dims: [rows, 1, all, 1], data: kept });
      return outputs;
    },
  };
}

/** The answer by hand. */
function expected(prompt: readonly number[], most: number, stop: number, ignoresMask: boolean): number[] {
  const read = [...prompt];
  const answer: number[] = [];
  while (answer.length < most) {
    const sum =
      read.reduce((total, token) => total + token, 0) + read.length - 1 + (ignoresMask ? read.length : 0);
    const next = sum % VOCABULARY;
    answer.push(next);
    read.push(next);
    if (next === stop) break;
  }
  return answer;
}

const prompts = [[3], [1, 2, 3], [], [9, 9, 9, 9, 9, 9, 9], [5, 5], [2, 4], [7, 1, 1], [8]];
const maxNewTokens = [9, 4, 5, 6, 0, 12, 7, 1];
const STOP = 13;

describe("greedy answers to many prompts", () => {
  const cases = [
    { cached: true, ignoresMask: false },
    { cached: false, ignoresMask: false },
    { cached: true, ignoresMask: true },
  ];
  it.each(cases)("are those of each alone: %o", async (kind) => {
    for (const batchRows of [1, 2, 3, 64]) {
      const session = fakeSession(kind);
      const answers = await answerGreedily(openDecoder(session), {
        prompts,
        maxNewTokens,
        stopIds: [STOP],
        batchRows,
      });
      const wanted = prompts.map((prompt, i) =>
        prompt.length === 0 ? [] : expected(prompt, maxNewTokens[i] as number, STOP, kind.ignoresMask),
      );
      expect(answers, `${batchRows} rows`).toEqual(wanted);
    }
  });

  it("read each position once with a cache, and leave rows that ended", async () => {
    const session = fakeSession({ cached: true });
    await answerGreedily(openDecoder(session), {
      prompts: [
        [1, 2],
        [3, 4],
      ],
      maxNewTokens: [1, 4],
      stopIds: [],
    });
    expect(session.runs).toEqual([
      [2, 2],
      [1, 1],
      [1, 1],
      [1, 1],
    ]);
  });

  it("run rows of equal length together where the model cannot be padded", async () => {
    const session = fakeSession({ cached: true, ignoresMask: true });
    await answerGreedily(openDecoder(session), {
      prompts: [[1], [1, 2], [3, 4], [5]],
      maxNewTokens: [1, 1, 1, 1],
      stopIds: [],
    });
    expect(session.runs.slice(-2)).toEqual([
      [2, 1],
      [2, 2],
    ]);
  });
});

describe("one answer", () => {
  const tokenizer = {
    stopIds: [STOP],
    decode: (ids: readonly number[]) => ids.map((id) => `<${id}>`).join(""),
  };

  it("ends at a stop token or at its length", async () => {
    const decoder = openDecoder(fakeSession({ cached: true }));
    const whole = expected([2, 4], 12, STOP, false);
    const ask = (maxNewTokens: number) =>
      answerPrompt(decoder, { tokenizer, promptIds: [2, 4], maxNewTokens });
    expect((await ask(3)).ids).toEqual(whole.slice(0, 3));
    expect(await ask(3)).toMatchObject({ ended: "length", stopId: undefined });
    expect(await ask(0)).toMatchObject({ ids: [], text: "", ended: "length" });
    const told: string[] = [];
    const stopped = await answerPrompt(decoder, {
      tokenizer,
      promptIds: [2, 4],
      maxNewTokens: 12,
      stopIds: [whole[1] as number],
      onText: (added) => void told.push(added),
    });
    expect(stopped).toMatchObject({ ids: whole.slice(0, 1), ended: "stop", stopId: whole[1] });
    expect(told.join("")).toBe(stopped.text);
  });

  it("is told in whole characters", async () => {
    const bytes = new TextEncoder().encode("é€");
    const decode = (ids: readonly number[]): string => new TextDecoder().decode(bytes.slice(0, ids.length));
    const told: string[] = [];
    await answerPrompt(openDecoder(fakeSession({ cached: true })), {
      tokenizer: { stopIds: [], decode },
      promptIds: [1],
      maxNewTokens: 5,
      onText: (added) => void told.push(added),
    });
    expect(told).toEqual(["é", "€"]);
  });
});

describe("models that do not fit", () => {
  const refused = (change: Partial<Session>): void => {
    expect(() => openDecoder({ ...fakeSession({ cached: true }), ...change })).toThrow(
      expect.objectContaining({ code: "input.model" }),
    );
  };
  it("are refused with the input that is in the way", () => {
    refused({ inputNames: ["input_ids", "pixel_values"] });
    refused({ inputNames: ["pixel_values"] });
    refused({ outputNames: ["logits"] });
    refused({ outputNames: ["present.0.key"] });
    refused({ inputFacts: new Map() });
    refused({ inputFacts: new Map([["past_key_values.0.key", { dims: ["batch", "heads", "past", 1] }]]) });
  });

  it("take an adapter's tensors", async () => {
    const session = fakeSession({ cached: true });
    const inputNames = [...session.inputNames, "lora.A"];
    const extra = new Map<string, HostTensor>([
      ["lora.A", { dtype: "float32", dims: [1], data: Float32Array.of(1) }],
      ["lora.unused", { dtype: "float32", dims: [1], data: Float32Array.of(1) }],
    ]);
    const seen = new Set<string>();
    const run: Session["run"] = (feeds, outputs) => {
      for (const name of feeds.keys()) seen.add(name);
      return session.run(feeds, outputs);
    };
    await openDecoder({ ...session, inputNames, run }, { extra }).open([[1]]);
    expect([...seen].sort()).toEqual([
      "attention_mask",
      "input_ids",
      "lora.A",
      "past_key_values.0.key",
      "position_ids",
    ]);
  });
});
