import type { RuleContext } from "../rule.ts";
import { range } from "../shapes.ts";

/** A sliding window over spatial axes, everything said: what ONNX leaves to defaults and auto_pad is numbers here. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly begins: readonly number[];
  readonly ends: readonly number[];
}

/** Extent of a dilated kernel. */
export function extent(kernel: number, dilation: number): number {
  return (kernel - 1) * dilation + 1;
}

/** Total padding that makes ceil(size / stride) windows. */
function samePadding(size: number, kernel: number, stride: number, dilation: number): number {
  return Math.max(0, (Math.ceil(size / stride) - 1) * stride + extent(kernel, dilation) - size);
}

/** The window of a Conv or pool over X [N, C, ...spatial], padding resolved. */
export function windowOf(ctx: RuleContext, kernel: readonly number[]): Window {
  const sizes = ctx.dims(0).slice(2);
  const strides = ctx.ints(
    "strides",
    sizes.map(() => 1),
  );
  const dilations = ctx.ints(
    "dilations",
    sizes.map(() => 1),
  );
  const auto = ctx.string("auto_pad", "NOTSET");
  const pads = ctx.ints(
    "pads",
    sizes.flatMap(() => [0, 0]),
  );
  const axes = range(sizes.length);
  if (auto === "NOTSET" || auto === "VALID") {
    const given = auto === "VALID" ? pads.map(() => 0) : pads;
    return {
      kernel,
      strides,
      dilations,
      begins: given.slice(0, sizes.length),
      ends: given.slice(sizes.length),
    };
  }
  const total = axes.map((i) => samePadding(sizes[i]!, kernel[i]!, strides[i]!, dilations[i]!));
  const small = total.map((p) => Math.floor(p / 2));
  const large = total.map((p) => Math.ceil(p / 2));
  const [begins, ends] = auto === "SAME_UPPER" ? [small, large] : [large, small];
  return { kernel, strides, dilations, begins, ends };
}

/** The window of a ConvTranspose from X to an output of `outputs` spatial sizes. */
export function transposedWindowOf(
  ctx: RuleContext,
  kernel: readonly number[],
  outputs: readonly number[],
): Window {
  const sizes = ctx.dims(0).slice(2);
  const strides = ctx.ints(
    "strides",
    sizes.map(() => 1),
  );
  const dilations = ctx.ints(
    "dilations",
    sizes.map(() => 1),
  );
  const auto = ctx.string("auto_pad", "NOTSET");
  const pads = ctx.ints(
    "pads",
    sizes.flatMap(() => [0, 0]),
  );
  if (!ctx.hasAttribute("output_shape") && (auto === "NOTSET" || auto === "VALID")) {
    const given = auto === "VALID" ? pads.map(() => 0) : pads;
    return {
      kernel,
      strides,
      dilations,
      begins: given.slice(0, sizes.length),
      ends: given.slice(sizes.length),
    };
  }
  const extra = ctx.ints(
    "output_padding",
    sizes.map(() => 0),
  );
  const total = range(sizes.length).map((i) =>
    Math.max(0, strides[i]! * (sizes[i]! - 1) + extra[i]! + extent(kernel[i]!, dilations[i]!) - outputs[i]!),
  );
  const small = total.map((p) => Math.floor(p / 2));
  const large = total.map((p) => Math.ceil(p / 2));
  const [begins, ends] = auto === "SAME_UPPER" ? [small, large] : [large, small];
  return { kernel, strides, dilations, begins, ends };
}
