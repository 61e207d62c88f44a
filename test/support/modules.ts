import type { Module } from "../../src/onnx/modules.ts";

/** A linear module of the given path and size, with its weight as `W:path` and its output as `y:path`. */
export function linear(path: string, extras: Partial<Module> = {}): Module {
  return {
    path,
    kind: "linear",
    weight: `W:${path}`,
    transposed: false,
    inFeatures: 6,
    outFeatures: 4,
    outputs: [`y:${path}`],
    isOutput: false,
    ...extras,
  };
}

/** A convolution of 3 to 8 channels. */
export function convolution(path: string, extras: Partial<NonNullable<Module["conv"]>> = {}): Module {
  return {
    ...linear(path, { inFeatures: 3, outFeatures: 8 }),
    kind: "conv",
    conv: {
      kernel: [3, 2],
      strides: [2, 1],
      pads: [1, 0, 1, 1],
      dilations: [1, 1],
      group: 1,
      autoPad: "NOTSET",
      ...extras,
    },
  };
}

/** Two layers of a decoder and its output layer, as PEFT names them. */
export const DECODER: readonly Module[] = [
  ...[0, 1].flatMap((layer) => [
    ...["q_proj", "k_proj", "v_proj", "o_proj"].map((name) =>
      linear(`model.layers.${layer}.self_attn.${name}`),
    ),
    ...["gate_proj", "up_proj", "down_proj"].map((name) => linear(`model.layers.${layer}.mlp.${name}`)),
  ]),
  linear("lm_head", { isOutput: true, outFeatures: 50 }),
  convolution("vision.patch_embed.proj"),
];
