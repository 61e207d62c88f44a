import { bug, IngotError } from "../base/errors.ts";
import type { Attribute, Node, Tensor } from "../onnx/model.ts";
import { numbersIn } from "./literals.ts";
import type { GraphBuilder, RuleContext } from "./rule.ts";

/** How errors name a node: by its name, or by what it computes where it has none. */
export function describeNode(node: Node): string {
  return node.name !== "" ? node.name : (node.outputs.find((o) => o !== "") ?? "");
}

/** How errors name an operator: `com.microsoft:Attention`, `Relu`. */
export function describeOp(node: { readonly domain: string; readonly op: string }): string {
  return node.domain === "" ? node.op : `${node.domain}:${node.op}`;
}

/** Metadata of a node under which `prepareForGradient` leaves why it could not take it apart. */
export const REFUSED = "ingot.refused";

/** Why a node cannot be differentiated; the walk gathers them. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

export interface ContextParts {
  readonly node: Node;
  readonly opset: number;
  readonly g: GraphBuilder;
  readonly gradients: readonly (string | undefined)[];
  readonly needed: readonly boolean[];
  readonly constants: ReadonlyMap<string, Tensor>;
  /** Constants that are differentiated: rules must not build their present values into formulas. */
  readonly varying: ReadonlySet<string>;
  readonly readers: ReadonlyMap<string, readonly Node[]>;
}

/** What a rule (or the lowering of a composite operator) sees of its node. */
export function createContext(parts: ContextParts): RuleContext {
  const { node, g, constants } = parts;
  const x = (i: number): string => node.inputs[i] || bug(`input ${i} of ${node.op} is omitted`);
  const attribute = <T extends Attribute["type"]>(name: string, type: T) => {
    const found = node.attributes.get(name);
    if (found !== undefined && found.type !== type) {
      throw new IngotError("input.operator", `attribute '${name}' of ${node.op} is no ${type}`, {
        data: { where: describeNode(node) },
      });
    }
    return found as Extract<Attribute, { type: T }> | undefined;
  };
  return {
    node,
    opset: parts.opset,
    g,
    x,
    hasInput: (i) => (node.inputs[i] ?? "") !== "",
    y: (i) => node.outputs[i] || bug(`output ${i} of ${node.op} is omitted`),
    hasOutput: (i) => (node.outputs[i] ?? "") !== "",
    dims: (i) => g.dims(x(i)),
    dtype: (i) => g.value(x(i)).dtype,
    dY: (i) => parts.gradients[i],
    constant: (name) => (parts.varying.has(name) ? undefined : constants.get(name)),
    numbersOf(i) {
      const tensor = constants.get(x(i));
      const numbers = tensor === undefined ? undefined : numbersIn(tensor);
      if (numbers === undefined)
        throw new Refusal(`its input ${i} is computed from the data, where only a constant is known`);
      return numbers;
    },
    needs: (i) => parts.needed[i] === true,
    readers: (name) => parts.readers.get(name) ?? [],
    refuse(why) {
      throw new Refusal(why);
    },
    hasAttribute: (name) => node.attributes.has(name),
    int: (name, fallback) => attribute(name, "int")?.value ?? fallback,
    float: (name, fallback) => attribute(name, "float")?.value ?? fallback,
    ints: (name, fallback) => attribute(name, "ints")?.value ?? fallback,
    string: (name, fallback) => attribute(name, "string")?.value ?? fallback,
    num: (value) => g.scalar(value, g.value(x(0)).dtype),
  };
}
