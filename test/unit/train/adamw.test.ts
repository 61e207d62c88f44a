import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { adamwStep, clipFactor, norm2, type OptimizerState } from "../../../src/train/adamw.ts";
import { seeded } from "../../support/small-model.ts";

interface Hyper {
  readonly adam_beta1: number;
  readonly adam_beta2: number;
  readonly adam_epsilon: number;
  readonly weight_decay: number;
}

/** AdamW as its paper writes it, in float64 throughout. */
function reference(
  start: readonly number[],
  gradients: readonly (readonly number[])[],
  decays: readonly boolean[],
  rates: readonly number[],
  h: Hyper,
): number[] {
  const p = [...start];
  const m = start.map(() => 0);
  const v = start.map(() => 0);
  gradients.forEach((g, k) => {
    const t = k + 1;
    const a = rates[k]!;
    for (let i = 0; i < p.length; i++) {
      if (decays[i]) p[i] = p[i]! * (1 - a * h.weight_decay);
      m[i] = h.adam_beta1 * m[i]! + (1 - h.adam_beta1) * g[i]!;
      v[i] = h.adam_beta2 * v[i]! + (1 - h.adam_beta2) * g[i]! ** 2;
      const mHat = m[i]! / (1 - h.adam_beta1 ** t);
      const vHat = v[i]! / (1 - h.adam_beta2 ** t);
      p[i] = p[i]! - (a * mHat) / (Math.sqrt(vHat) + h.adam_epsilon);
    }
  });
  return p;
}

const HYPERS: readonly Hyper[] = [
  { adam_beta1: 0.9, adam_beta2: 0.999, adam_epsilon: 1e-8, weight_decay: 0 },
  { adam_beta1: 0.9, adam_beta2: 0.999, adam_epsilon: 1e-8, weight_decay: 0.1 },
  { adam_beta1: 0, adam_beta2: 0.5, adam_epsilon: 1e-2, weight_decay: 0.01 },
  { adam_beta1: 0.95, adam_beta2: 0, adam_epsilon: 1e-6, weight_decay: 1 },
];

describe("AdamW", () => {
  it.each(HYPERS)("keeps to its paper within float32 rounding: %o", (hyper) => {
    const random = seeded(5);
    const size = 40;
    const steps = 25;
    const draw = (scale: number) =>
      Array.from({ length: size }, () => Math.fround((random() * 2 - 1) * scale));
    const start = draw(1);
    const gradients = Array.from({ length: steps }, (_, k) => draw(10 ** ((k % 5) - 2)));
    const decays = start.map((_, i) => i % 3 !== 0);
    const rates = gradients.map((_, k) => 0.01 / (k + 1));
    const state: OptimizerState = {
      theta: Float32Array.from(start),
      m: new Float32Array(size),
      v: new Float32Array(size),
    };
    gradients.forEach((g, k) => {
      adamwStep(state, Float32Array.from(g), Uint8Array.from(decays, Number), k + 1, rates[k]!, 1, hyper);
    });
    const expected = reference(start, gradients, decays, rates, hyper);
    for (let i = 0; i < size; i++)
      expect(Math.abs(state.theta[i]! - expected[i]!)).toBeLessThan(1e-5 * (1 + Math.abs(expected[i]!)));
  });

  it("leaves a parameter without gradient and decay exactly where it is", () => {
    const state: OptimizerState = {
      theta: Float32Array.of(0, 0.1, -3),
      m: new Float32Array(3),
      v: new Float32Array(3),
    };
    for (let t = 1; t < 10; t++)
      adamwStep(state, new Float32Array(3), new Uint8Array(3), t, 0.1, 1, HYPERS[1]!);
    expect([...state.theta]).toEqual([...Float32Array.of(0, 0.1, -3)]);
  });

  it("of a scaled gradient is that of the gradient scaled before", () => {
    const g = Float32Array.of(1, -2, 4, 0.5);
    const at = (scale: number, gradient: Float32Array) => {
      const state: OptimizerState = {
        theta: Float32Array.of(1, 2, 3, 4),
        m: new Float32Array(4),
        v: new Float32Array(4),
      };
      adamwStep(state, gradient, new Uint8Array(4), 1, 0.1, scale, HYPERS[0]!);
      return [state.theta, state.m, state.v].map((x) => [...x]);
    };
    expect(at(0.25, g)).toEqual(
      at(
        1,
        g.map((x) => x / 4),
      ),
    );
  });
});

describe("clipping by global norm", () => {
  it("makes the norm at most the limit, and never makes it larger", () => {
    const vectors = fc.array(fc.float({ noNaN: true, min: -1000, max: 1000 }), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(vectors, fc.double({ min: 0.001, max: 100, noNaN: true }), (values, limit) => {
        const g = Float32Array.from(values);
        const norm = norm2(g);
        expect(norm).toBeCloseTo(Math.hypot(...g), 6);
        const factor = clipFactor(norm, limit);
        expect(factor).toBeLessThanOrEqual(1);
        expect(norm * factor).toBeLessThanOrEqual(limit);
        if (norm > limit) expect(factor).toBe(limit / (norm + 1e-6));
        expect(clipFactor(norm, 0)).toBe(1);
      }),
    );
  });
});
