import { makeNode, withGraph } from "./edit.ts";
import { findModules } from "./find-modules.ts";
import { indexGraph, weightBehind } from "./graph-index.ts";
import type { Model, Tensor } from "./model.ts";
import { normalise } from "./normalise.ts";

/** Reads the bytes of a tensor, wherever it lies. */
export type ReadBytes = (tensor: Tensor) => Promise<Uint8Array>;

/** A weight that is the same parameter as another, stored a second time. */
export interface Tie {
  /** The copy, which is no initialiser any more but computed. */
  readonly copy: string;
  /** The initialiser that stays and is trained. */
  readonly original: string;
  readonly isTransposed: boolean;
}

/**
 * Makes one parameter of what exporters stored more than once: an embedding and an output layer (the second time transposed), whose
 * weight becomes the embedding, through a Transpose where needed, under its old name; and the weight of a module that is called
 * several times. So the gradient is the sum over all uses. For training in full; a model whose embedding is frozen is better left alone.
 */
export async function tieWeights(
  source: Model,
  read: ReadBytes,
): Promise<{ model: Model; ties: readonly Tie[] }> {
  const model = normalise(source);
  const index = indexGraph(model);
  const embeddings = new Map<string, Tensor>();
  for (const node of model.graph.nodes) {
    const weight = node.op === "Gather" ? weightBehind(index, node.inputs[0] ?? "") : undefined;
    if (weight?.tensor.dims.length === 2) embeddings.set(weight.name, weight.tensor);
  }
  const ties: Tie[] = [];
  for (const { weight, isOutput, kind, copies = [] } of findModules(model)) {
    const tensor = model.graph.initializers.get(weight);
    for (const copy of copies) {
      const other = model.graph.initializers.get(copy);
      if (tensor === undefined || other === undefined || (await relation(tensor, other, read)) !== false)
        continue;
      ties.push({ copy, original: weight, isTransposed: false });
    }
    if (
      !isOutput ||
      kind !== "linear" ||
      tensor === undefined ||
      embeddings.has(weight) ||
      ties.some(({ copy }) => copy === weight)
    )
      continue;
    for (const [original, embedding] of embeddings) {
      const isTransposed = await relation(embedding, tensor, read);
      if (isTransposed !== undefined) {
        ties.push({ copy: weight, original, isTransposed });
        break;
      }
    }
  }
  if (ties.length === 0) return { model: source, ties };
  const initializers = new Map(model.graph.initializers);
  for (const { copy } of ties) initializers.delete(copy);
  const nodes = ties.map(({ copy, original, isTransposed }) =>
    makeNode(isTransposed ? "Transpose" : "Identity", [original], [copy], {
      name: `${copy}/tie`,
      attributes: isTransposed ? new Map([["perm", { type: "ints", value: [1, 0] }]]) : new Map(),
    }),
  );
  return { model: withGraph(model, { initializers, nodes: [...nodes, ...model.graph.nodes] }), ties };
}

/** Whether b is a transposed; undefined where they are different weights. */
async function relation(a: Tensor, b: Tensor, read: ReadBytes): Promise<boolean | undefined> {
  const [rows, columns] = a.dims as [number, number];
  const isSame = b.dims[0] === rows && b.dims[1] === columns;
  const isFlipped = b.dims[0] === columns && b.dims[1] === rows;
  if (a.dtype !== b.dtype || a.dtype !== "float32" || (!isSame && !isFlipped)) return undefined;
  const [first, second] = [words(await read(a)), words(await read(b))];
  if (isSame && first.every((value, i) => value === second[i])) return false;
  return isFlipped && isTransposeOf(first, second, rows, columns) ? true : undefined;
}

/** Bits of float32 values, so that NaN equals itself. */
function words(bytes: Uint8Array): Uint32Array {
  const own = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(own.buffer as ArrayBuffer, own.byteOffset, own.byteLength >> 2);
}

function isTransposeOf(a: Uint32Array, b: Uint32Array, rows: number, columns: number): boolean {
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++)
      if (a[row * columns + column] !== b[column * rows + row]) return false;
  }
  return true;
}
