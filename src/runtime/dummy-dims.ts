import { intAttribute, intsAttribute } from "../onnx/attributes.ts";
import { indexGraph, weightBehind } from "../onnx/graph-index.ts";
import type { Dim, Model, ValueInfo } from "../onnx/model.ts";
import { isPastInput } from "./inputs.ts";

/** Sizes of images to try, in pixels, where the file does not say one. */
const IMAGE_SIZES = [224, 32, 28, 30, 64, 96, 128, 256, 384, 448, 512];

/** What is known of a model beside its graph. */
export interface DimHints {
  /** `image_size` of config.json. */
  readonly imageSize?: number;
  readonly batch?: number;
  /** Tokens of a row. */
  readonly time?: number;
}

/**
 * Dimensions to run a model with once, each set worth a try, the likeliest first: batch 1, a few tokens, an empty past, the channels
 * that the first convolution takes, the usual image sizes.
 */
export function dummyDims(
  model: Model,
  { imageSize, batch = 1, time = 8 }: DimHints = {},
): Map<string, readonly number[]>[] {
  const isImage = (input: ValueInfo) =>
    input.dims?.length === 4 && input.dtype?.startsWith("float") === true && !isPastInput(input.name);
  const open = model.graph.inputs.some(
    (input) => isImage(input) && input.dims?.slice(2).some((dim) => typeof dim !== "number"),
  );
  const { channels, stride } = firstConv(model);
  const sizes = open
    ? new Set([
        ...(imageSize === undefined ? [] : [imageSize]),
        ...sizesOfPositions(model, stride),
        ...IMAGE_SIZES,
      ])
    : [0];
  return [...sizes].map((size) => {
    const image = (axis: number) => (axis === 0 ? batch : axis === 1 ? channels : size);
    return new Map(
      model.graph.inputs.map((input) => {
        const declared: readonly Dim[] = input.dims ?? ["batch", "time"];
        const guess = (dim: string, axis: number) => {
          if (isImage(input)) return image(axis);
          if (axis === 0) return batch;
          return isPastInput(input.name) || /^past\w*$/.test(dim) ? 0 : time;
        };
        return [input.name, declared.map((dim, axis) => (typeof dim === "number" ? dim : guess(dim, axis)))];
      }),
    );
  });
}

/** Channels and stride of the first convolution that takes a graph input; 3 and 1 where there is none. */
function firstConv(model: Model): { channels: number; stride: number } {
  const index = indexGraph(model);
  for (const { name } of model.graph.inputs) {
    for (const user of index.users.get(name) ?? []) {
      const dims = user.op === "Conv" ? weightBehind(index, user.inputs[1] ?? "")?.tensor.dims : undefined;
      if (dims?.[1] === undefined) continue;
      return {
        channels: dims[1] * intAttribute(user, "group", 1),
        stride: intsAttribute(user, "strides", [1])[0] ?? 1,
      };
    }
  }
  return { channels: 3, stride: 1 };
}

/** Image sizes that a table of positions [1, tokens, features] fits: a square of patches and up to two further tokens. */
function sizesOfPositions(model: Model, stride: number): number[] {
  const sizes: number[] = [];
  for (const { dims } of model.graph.initializers.values()) {
    const tokens = dims.length === 3 && dims[0] === 1 ? (dims[1] as number) : 0;
    for (const extra of [1, 0, 2]) {
      const side = Math.sqrt(tokens - extra);
      if (Number.isInteger(side) && side > 1) sizes.push(side * stride);
    }
  }
  return sizes;
}
