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

/** What Conv and ConvTranspose say alike; `pads` count where `isGiven`. */
function saidWindow(ctx: RuleContext) {
  const sizes = ctx.dims(0).slice(2);
  const ones = sizes.map(() => 1);
  const zeros = sizes.flatMap(() => [0, 0]);
  const auto = ctx.string("auto_pad", "NOTSET");
  const pads = ctx.ints("pads", zeros);
  const given = auto === "VALID" ? zeros : pads;
  return {
    sizes,
    strides: ctx.ints("strides", ones),
    dilations: ctx.ints("dilations", ones),
    auto,
    isGiven: auto === "NOTSET" || auto === "VALID",
    pads: { begins: given.slice(0, sizes.length), ends: given.slice(sizes.length) },
  };
}

/** Padding of an `auto_pad`: half on either side, what is odd at the end for SAME_UPPER and at the beginning else. */
function halved(total: readonly number[], auto: string): Pick<Window, "begins" | "ends"> {
  const small = total.map((p) => Math.floor(p / 2));
  const large = total.map((p) => Math.ceil(p / 2));
  return auto === "SAME_UPPER" ? { begins: small, ends: large } : { begins: large, ends: small };
}

/** The window of a Conv or pool over X [N, C, ...spatial], padding resolved. */
export function windowOf(ctx: RuleContext, kernel: readonly number[]): Window {
  const { sizes, strides, dilations, auto, isGiven, pads } = saidWindow(ctx);
  if (isGiven) return { kernel, strides, dilations, ...pads };
  const total = range(sizes.length).map((i) =>
    samePadding(sizes[i]!, kernel[i]!, strides[i]!, dilations[i]!),
  );
  return { kernel, strides, dilations, ...halved(total, auto) };
}

/** The window of a ConvTranspose from X to an output of `outputs` spatial sizes. */
export function transposedWindowOf(
  ctx: RuleContext,
  kernel: readonly number[],
  outputs: readonly number[],
): Window {
  const { sizes, strides, dilations, auto, isGiven, pads } = saidWindow(ctx);
  if (isGiven && !ctx.hasAttribute("output_shape")) return { kernel, strides, dilations, ...pads };
  const extra = ctx.ints(
    "output_padding",
    sizes.map(() => 0),
  );
  const total = range(sizes.length).map((i) =>
    Math.max(0, strides[i]! * (sizes[i]! - 1) + extra[i]! + extent(kernel[i]!, dilations[i]!) - outputs[i]!),
  );
  return { kernel, strides, dilations, ...halved(total, auto) };
}
