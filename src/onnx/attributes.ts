import type { Node } from "./model.ts";

/** An integer attribute, or its default. */
export function intAttribute(node: Node, name: string, fallback: number): number {
  const attribute = node.attributes.get(name);
  return attribute?.type === "int" ? attribute.value : fallback;
}

/** The attribute where it has that type, else `fallback`. */
export function floatAttribute(node: Node, name: string, fallback: number): number {
  const attribute = node.attributes.get(name);
  return attribute?.type === "float" ? attribute.value : fallback;
}

/** The attribute where it has that type, else `fallback`. */
export function intsAttribute(node: Node, name: string, fallback: readonly number[]): readonly number[] {
  const attribute = node.attributes.get(name);
  return attribute?.type === "ints" ? attribute.value : fallback;
}

/** The attribute where it has that type, else `fallback`. */
export function stringAttribute(node: Node, name: string, fallback: string): string {
  const attribute = node.attributes.get(name);
  return attribute?.type === "string" ? attribute.value : fallback;
}
