import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IngotError } from "../../../src/base/errors.ts";
import {
  type AdapterConfig,
  fullLayers,
  initialValues,
  layersOfFile,
  loraLayers,
  pairShapes,
  tensorsOf,
} from "../../../src/train/adapter.ts";
import { convolution, DECODER, linear } from "../../support/modules.ts";
import { recipeOf } from "../../support/recipes.ts";

const CONFIG: AdapterConfig = {
  r: 2,
  lora_alpha: 8,
  target_modules: ["q_proj"],
  modules_to_save: [],
  use_rslora: false,
  rank_pattern: {},
  alpha_pattern: {},
};
const Q = "base_model.model.model.layers.0.self_attn.q_proj";

function refusal(run: () => unknown): IngotError {
  try {
    run();
  } catch (error) {
    if (error instanceof IngotError) return error;
    throw error;
  }
  throw new Error("not refused");
}

function ofFile(tensors: Readonly<Record<string, readonly number[]>>, config: Partial<AdapterConfig> = {}) {
  return layersOfFile(DECODER, { ...CONFIG, ...config }, new Map(Object.entries(tensors)), "p/");
}

const GOOD = { [`${Q}.lora_A.weight`]: [2, 6], [`${Q}.lora_B.weight`]: [4, 2] };

describe("the layers of a recipe", () => {
  it("have PEFT's names, shapes and scaling", () => {
    const recipe = recipeOf({
      r: 4,
      lora_alpha: 8,
      target_modules: ["q_proj", "patch_embed.proj"],
      modules_to_save: ["lm_head"],
      rank_pattern: { "layers.1.self_attn.q_proj": 2 },
      alpha_pattern: { "layers.0.self_attn.q_proj": 6 },
    });
    const layers = loraLayers(DECODER, recipe, true, "p/");
    const shapes = Object.fromEntries(
      tensorsOf(layers).map((t) => [t.key.replace("base_model.model.", ""), t.dims]),
    );
    expect(shapes).toEqual({
      "model.layers.0.self_attn.q_proj.lora_A.weight": [4, 6],
      "model.layers.0.self_attn.q_proj.lora_B.weight": [4, 4],
      "model.layers.1.self_attn.q_proj.lora_A.weight": [2, 6],
      "model.layers.1.self_attn.q_proj.lora_B.weight": [4, 2],
      "vision.patch_embed.proj.lora_A.weight": [4, 3, 3, 2],
      "vision.patch_embed.proj.lora_B.weight": [8, 4, 1, 1],
      "lm_head.weight": [50, 6],
    });
    expect(layers.pairs.map((p) => [p.rank, p.scaling])).toEqual([
      [4, 6 / 4],
      [2, 8 / 2],
      [4, 8 / 4],
    ]);
    for (const t of tensorsOf(layers)) expect(t.input).toBe(`p/${t.key}`);
    const rslora = loraLayers(DECODER, { ...recipe, use_rslora: true }, true, "p/");
    expect(rslora.pairs.map((p) => p.scaling)).toEqual([6 / 2, 8 / Math.sqrt(2), 8 / 2]);
  });

  it("decay but for the bias of a saved module", () => {
    const head = linear("classifier", { bias: "b", transposed: true });
    const layers = loraLayers([head, linear("q")], recipeOf({ modules_to_save: ["classifier"] }), true, "");
    expect(tensorsOf(layers).map((t) => [t.key, t.decays])).toEqual([
      ["base_model.model.q.lora_A.weight", true],
      ["base_model.model.q.lora_B.weight", true],
      ["base_model.model.classifier.weight", true],
      ["base_model.model.classifier.bias", false],
    ]);
    expect(layers.replaced.map((r) => [r.initializer, r.transposed])).toEqual([
      ["W:classifier", true],
      ["b", false],
    ]);
  });

  it("are refused on a grouped convolution and with a rank beyond all sense", () => {
    const grouped = [convolution("c", { group: 3 })];
    const on = (modules: readonly ReturnType<typeof linear>[], input: object) => () =>
      loraLayers(modules, recipeOf({ target_modules: ["c"], ...input }), true, "");
    expect(refusal(on(grouped, {})).message).toMatch(/grouped/);
    expect(refusal(on([linear("c")], { r: 1_000_000_000 })).message).toMatch(/rank 1000000000/);
  });

  it("of full training are the parameters as the file has them", () => {
    const layers = fullLayers([{ initializer: "w", dims: [2, 3], decays: true }], "p/");
    expect(layers).toEqual({
      pairs: [],
      replaced: [
        {
          initializer: "w",
          tensor: { key: "w", input: "p/w", dims: [2, 3], decays: true },
          transposed: false,
        },
      ],
    });
  });
});

