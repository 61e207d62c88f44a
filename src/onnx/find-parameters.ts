import type { Model } from "./model.ts";
import { isFloat } from "./tensors.ts";
export function findParameters(model: Model): { name: string }[] {
  return [...model.graph.initializers]
    .filter(([, t]) => isFloat(t.dtype) && t.dims.length > 0 && t.dims.some((d) => d > 1))
    .map(([name]) => ({ name }));
}
