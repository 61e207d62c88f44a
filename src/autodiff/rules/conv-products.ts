import type { GraphBuilder } from "../rule.ts";
import { range } from "../shapes.ts";
import { extent, type Window } from "./conv-geometry.ts";

function attributesOf({ kernel, strides, dilations, begins, ends }: Window, group: number) {
  return { kernel_shape: kernel, strides, dilations, pads: [...begins, ...ends], group };
}

/** Conv of X [N, C, ...] with W [M, C/group, ...]; `sizes` are the result's spatial sizes. */
export function conv(
  g: GraphBuilder,
  x: string,
  w: string,
  window: Window,
  group: number,
  sizes: readonly number[],
): string {
  const { dtype, dims } = g.value(x);
  const computed = range(sizes.length).map((i) => {
    const padded = dims[i + 2]! + window.begins[i]! + window.ends[i]!;
    return Math.floor((padded - extent(window.kernel[i]!, window.dilations[i]!)) / window.strides[i]!) + 1;
  });
  const out = [{ dtype, dims: [dims[0]!, g.dims(w)[0]!, ...computed] }];
  let y = g.op("Conv", [x, w], attributesOf(window, group), { out });
  sizes.forEach((size, i) => {
    y = g.slice(y, i + 2, 0, size);
  });
  return y;
}

/**
 * The adjoint of a convolution: spreads dY [N, M, ...] over an input of spatial `sizes`. W [M, C/group, ...] is the
 * convolution's own weight. Input that no window reaches gets 0.
 */
export function convAdjoint(
  g: GraphBuilder,
  dY: string,
  w: string,
  window: Window,
  group: number,
  sizes: readonly number[],
): string {
  const { dtype, dims } = g.value(dY);
  const full = range(sizes.length).map(
    (i) => (dims[i + 2]! - 1) * window.strides[i]! + extent(window.kernel[i]!, window.dilations[i]!),
  );
  // What the padded windows cover beyond the input is cropped by larger end pads; what they miss is padded with zeros.
  const missing = range(sizes.length).map((i) => sizes[i]! - (full[i]! - window.begins[i]!));
  const ends = missing.map((m) => Math.max(0, -m));
  const channels = g.dims(w)[1]! * group;
  const computed = sizes.map((_, i) => full[i]! - window.begins[i]! - ends[i]!);
  const out = [{ dtype, dims: [dims[0]!, channels, ...computed] }];
  const dX = g.op("ConvTranspose", [dY, w], attributesOf({ ...window, ends }, group), { out });
  return g.pad(dX, [0, 0, ...sizes.map(() => 0)], [0, 0, ...missing.map((m) => Math.max(0, m))]);
}

/**
 * Gradient of a convolution's weight: dW[m, c, k] = sum over n, p of dY[n, m, p] X[n, c, p s + k d - pad], itself a convolution
 * with batch and channels exchanged, strides and dilations too.
 *
 * shapes  X [N, C, ...]   dY [N, M, ...]   dW [M, C/group, ...kernel]
 */
export function convWeight(g: GraphBuilder, x: string, dY: string, window: Window, group: number): string {
  const [n = 1, c = 1, ...sizes] = g.dims(x);
  const outs = g.dims(dY).slice(2);
  const axes = range(sizes.length);
  const perGroup = c / group;
  const byChannel = g.transpose(g.reshape(x, [n, group, perGroup, ...sizes]), [
    2,
    1,
    0,
    ...axes.map((i) => i + 3),
  ]);
  const swappedX = g.reshape(byChannel, [perGroup, group * n, ...sizes]);
  const swappedDy = g.transpose(dY, [1, 0, ...axes.map((i) => i + 2)]);
  const swapped = {
    kernel: outs,
    strides: window.dilations,
    dilations: window.strides,
    begins: window.begins,
    ends: window.ends,
  };
  const dW = conv(g, swappedX, swappedDy, swapped, group, window.kernel);
  return g.transpose(dW, [1, 0, ...axes.map((i) => i + 2)]);
}