describe("the layers of an adapter's file", () => {
  it("are those that made it", () => {
    const recipe = recipeOf({
      r: 4,
      target_modules: ["q_proj", "down_proj", "patch_embed.proj"],
      modules_to_save: ["lm_head"],
      rank_pattern: { down_proj: 2 },
      alpha_pattern: { q_proj: 3 },
    });
    const made = loraLayers(DECODER, recipe, true, "p/");
    const dims = new Map(tensorsOf(made).map((t) => [t.key, t.dims]));
    expect(layersOfFile(DECODER, recipe, dims, "p/")).toEqual(made);
  });

  const inFile: readonly (readonly [
    string,
    Readonly<Record<string, readonly number[]>>,
    Partial<AdapterConfig>,
    RegExp,
  ])[] = [
    ["rank 0", { [`${Q}.lora_A.weight`]: [0, 6], [`${Q}.lora_B.weight`]: [4, 0] }, {}, /rank 0/],
    [
      "rank 1e9",
      { [`${Q}.lora_A.weight`]: [1e9, 6], [`${Q}.lora_B.weight`]: [4, 1e9] },
      { r: 1e9 },
      /rank 1000000000/,
    ],
    ["alpha NaN", GOOD, { lora_alpha: Number.NaN }, /alpha NaN/],
    ["a rank that its configuration does not say", GOOD, { r: 3 }, /rank|\[2, 6\]/],
    [
      "another input size",
      { ...GOOD, [`${Q}.lora_A.weight`]: [2, 7] },
      {},
      /\[2, 7\], the base needs \[2, 6\]/,
    ],
    [
      "another output size",
      { ...GOOD, [`${Q}.lora_B.weight`]: [5, 2] },
      {},
      /\[5, 2\], the base needs \[4, 2\]/,
    ],
    ["a scalar", { ...GOOD, [`${Q}.lora_A.weight`]: [] }, {}, /rank 0|\[\]/],
    ["lora_A alone", { [`${Q}.lora_A.weight`]: [2, 6] }, {}, /lacks/],
    ["lora_B alone", { [`${Q}.lora_B.weight`]: [4, 2] }, {}, /no lora_A/],
    [
      "a module that the base lacks",
      {
        "base_model.model.h.0.attn.lora_A.weight": [2, 6],
        "base_model.model.h.0.attn.lora_B.weight": [4, 2],
      },
      {},
      /no module 'h\.0\.attn'/,
    ],
    ["a tensor of no module", { ...GOOD, "model.layers.0.weight": [4] }, {}, /no module for/],
    [
      "a saved tensor of another shape",
      { "base_model.model.lm_head.weight": [51, 6] },
      {},
      /\[51, 6\], the base needs \[50, 6\]/,
    ],
    ["a bias that the module lacks", { "base_model.model.lm_head.bias": [50] }, {}, /no tensor for/],
    ["no tensor", {}, {}, /changes no module/],
  ];
  it.each(inFile)("are refused with %s", (_, tensors, config, message) => {
    const error = refusal(() => ofFile(tensors, config));
    expect([error.code, error.exit]).toEqual(["input.adapter", 3]);
    expect(error.message).toMatch(message);
  });
});

describe("the start of a fresh adapter", () => {
  it("is PEFT's: A within 1/sqrt(fan in), B zero, the saved as the base has it in PyTorch's layout", () => {
    const modules = [
      linear("q"),
      convolution("c"),
      linear("head", { transposed: true, inFeatures: 3, outFeatures: 2 }),
    ];
    const recipe = recipeOf({ r: 64, target_modules: ["q", "c"], modules_to_save: ["head"] });
    const layers = loraLayers(modules, recipe, true, "");
    const values = initialValues(layers, 7, () => Float32Array.of(1, 2, 3, 4, 5, 6));
    expect([...values.get("base_model.model.head.weight")!]).toEqual([1, 3, 5, 2, 4, 6]);
    for (const [module, fanIn] of [
      [modules[0]!, 6],
      [modules[1]!, 18],
    ] as const) {
      const a = values.get(`base_model.model.${module.path}.lora_A.weight`)!;
      const b = values.get(`base_model.model.${module.path}.lora_B.weight`)!;
      const { a: aDims, b: bDims } = pairShapes(module, 64);
      expect([a.length, b.length]).toEqual([aDims, bDims].map((d) => d.reduce((x, y) => x * y, 1)));
      expect(b.every((x) => x === 0)).toBe(true);
      const bound = 1 / Math.sqrt(fanIn);
      expect(Math.max(...a.map(Math.abs))).toBeLessThanOrEqual(bound);
      const variance = a.reduce((sum, x) => sum + x * x, 0) / a.length;
      expect(variance).toBeGreaterThan((bound * bound) / 3 / 1.25);
      expect(variance).toBeLessThan(((bound * bound) / 3) * 1.25);
    }
  });

  it("is a function of the seed, and differs from module to module", () => {
    const layers = loraLayers([linear("a"), linear("b")], recipeOf(), true, "");
    const start = (seed: number) => initialValues(layers, seed, () => new Float32Array());
    const a = (seed: number, path: string) => [...start(seed).get(`base_model.model.${path}.lora_A.weight`)!];
    fc.assert(
      fc.property(fc.nat(2 ** 31), (seed) => {
        expect(a(seed, "a")).toEqual(a(seed, "a"));
        expect(a(seed, "a")).not.toEqual(a(seed + 1, "a"));
        expect(a(seed, "a")).not.toEqual(a(seed, "b"));
      }),
      { numRuns: 20 },
    );
  });
});
