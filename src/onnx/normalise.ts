import { intAttribute } from "./attributes.ts";
import { hoistConstants, makeNode, withGraph } from "./edit.ts";
import { readsOf } from "./graph-order.ts";
import { inlineFunctions } from "./inline.ts";
import type { Attribute, Model, Node, Tensor } from "./model.ts";
import { intTensor, numbersOf } from "./tensors.ts";

/**
 * The model in the form that training works on; the same values under the same names:
 * functions are written out, constants are initialisers, `com.microsoft::Attention` is a projection of its own before `MultiHeadAttention` (so that adapters find
 * their module), `MatMulNBits` computes exactly, every output of `Split` has a name, parts of a `SplitToSequence` are slices. Doing it twice changes nothing.
 */
export function normalise(model: Model): Model {
  const hoisted = hoistConstants(inlineFunctions(model));
  const constants = new Map<string, Tensor>();
  const nodes = hoisted.graph.nodes.flatMap(
    (node, index) => REWRITES.get(`${node.domain}:${node.op}`)?.(node, index, hoisted, constants) ?? [node],
  );
  if (
    constants.size === 0 &&
    nodes.length === hoisted.graph.nodes.length &&
    nodes.every((node, i) => node === hoisted.graph.nodes[i])
  )
    return hoisted;
  return withGraph(hoisted, { nodes, initializers: new Map([...hoisted.graph.initializers, ...constants]) });
}

type Rewrite = (
  node: Node,
  index: number,
  model: Model,
  constants: Map<string, Tensor>,
) => Node[] | undefined;

const REWRITES: ReadonlyMap<string, Rewrite> = new Map([
  ["com.microsoft:Attention", splitAttention],
  ["com.microsoft:MatMulNBits", (node) => exactMatMulNBits(node)],
  [":Split", (node, index) => nameOutputs(node, index)],
  [":SequenceAt", sliceOfSequence],
  [":SplitToSequence", dropUnread],
]);

/** int8 activations are a speed setting of inference; training takes the weights for what they are. */
function exactMatMulNBits(node: Node): Node[] | undefined {
  if (intAttribute(node, "accuracy_level", 0) === 1) return undefined;
  return [
    {
      ...node,
      attributes: new Map<string, Attribute>([
        ...node.attributes,
        ["accuracy_level", { type: "int", value: 1 }],
      ]),
    },
  ];
}

/** The runtime crashes on a Split with an omitted output. */
function nameOutputs(node: Node, index: number): Node[] | undefined {
  if (!node.outputs.includes("")) return undefined;
  return [
    {
      ...node,
      outputs: node.outputs.map((output, i) => (output === "" ? `ingot_unused_${index}_${i}` : output)),
    },
  ];
}

/** An element of a tensor that was split into a sequence is a slice of it: so exporters that do not optimise write `torch.split`. */
function sliceOfSequence(
  node: Node,
  _index: number,
  model: Model,
  constants: Map<string, Tensor>,
): Node[] | undefined {
  const [sequence = "", position = ""] = node.inputs;
  const split = model.graph.nodes.find(({ outputs }) => outputs.includes(sequence));
  const [at] = constantInts(model, position) ?? [];
  const range = split === undefined || at === undefined ? undefined : partOf(split, at, model);
  const output = node.outputs[0];
  if (split?.op !== "SplitToSequence" || range === undefined || output === undefined) return undefined;
  const bound = (name: string, value: number) => {
    constants.set(`${output}_${name}`, intTensor([1], [value]));
    return `${output}_${name}`;
  };
  const axis = intAttribute(split, "axis", 0);
  const bounds = [bound("start", range[0]), bound("end", range[1]), bound("axis", axis)];
  return [makeNode("Slice", [split.inputs[0] ?? "", ...bounds], [output], { name: node.name })];
}

/** Bounds of one part of a split by constant sizes: a list of them, or one for all. */
function partOf(split: Node, at: number, model: Model): readonly [number, number] | undefined {
  const sizes = split.op === "SplitToSequence" ? constantInts(model, split.inputs[1] ?? "") : undefined;
  if (sizes === undefined || at < 0) return undefined;
  if (model.graph.initializers.get(split.inputs[1] ?? "")?.dims.length === 0) {
    const [size] = sizes as [number];
    return [at * size, (at + 1) * size];
  }
  if (at >= sizes.length) return undefined;
  const start = sizes.slice(0, at).reduce((sum, size) => sum + size, 0);
  return [start, start + (sizes[at] as number)];
}

function constantInts(model: Model, name: string): number[] | undefined {
  const tensor = model.graph.initializers.get(name);
  return tensor?.data.at === "memory" ? numbersOf(tensor) : undefined;
}

/** A sequence all of whose readers became slices. */
function dropUnread(node: Node, _index: number, model: Model): Node[] | undefined {
  const readers = model.graph.nodes.filter((other) => readsOf(other).includes(node.outputs[0] ?? ""));
  const isRead = readers.some(
    (reader) => reader.op !== "SequenceAt" || sliceOfSequence(reader, 0, model, new Map()) === undefined,
  );
  return isRead || model.graph.outputs.some(({ name }) => name === node.outputs[0]) ? undefined : [];
}

const KEPT_ATTRIBUTES = ["num_heads", "scale", "mask_filter_value", "unidirectional"];

/**
 * Attention(X, W, b, mask, past, bias) = MultiHeadAttention(q, k, v, mask, bias) with q, k, v = split(X W + b). Left as it is where it has
 * a past, rotates, or splits unevenly.
 */
function splitAttention(
  node: Node,
  _index: number,
  model: Model,
  constants: Map<string, Tensor>,
): Node[] | undefined {
  const [x, weight, bias, mask, past, attentionBias] = node.inputs as string[];
  const dims = model.graph.initializers.get(weight ?? "")?.dims;
  const plain =
    !past &&
    intAttribute(node, "do_rotary", 0) === 0 &&
    !node.attributes.has("qkv_hidden_sizes") &&
    node.outputs.slice(1).every((output) => output === "");
  if (
    x === undefined ||
    weight === undefined ||
    dims?.length !== 2 ||
    !plain ||
    (dims[1] as number) % 3 !== 0
  )
    return undefined;
  const hidden = (dims[1] as number) / 3;
  const name = (part: string) => `${node.outputs[0]}_${part}`;
  const nodes = [makeNode("MatMul", [x, weight], [name("qkv")], { name: `${node.name}/qkv/MatMul` })];
  let packed = name("qkv");
  if (bias) {
    nodes.push(makeNode("Add", [packed, bias], [name("qkv_bias")], { name: `${node.name}/qkv/Add` }));
    packed = name("qkv_bias");
  }
  constants.set(name("split"), intTensor([3], [hidden, hidden, hidden]));
  const parts = [name("q"), name("k"), name("v")];
  nodes.push(
    makeNode("Split", [packed, name("split")], parts, {
      name: `${node.name}/qkv/Split`,
      attributes: new Map([["axis", { type: "int", value: 2 }]]),
    }),
  );
  nodes.push(
    makeNode(
      "MultiHeadAttention",
      [...parts, "", mask ?? "", attentionBias ?? ""],
      [node.outputs[0] as string],
      {
        domain: "com.microsoft",
        name: node.name,
        attributes: new Map([...node.attributes].filter(([key]) => KEPT_ATTRIBUTES.includes(key))),
      },
    ),
  );
  return nodes;
}
