import { describe, expect, it } from "vitest";
import { nearest } from "../../../src/base/nearest.ts";

const WORDS = ["learning_rate", "max_steps", "warmup_ratio", "seed", "r", "order"];

describe("the nearest word", () => {
  it.each([
    ["learning_rte", "learning_rate"],
    ["lerning_rate", "learning_rate"],
    ["LEARNING_RATE", "learning_rate"],
    ["max_step", "max_steps"],
    ["maxsteps", "max_steps"],
    ["sede", "seed"],
    ["oredr", "order"],
    ["warmup_ration", "warmup_ratio"],
  ])("of '%s' is '%s'", (typed, meant) => {
    expect(nearest(typed, WORDS)).toBe(meant);
  });

  it.each(["", "frobnicate", "zzzz", "x".repeat(100_000)])(
    "is none where nothing is near: %.20s",
    (typed) => {
      expect(nearest(typed, ["learning_rate", "max_steps"])).toBeUndefined();
    },
  );

  it("of a word of the list is the word itself", () => {
    for (const word of WORDS) expect(nearest(word, WORDS)).toBe(word);
  });

  it("of words equally near is the first", () => {
    expect(nearest("cat", ["bat", "rat"])).toBe("bat");
  });
});
