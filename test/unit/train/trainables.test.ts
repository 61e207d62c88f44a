import { describe, expect, it } from "vitest";
import { decayMask, decaysByName, layOut, totalSize } from "../../../src/train/trainables.ts";

const SPECS = [
  { key: "b.weight", input: "b", dims: [2, 3], decays: true },
  { key: "a.bias", input: "a", dims: [4], decays: false },
  { key: "B", input: "B", dims: [], decays: true },
  { key: "c", input: "c", dims: [1, 1, 5], decays: false },
];

describe("trainables", () => {
  it("lie in order of their keys, without gaps, whatever the order they came in", () => {
    const laid = layOut(SPECS);
    expect(laid.map((t) => [t.key, t.offset, t.size])).toEqual([
      ["B", 0, 1],
      ["a.bias", 1, 4],
      ["b.weight", 5, 6],
      ["c", 11, 5],
    ]);
    expect(layOut([...SPECS].reverse())).toEqual(laid);
    expect(totalSize(laid)).toBe(16);
    expect(decayMask(laid).join("")).toBe("1000011111100000");
  });

  it.each([
    ["model.layers.0.self_attn.q_proj.weight", true],
    ["model.layers.0.self_attn.q_proj.bias", false],
    ["base_model.model.classifier.bias", false],
    ["bert.encoder.layer.0.output.LayerNorm.weight", false],
    ["model.layers.0.input_layernorm.weight", false],
    ["model.norm.weight", false],
    ["model.layers.0.self_attn.q_norm.weight", false],
    ["transformer.RMSNorm.weight", false],
    ["resnet.embedder.normalization.weight", true],
    ["transformer.h.0.ln_1.weight", true],
    ["base_model.model.q_proj.lora_A.weight", true],
  ])("decay as transformers says: %s %s", (name, decays) => {
    expect(decaysByName(name)).toBe(decays);
    expect(decaysByName(name, true)).toBe(false);
  });
});
