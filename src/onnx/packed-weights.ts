import { intAttribute } from "./attributes.ts";
import { constantNumbers, type GraphIndex, weightBehind } from "./graph-index.ts";
import type { Node } from "./model.ts";
import { nodeScope, siblingsOf } from "./module-paths.ts";

/** A module that is a range of columns of a packed weight. */
export interface PackedPart {
  readonly path: string;
  readonly from: number;
  readonly to: number;
}

/**
 * The query, key and value modules that a projection holds side by side: where its result (behind a bias) is the packed input of
 * `GroupQueryAttention` or `MultiHeadAttention`, or is split in three for `MultiHeadAttention`. Undefined where it is one module.
 */
export function packedParts(
  index: GraphIndex,
  output: string,
  outFeatures: number,
  path: string,
): PackedPart[] | undefined {
  const value = behindBias(index, output);
  const users = index.users.get(value) ?? [];
  const [user] = users;
  if (users.length !== 1 || user === undefined) return undefined;
  const widths = widthsOf(index, user, value, outFeatures);
  if (widths === undefined || widths.sum !== outFeatures) return undefined;
  const names = namesOf(index, path, widths.attention);
  if (names === undefined) return undefined;
  const [q, k] = widths.parts;
  return [
    { path: names[0], from: 0, to: q },
    { path: names[1], from: q, to: q + k },
    { path: names[2], from: q + k, to: outFeatures },
  ];
}

function behindBias(index: GraphIndex, output: string): string {
  const users = index.users.get(output) ?? [];
  const [user] = users;
  if (users.length !== 1 || user?.op !== "Add") return output;
  const other = user.inputs.find((input) => input !== output);
  return other !== undefined && weightBehind(index, other) !== undefined
    ? (user.outputs[0] ?? output)
    : output;
}

interface Widths {
  readonly parts: readonly [number, number, number];
  readonly sum: number;
  readonly attention: Node;
}

function widthsOf(index: GraphIndex, user: Node, value: string, outFeatures: number): Widths | undefined {
  if (user.op === "GroupQueryAttention" && user.inputs[0] === value && !user.inputs[1]) {
    const heads = intAttribute(user, "num_heads", 1);
    const shared = intAttribute(user, "kv_num_heads", heads);
    const size = outFeatures / (heads + 2 * shared);
    return widths([heads * size, shared * size, shared * size], user);
  }
  if (user.op !== "Split") return undefined;
  const attention = attentionOf(index, user);
  const sizes = constantNumbers(index, user.inputs[1]) ?? user.outputs.map(() => outFeatures / 3);
  if (attention === undefined || user.outputs.length !== 3) return undefined;
  return widths(sizes as [number, number, number], attention);
}

function widths(parts: readonly [number, number, number], attention: Node): Widths | undefined {
  return parts.every(Number.isInteger)
    ? { parts, sum: parts[0] + parts[1] + parts[2], attention }
    : undefined;
}

/** The attention that takes the three parts of a Split as query, key and value. */
function attentionOf(index: GraphIndex, split: Node): Node | undefined {
  const users = index.users.get(split.outputs[0] ?? "") ?? [];
  const user = users.find(({ op }) => op === "MultiHeadAttention");
  return user?.inputs.slice(0, 3).every((input, i) => input === split.outputs[i]) ? user : undefined;
}

/** `qkv_proj` says the names itself; else they follow from the projection behind the attention. */
function namesOf(
  index: GraphIndex,
  path: string,
  attention: Node,
): readonly [string, string, string] | undefined {
  const base = /^(.*)\.qkv_proj$/.exec(path)?.[1];
  if (base !== undefined) return [`${base}.q_proj`, `${base}.k_proj`, `${base}.v_proj`];
  const users = index.users.get(attention.outputs[0] ?? "") ?? [];
  for (const user of users) {
    const scope = nodeScope(user, index.style);
    const names = scope === undefined ? undefined : siblingsOf(scope, index.architecture);
    if (names !== undefined) return names;
  }
  return undefined;
}
