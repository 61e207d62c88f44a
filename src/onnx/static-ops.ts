import type { Node } from "./model.ts";

/** Inputs of an operator that decide the shape of its result, by operator of the default domain. */
const SHAPE_INPUTS: ReadonlyMap<string, readonly number[]> = new Map([
  ["Reshape", [1]],
  ["Expand", [1]],
  ["ConstantOfShape", [0]],
  ["Range", [0, 1, 2]],
  ["Tile", [1]],
  ["Slice", [1, 2, 3, 4]],
  ["Pad", [1, 3]],
  ["Resize", [2, 3]],
  ["Upsample", [1]],
  ["Squeeze", [1]],
  ["Unsqueeze", [1]],
  ["Split", [1]],
  ["TopK", [1]],
  ["OneHot", [1]],
  ["CenterCropPad", [1]],
  ["AffineGrid", [1]],
]);

/** Operators whose result has as many elements as the data says. */
const SHAPE_FROM_DATA = new Set(["NonZero", "Unique", "Compress", "NonMaxSuppression", "StringSplit"]);

/** Operators that give another result each time. */
const RANDOM = new Set([
  "RandomNormal",
  "RandomUniform",
  "RandomNormalLike",
  "RandomUniformLike",
  "Multinomial",
  "Bernoulli",
]);

/** Operators whose result follows from the shape of their input alone. */
const OF_SHAPE = new Set(["Shape", "Size"]);

/** True for Shape and Size. */
export function readsOnlyShape(node: Node): boolean {
  return node.domain === "" && OF_SHAPE.has(node.op);
}

/** True for operators that draw random numbers. */
export function isRandom(node: Node): boolean {
  return node.domain === "" && RANDOM.has(node.op);
}

/** Indices of the inputs that decide the shape of the result; "data" where the values of the data do. */
export function shapeInputs(node: Node): readonly number[] | "data" {
  if (node.domain !== "") return [];
  if (SHAPE_FROM_DATA.has(node.op)) return "data";
  return SHAPE_INPUTS.get(node.op) ?? [];
}
