import { describe, expect, it } from "vitest";
import { IngotError } from "../../../src/base/errors.ts";
import { byPattern, savedModules, targetModules } from "../../../src/train/targets.ts";
import { DECODER } from "../../support/modules.ts";

function paths(
  target_modules: string | readonly string[],
  modules_to_save: readonly string[] = [],
  named = true,
) {
  return targetModules(DECODER, { target_modules, modules_to_save }, named).map((m) => m.path);
}

function refusal(run: () => unknown): IngotError {
  try {
    run();
  } catch (error) {
    if (error instanceof IngotError) return error;
    throw error;
  }
  throw new Error("not refused");
}

describe("target modules", () => {
  it.each([
    [["q_proj"], ["model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.q_proj"]],
    [["layers.1.self_attn.q_proj"], ["model.layers.1.self_attn.q_proj"]],
    [["model.layers.0.mlp.up_proj"], ["model.layers.0.mlp.up_proj"]],
    [
      ["up_proj", "lm_head"],
      ["model.layers.0.mlp.up_proj", "model.layers.1.mlp.up_proj", "lm_head"],
    ],
    [".*layers\\.0.*(q|v)_proj", ["model.layers.0.self_attn.q_proj", "model.layers.0.self_attn.v_proj"]],
    ["lm_head|.*down_proj", ["model.layers.0.mlp.down_proj", "model.layers.1.mlp.down_proj", "lm_head"]],
    [["patch_embed.proj"], ["vision.patch_embed.proj"]],
  ] as const)("%j", (wanted, found) => {
    expect(paths(wanted)).toEqual(found);
  });

  it("named by a part of a name are none: names end where a dot stands", () => {
    expect(refusal(() => paths(["proj_q"])).code).toBe("input.adapter");
    expect(refusal(() => paths(["_proj"])).code).toBe("input.adapter");
    expect(paths(["proj"])).toEqual(["vision.patch_embed.proj"]);
  });

  it("of a regular expression match the whole path, as re.fullmatch does", () => {
    expect(refusal(() => paths("q_proj")).code).toBe("input.adapter");
    expect(refusal(() => paths("model")).code).toBe("input.adapter");
    expect(paths("a|.*0.*q_proj|b")).toEqual(["model.layers.0.self_attn.q_proj"]);
  });

  it("all-linear is every linear layer, the output layer only of a bare file, no convolution", () => {
    expect(paths("all-linear")).toHaveLength(14);
    expect(paths("all-linear")).not.toContain("lm_head");
    expect(paths("all-linear", [], false)).toHaveLength(15);
    expect(paths("all-linear", [], false)).not.toContain("vision.patch_embed.proj");
  });

  it("leave out what is saved whole", () => {
    expect(paths("all-linear", ["up_proj"])).toHaveLength(12);
    expect(paths(["q_proj", "k_proj"], ["layers.0.self_attn.q_proj", "missing"])).toEqual([
      "model.layers.0.self_attn.k_proj",
      "model.layers.1.self_attn.q_proj",
      "model.layers.1.self_attn.k_proj",
    ]);
    expect(savedModules(DECODER, ["score", "classifier"])).toEqual([]);
  });

  it.each([
    [["q_prj"], "did you mean 'q_proj'?"],
    [["q_proj", "up_porj"], "did you mean 'up_proj'?"],
    [["zzzzzzzz"], /^modules of this model: q_proj, /],
    ["nothing.*", /^modules of this model: |^did you mean/],
  ] as const)("that match nothing are refused: %j", (wanted, hint) => {
    const error = refusal(() => paths(wanted));
    expect([error.code, error.exit]).toEqual(["input.adapter", 3]);
    expect(error.hint).toMatch(hint);
  });

  it.each(["(", "[a", "a{2,1}", "x".repeat(513)])(
    "are refused where the expression is none: %.10s",
    (wanted) => {
      expect(refusal(() => paths(wanted)).code).toBe("usage.recipe");
    },
  );

  it("of a model without linear layers are refused", () => {
    const none = () => targetModules([], { target_modules: "all-linear", modules_to_save: [] }, true);
    expect(refusal(none).hint).toMatch(/--method full/);
  });
});

describe("patterns of ranks and alphas", () => {
  // As PEFT's get_pattern_key: re.match(rf"(.*\.)?({key})$", path), the first that matches.
  it.each([
    [{ q_proj: 2 }, "model.layers.0.self_attn.q_proj", 2],
    [{ q_proj: 2 }, "q_proj", 2],
    [{ q_proj: 2 }, "model.layers.0.self_attn.eq_proj", undefined],
    [{ q_proj: 2 }, "model.q_proj.lora", undefined],
    [{ "layers.1.mlp.down_proj": 8, q_proj: 2 }, "model.layers.1.mlp.down_proj", 8],
    [{ "layers.1.mlp.down_proj": 8 }, "model.layers.11.mlp.down_proj", undefined],
    [{ "layers.1.mlp.down_proj": 8 }, "model.layers.1.mlp.down_proj", 8],
    [{ "^model.*q_proj": 4 }, "model.layers.0.self_attn.q_proj", 4],
    [{ "layers\\.\\d+\\.mlp\\..*": 16 }, "model.layers.12.mlp.up_proj", 16],
    [{ "q_proj|k_proj": 3 }, "model.layers.0.self_attn.k_proj", 3],
    [{ "self_attn.q_proj": 1, q_proj: 9 }, "model.layers.0.self_attn.q_proj", 1],
    [{ q_proj: 9, "self_attn.q_proj": 1 }, "model.layers.0.self_attn.q_proj", 9],
    [{}, "anything", undefined],
  ] as const)("%j of '%s' is %s", (patterns, path, value) => {
    expect(byPattern(patterns as Record<string, number>, path, "rank_pattern")).toBe(value);
  });
});
