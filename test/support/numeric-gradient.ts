import { withGraph } from "../../src/onnx/edit.ts";
import { encodeModel } from "../../src/onnx/encode.ts";
import type { Model } from "../../src/onnx/model.ts";
import { numbersOf } from "../../src/onnx/tensors.ts";
import type { HostTensor, Runtime, Session } from "../../src/runtime/session.ts";

const isFloat = ({ dtype }: HostTensor) => dtype === "float32" || dtype === "float64";

/** Turns float initialisers into inputs, so that they can be varied. */
export function withFedInitialisers(
  model: Model,
  inputs: ReadonlyMap<string, HostTensor>,
): { model: Model; inputs: Map<string, HostTensor> } {
  const floats = [...model.graph.initializers].filter(
    ([, t]) => t.dtype === "float32" || t.dtype === "float64",
  );
  const fed = floats.map(([name, t]) => {
    const numbers = numbersOf(t);
    const data = t.dtype === "float64" ? Float64Array.from(numbers) : Float32Array.from(numbers);
    return [name, { dtype: t.dtype, dims: t.dims, data }] as const;
  });
  return {
    model: withGraph(model, {
      initializers: new Map(
        [...model.graph.initializers].filter(([name]) => !floats.some(([f]) => f === name)),
      ),
      inputs: [...model.graph.inputs, ...floats.map(([name, { dtype, dims }]) => ({ name, dtype, dims }))],
    }),
    inputs: new Map([...inputs, ...fed]),
  };
}

async function weighted(
  session: Session,
  feeds: ReadonlyMap<string, HostTensor>,
  cotangents: ReadonlyMap<string, readonly number[]>,
): Promise<number> {
  let sum = 0;
  for (const [name, tensor] of await session.run(feeds, [...cotangents.keys()])) {
    const weights = cotangents.get(name)!;
    (tensor.data as Float32Array).forEach((y, i) => {
      sum += y * weights[i]!;
    });
  }
  return sum;
}

/**
 * Numeric gradient of sum <cotangent, output> for every element of the named inputs, by a five-point stencil of width `h`, whose
 * own error is of order h^4.
 */
export async function numericGradient(
  runtime: Runtime,
  model: Model,
  inputs: ReadonlyMap<string, HostTensor>,
  cotangents: ReadonlyMap<string, readonly number[]>,
  wrt: readonly string[],
  h: number,
): Promise<Map<string, number[]>> {
  const session = await runtime.open(encodeModel(model), { threads: 1, optimize: "none" });
  const result = new Map<string, number[]>();
  try {
    for (const name of wrt) {
      const base = inputs.get(name)!;
      if (!isFloat(base)) throw new Error(`${name} is no float`);
      const gradient: number[] = [];
      for (let i = 0; i < base.data.length; i++) {
        const at = async (step: number) => {
          const data = (base.data as Float32Array).slice();
          data[i] = data[i]! + step;
          const value = await weighted(session, new Map([...inputs, [name, { ...base, data }]]), cotangents);
          return value;
        };
        const near = (await at(h)) - (await at(-h));
        const far = (await at(2 * h)) - (await at(-2 * h));
        gradient.push((8 * near - far) / (12 * h));
      }
      result.set(name, gradient);
    }
  } finally {
    await session.close();
  }
  return result;
}
