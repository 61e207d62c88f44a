import { beforeAll, describe, expect, it } from "vitest";
import { encodeModel } from "../../src/onnx/encode.ts";
import { openRuntime } from "../../src/runtime/ort.ts";
import type { Runtime } from "../../src/runtime/session.ts";
import { computeGradients } from "../../src/train/gradient.ts";
import { CASES } from "../support/autodiff-cases.ts";
import { COMPOSITE_CASES } from "../support/composite-cases.ts";
import type { GradientCase } from "../support/gradient-cases.ts";
import { numericGradient, withFedInitialisers } from "../support/numeric-gradient.ts";
import { inputsFor, seeded, smallModel } from "../support/small-model.ts";

/** Largest error that is allowed relative to the largest gradient, and the stencil's width, by element type. */
const TOLERANCE = { float32: { relative: 2e-3, h: 1e-2 }, float64: { relative: 1e-7, h: 1e-3 } };

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

async function check(spec: GradientCase): Promise<void> {
  const model = smallModel(spec);
  const inputs = inputsFor(spec);
  const random = seeded(3);
  const fed = withFedInitialisers(model, inputs);
  const double = [...fed.inputs.values()].some(({ dtype }) => dtype === "float64");
  const tolerance = TOLERANCE[double ? "float64" : "float32"];
  const session = await runtime.open(encodeModel(model), {
    threads: 1,
    optimize: "none",
  });
  const forward = await session.run(inputs, spec.outputs);
  await session.close();
  const cotangents = new Map(
    [...forward]
      .filter(([, t]) => t.dtype === "float32" || t.dtype === "float64")
      .map(([name, t]) => [name, Float32Array.from(t.data as Float32Array, () => 2 * random() - 1)] as const),
  );
  const wrt =
    spec.wrt ??
    [...fed.inputs].filter(([, t]) => t.dtype === "float32" || t.dtype === "float64").map(([name]) => name);
  const given = new Map(
    [...cotangents].map(([name, data]) => {
      const { dtype, dims } = forward.get(name)!;
      return [name, { dtype, dims, data: dtype === "float64" ? Float64Array.from(data) : data }] as const;
    }),
  );
  const exact = await computeGradients({ model, inputs, cotangents: given, wrt, runtime, threads: 1 });
  const weights = new Map([...cotangents].map(([name, data]) => [name, [...data]] as const));
  const numeric = await numericGradient(runtime, fed.model, fed.inputs, weights, wrt, spec.h ?? tolerance.h);
  for (const name of wrt) {
    const analytic = Array.from(exact.get(name)!.data as Float32Array);
    const reference = numeric.get(name)!;
    expect(exact.get(name)!.dims).toEqual(fed.inputs.get(name)!.dims);
    const scale = Math.max(0.1, ...reference.map(Math.abs));
    analytic.forEach((value, i) => {
      const error = Math.abs(value - reference[i]!) / scale;
      if (!(error <= (spec.tolerance ?? tolerance.relative)))
        expect.fail(`d/d${name}[${i}] is ${value}, numerically ${reference[i]}`);
    });
  }
}

/** The same case with float64 for float32. */
function doubled(spec: GradientCase): GradientCase {
  const wide = (tensors: GradientCase["inputs"]) =>
    Object.fromEntries(
      Object.entries(tensors).map(([name, t]) => [name, { ...t, dtype: t.dtype ?? ("float64" as const) }]),
    );
  const { tolerance: _, h: __, ...rest } = spec;
  return { ...rest, inputs: wide(spec.inputs), constants: wide(spec.constants ?? {}) };
}

/** Operators that the runtime computes in float32 whatever the type, or whose float64 kernel differs where it matters. */
const SINGLE =
  /^(Shrink|com.microsoft:FastGelu|GroupNormalization|LayerNormalization with|Attention, a row|Attention 24)/;

describe("the same in float64, where the runtime has the operator", () => {
  for (const spec of [...CASES, ...COMPOSITE_CASES].filter(({ name }) => !SINGLE.test(name)).map(doubled)) {
    it(spec.name, async ({ skip }) => {
      if (!(await runs(spec))) skip();
      await check(spec);
    });
  }
});

async function runs(spec: GradientCase): Promise<boolean> {
  const session = await runtime
    .open(encodeModel(smallModel(spec)), { threads: 1, optimize: "none" })
    .catch(() => undefined);
  const results = await session?.run(inputsFor(spec)).catch(() => undefined);
  await session?.close();
  return results !== undefined;
}

describe("numeric Jacobian of every row", () => {
  for (const spec of [...CASES, ...COMPOSITE_CASES]) it(spec.name, () => check(spec));
});
