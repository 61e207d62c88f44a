import type { ModelSpec, NodeSpec, TensorSpec } from "./small-model.ts";

export interface GradientCase extends ModelSpec {
  readonly name: string;
  /** Inputs and initialisers to differentiate; all float ones by default. */
  readonly wrt?: readonly string[];
  /** Width of the numeric stencil; smaller near kinks. */
  readonly h?: number;
  /** Largest error relative to the largest gradient. */
  readonly tolerance?: number;
}

type Options = Omit<GradientCase, "name" | "nodes" | "inputs" | "outputs"> & {
  readonly attributes?: NodeSpec[3];
  readonly outputs?: readonly string[];
  readonly label?: string;
};

/** A case of one node whose inputs are the float `inputs` in order and then the constants. */
export function one(
  op: string,
  inputs: readonly (TensorSpec | readonly number[])[],
  options: Options = {},
): GradientCase {
  const { attributes = {}, constants = {}, outputs = ["y"], label, ...rest } = options;
  const specs = inputs.map((spec) => ("dims" in spec ? spec : { dims: spec }) as TensorSpec);
  const names = specs.map((_, i) => `x${i}`);
  const shapes = specs.map((s) => `[${s.dims}]`).join(" ");
  const extra = Object.entries(attributes)
    .map(([k, v]) => `${k}=${JSON.stringify(v)}`)
    .join(" ");
  const last = specs.length > 0 ? Object.keys(constants) : [];
  return {
    ...rest,
    name:
      label ??
      [
        op,
        shapes,
        extra,
        Object.entries(constants)
          .map(([k, c]) => `${k}=${c.values ?? `[${c.dims}]`}`)
          .join(" "),
        `opset ${rest.opset ?? 18}`,
      ]
        .filter((s) => s !== "")
        .join(" "),
    nodes: [[op, [...names, ...last], outputs, attributes]],
    inputs: Object.fromEntries(specs.map((s, i) => [names[i]!, s])),
    constants,
    outputs: outputs.filter((o) => o !== ""),
  };
}

export const ints = (...values: number[]): TensorSpec => ({ dims: [values.length], dtype: "int64", values });
