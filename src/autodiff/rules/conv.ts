import type { GradRule, InputGradients, RuleContext } from "../rule.ts";
import { range } from "../shapes.ts";
import { transposedWindowOf, windowOf } from "./conv-geometry.ts";
import { conv, convAdjoint, convWeight } from "./conv-products.ts";

function sumPerChannel(ctx: RuleContext, dY: string): string {
  return ctx.g.sum(
    dY,
    range(ctx.g.dims(dY).length).filter((i) => i !== 1),
    false,
  );
}

function convolution(ctx: RuleContext): InputGradients {
  const { g } = ctx;
  const dY = ctx.dY(0)!;
  const group = ctx.int("group", 1);
  const window = windowOf(ctx, ctx.dims(1).slice(2));
  return [
    ctx.needs(0) ? convAdjoint(g, dY, ctx.x(1), window, group, ctx.dims(0).slice(2)) : undefined,
    ctx.needs(1) ? convWeight(g, ctx.x(0), dY, window, group) : undefined,
    ctx.needs(2) ? sumPerChannel(ctx, dY) : undefined,
  ];
}

/** The transposed convolution is a convolution's adjoint, so its own gradient is that convolution. */
function transposedConvolution(ctx: RuleContext): InputGradients {
  const { g } = ctx;
  const dY = ctx.dY(0)!;
  const group = ctx.int("group", 1);
  const window = transposedWindowOf(ctx, ctx.dims(1).slice(2), g.dims(dY).slice(2));
  return [
    ctx.needs(0) ? conv(g, dY, ctx.x(1), window, group, ctx.dims(0).slice(2)) : undefined,
    ctx.needs(1) ? convWeight(g, dY, ctx.x(0), window, group) : undefined,
    ctx.needs(2) ? sumPerChannel(ctx, dY) : undefined,
  ];
}

/**
 * Convolutions of any rank, grouped, strided, dilated and padded.
 *
 * shapes  Conv X [N, C, ...] W [M, C/group, ...]   ConvTranspose X [N, C, ...] W [C, M/group, ...]   B [M]   Y, dY [N, M, ...]
 */
export const convRules: readonly GradRule[] = [
  { state: "gradient", domain: "", op: "Conv", since: 1, gradient: convolution },
  { state: "gradient", domain: "", op: "ConvTranspose", since: 1, gradient: transposedConvolution },
];
