import { bug } from "../base/errors.ts";

/** Number of elements of a shape. */
export function sizeOf(dims: readonly number[]): number {
  return dims.reduce((n, d) => n * d, 1);
}

/** True for the same shape. */
export function sameDims(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

/** Axis counted from the front, for one that may be counted from the back. */
export function axisOf(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** 0, 1, …, n - 1. */
export function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}

/** Shape to which all the given ones broadcast; a bug where there is none, for the runtime has run the graph. */
export function broadcastDims(...shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  return range(rank).map((i) => {
    let d = 1;
    for (const shape of shapes) {
      const own = shape[shape.length - rank + i] ?? 1;
      if (own !== 1 && d !== 1 && own !== d) bug(`shapes ${JSON.stringify(shapes)} do not broadcast`);
      if (own !== 1) d = own;
    }
    return d;
  });
}

/** Whether `from` broadcasts to exactly `to`. */
export function broadcastsTo(from: readonly number[], to: readonly number[]): boolean {
  if (from.length > to.length) return false;
  return from.every((d, i) => d === 1 || d === to[to.length - from.length + i]);
}

/** Distance in elements between neighbours along each axis of a dense tensor. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides = dims.map(() => 1);
  for (let i = dims.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * dims[i + 1]!;
  return strides;
}

/** The permutation that undoes `perm`. */
export function inversePermutation(perm: readonly number[]): number[] {
  const inverse = perm.map(() => 0);
  perm.forEach((from, to) => {
    inverse[from] = to;
  });
  return inverse;
}
