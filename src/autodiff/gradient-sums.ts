import { isFloat } from "../onnx/tensors.ts";
import type { GraphBuilder } from "./rule.ts";
import { broadcastsTo, sameDims } from "./shapes.ts";

/**
 * The gradients that have arrived at each value. A sum may be smaller than its value along dimensions in which it does not vary;
 * `whole` repeats it. Blocks that lie side by side (the gradients of slices) are joined instead of being padded and added.
 */
export class GradientSums {
  readonly #g: GraphBuilder;
  readonly #sums = new Map<string, string>();

  constructor(g: GraphBuilder) {
    this.#g = g;
  }

  has(name: string): boolean {
    return this.#sums.has(name);
  }

  /** Adds what one reader of a value contributes: of the value's shape, of one that broadcasts to it, or to which it broadcasts. */
  add(name: string, contribution: string): void {
    const g = this.#g;
    if (!isFloat(g.value(name).dtype)) return;
    const dims = g.dims(name);
    const fitting = broadcastsTo(g.dims(contribution), dims) ? contribution : g.sumTo(contribution, dims);
    const sum = this.#sums.get(name);
    this.#sums.set(name, sum === undefined ? fitting : (this.#joined(sum, fitting) ?? g.add(sum, fitting)));
  }

  /** The sum so far; it broadcasts to the value's shape. */
  sum(name: string): string | undefined {
    return this.#sums.get(name);
  }

  /** The sum so far in the value's shape. */
  whole(name: string): string | undefined {
    const sum = this.#sums.get(name);
    if (sum === undefined || sameDims(this.#g.dims(sum), this.#g.dims(name))) return sum;
    const whole = this.#g.expand(sum, this.#g.dims(name));
    this.#sums.set(name, whole);
    return whole;
  }

  /** Two blocks that touch along one axis as one block. */
  #joined(a: string, b: string): string | undefined {
    const g = this.#g;
    const [first, second] = [g.padded(a), g.padded(b)];
    if (first === undefined || second === undefined) return undefined;
    const differs = first.begins.flatMap((begin, i) =>
      begin === second.begins[i] && first.ends[i] === second.ends[i] ? [] : [i],
    );
    const axis = differs[0];
    if (differs.length !== 1 || axis === undefined) return undefined;
    const [low, high] = first.begins[axis]! < second.begins[axis]! ? [first, second] : [second, first];
    if (low.begins[axis]! + g.dims(low.x)[axis]! !== high.begins[axis]) return undefined;
    return g.pad(g.concat([low.x, high.x], axis), low.begins, low.ends.with(axis, high.ends[axis]!));
  }
}
