import { intsAttribute } from "./attributes.ts";
import { producersOf, usersOf } from "./graph-order.ts";
import type { Model, Node, Tensor } from "./model.ts";
import { type PathStyle, pathStyleOf } from "./module-paths.ts";
import { numbersOf } from "./tensors.ts";

/** What the search walks with. */
export interface GraphIndex {
  readonly model: Model;
  readonly producers: ReadonlyMap<string, Node>;
  readonly users: ReadonlyMap<string, readonly Node[]>;
  readonly style: PathStyle;
  readonly architecture: string;
}

/** The index of a graph, made once and asked often. `architecture`: of config.json, where it is known. */
export function indexGraph(model: Model, architecture = ""): GraphIndex {
  const nodes = model.graph.nodes;
  return {
    model,
    producers: producersOf(nodes),
    users: usersOf(nodes),
    style: pathStyleOf(model),
    architecture,
  };
}

/** The initialiser behind an operand and whether an odd number of transpositions lies between. */
export function weightBehind(
  index: GraphIndex,
  name: string,
): { name: string; tensor: Tensor; flipped: boolean } | undefined {
  let flipped = false;
  let at = name;
  for (let steps = 0; steps < 8; steps++) {
    const tensor = index.model.graph.initializers.get(at);
    if (tensor !== undefined) return { name: at, tensor, flipped };
    const node = index.producers.get(at);
    const input = node?.inputs[0];
    if (node === undefined || input === undefined || node.domain !== "") return undefined;
    if (node.op === "Transpose") {
      const perm = intsAttribute(node, "perm", [1, 0]);
      if (perm.length !== 2) return undefined;
      if (perm[0] === 1) flipped = !flipped;
    } else if (node.op !== "Identity" && node.op !== "Cast" && node.op !== "CastLike") return undefined;
    at = input;
  }
  return undefined;
}

/** Numbers of a constant behind a name; undefined where it is none. */
export function constantNumbers(index: GraphIndex, name: string | undefined): number[] | undefined {
  const tensor = name ? index.model.graph.initializers.get(name) : undefined;
  return tensor === undefined || tensor.data.at !== "memory" ? undefined : numbersOf(tensor);
}
