import { floatAttribute, intAttribute, intsAttribute, stringAttribute } from "./attributes.ts";
import { type GraphIndex, indexGraph, weightBehind } from "./graph-index.ts";
import type { Model, Node } from "./model.ts";
import { firstCallPath, isOneWeightModule, nodeScope, weightPath } from "./module-paths.ts";
import type { Module } from "./modules.ts";
import { normalise } from "./normalise.ts";
import { findOutputLayers } from "./output-layer.ts";
import { packedParts } from "./packed-weights.ts";
import { rejoin } from "./rejoin-modules.ts";
import { isFloat } from "./tensors.ts";

/** A node that applies a weight, before it has a path. */
interface Use {
  readonly node: Node;
  readonly module: Omit<Module, "path" | "isOutput" | "outputs" | "copies">;
  readonly output: string;
}

/**
 * Every Linear (MatMul, Gemm, MatMulNBits with a weight of two dimensions, also behind Transpose, Identity or Cast) and convolution of a
 * model, in graph order, with the path that PEFT would call it. The names of values are those of `normalise(model)`, which is what
 * `specialise` works on. Weights packed for query, key and value are several modules with `slice`, one where PEFT sees one (`c_attn`).
 */
export function findModules(
  source: Model,
  hints: { readonly architecture?: string } = {},
): readonly Module[] {
  const index = indexGraph(normalise(source), hints.architecture);
  const found = new Map<string, Found>();
  for (const node of index.model.graph.nodes) {
    const use = linearUse(index, node) ?? convUse(index, node);
    if (use === undefined) continue;
    for (const part of partsOf(index, use)) {
      const same = found.get(part.path);
      const called = same ?? found.get(firstCallPath(part.path));
      if (called?.module.weight === part.weight) called.outputs.push(use.output);
      else if (same !== undefined && isSecondCall(same.module, part, node)) {
        same.outputs.push(use.output);
        same.copies.add(part.weight);
      } else {
        const path =
          same === undefined ? part.path : freePath(found, weightPath(part.weight, index.style) ?? part.path);
        found.set(path, { module: { ...part, path }, outputs: [use.output], copies: new Set() });
      }
    }
  }
  const last = findOutputLayers(index, new Set([...found.values()].flatMap(({ outputs }) => outputs)));
  const modules = [...found.values()].map(({ module, outputs, copies }) => ({
    ...module,
    outputs,
    isOutput: outputs.some((output) => last.has(output)),
    ...(copies.size === 0 ? {} : { copies: [...copies] }),
  }));
  return index.style.isGenai ? rejoin(modules, index.architecture) : modules;
}

interface Found {
  readonly module: Part;
  readonly outputs: string[];
  readonly copies: Set<string>;
}

/** An optimiser that transposes weights does it once a call: a module called twice has two equal weights. */
function isSecondCall(first: Part, part: Part, node: Node): boolean {
  return (
    isOneWeightModule(node) &&
    first.slice === undefined &&
    part.slice === undefined &&
    first.transposed === part.transposed &&
    first.inFeatures === part.inFeatures &&
    first.outFeatures === part.outFeatures
  );
}

function freePath(found: ReadonlyMap<string, unknown>, path: string): string {
  if (!found.has(path)) return path;
  for (let i = 1; ; i++) if (!found.has(`${path}_${i}`)) return `${path}_${i}`;
}

function linearUse(index: GraphIndex, node: Node): Use | undefined {
  const output = node.outputs[0];
  if (output === undefined) return undefined;
  if (node.op === "MatMulNBits" && node.domain === "com.microsoft") return packedUse(index, node, output);
  const operand = OPERANDS.get(`${node.domain}:${node.op}`)?.(node);
  const weight = operand === undefined ? undefined : weightBehind(index, node.inputs[1] ?? "");
  if (
    operand === undefined ||
    weight === undefined ||
    weight.tensor.dims.length !== 2 ||
    !isFloat(weight.tensor.dtype)
  )
    return undefined;
  const transposed = operand.flipped === weight.flipped;
  const [first, second] = weight.tensor.dims as [number, number];
  const bias =
    node.op === "Gemm"
      ? biasOperand(index, node.inputs[2])
      : biasAfter(index, output, transposed ? second : first);
  return {
    node,
    output,
    module: {
      kind: "linear",
      weight: weight.name,
      ...(bias === undefined ? {} : { bias }),
      transposed,
      inFeatures: transposed ? first : second,
      outFeatures: transposed ? second : first,
    },
  };
}

/** Operators of a Linear and whether their weight operand is [out, in]; undefined where they compute something else. */
const OPERANDS: ReadonlyMap<string, (node: Node) => { flipped: boolean } | undefined> = new Map([
  [":MatMul", () => ({ flipped: false })],
  [":Gemm", (node) => (isPlainGemm(node) ? { flipped: intAttribute(node, "transB", 0) === 1 } : undefined)],
  [
    "com.microsoft:FusedMatMul",
    (node) =>
      intAttribute(node, "transA", 0) === 0 && floatAttribute(node, "alpha", 1) === 1
        ? { flipped: intAttribute(node, "transB", 0) === 1 }
        : undefined,
  ],
]);

function isPlainGemm(node: Node): boolean {
  return (
    intAttribute(node, "transA", 0) === 0 &&
    floatAttribute(node, "alpha", 1) === 1 &&
    floatAttribute(node, "beta", 1) === 1
  );
}

function packedUse(index: GraphIndex, node: Node, output: string): Use | undefined {
  const weight = node.inputs[1] ?? "";
  const inFeatures = intAttribute(node, "K", 0);
  const outFeatures = intAttribute(node, "N", 0);
  if (!index.model.graph.initializers.has(weight) || inFeatures <= 0 || outFeatures <= 0) return undefined;
  const bias = biasOperand(index, node.inputs[5]) ?? biasAfter(index, output, outFeatures);
  return {
    node,
    output,
    module: {
      kind: "linear",
      weight,
      ...(bias === undefined ? {} : { bias }),
      transposed: false,
      inFeatures,
      outFeatures,
    },
  };
}

function biasOperand(index: GraphIndex, name: string | undefined): string | undefined {
  return name ? weightBehind(index, name)?.name : undefined;
}

/** The vector that is added to a product, where nothing else happens to it. */
function biasAfter(index: GraphIndex, output: string, outFeatures: number): string | undefined {
  const users = index.users.get(output) ?? [];
  const [user] = users;
  if (users.length !== 1 || user === undefined || !["Add", "BiasGelu", "FastGelu"].includes(user.op))
    return undefined;
  const other = user.inputs.find((input) => input !== output);
  const weight = other ? weightBehind(index, other) : undefined;
  return weight !== undefined && weight.tensor.dims.length === 1 && weight.tensor.dims[0] === outFeatures
    ? weight.name
    : undefined;
}

function convUse(index: GraphIndex, node: Node): Use | undefined {
  const output = node.outputs[0];
  if (node.op !== "Conv" || node.domain !== "" || output === undefined) return undefined;
  const weight = weightBehind(index, node.inputs[1] ?? "");
  if (weight === undefined || weight.flipped || weight.tensor.dims.length < 3) return undefined;
  const [outFeatures, inGroup, ...kernel] = weight.tensor.dims as [number, number, ...number[]];
  const group = intAttribute(node, "group", 1);
  const bias = biasOperand(index, node.inputs[2]);
  const each = (value: number) => kernel.map(() => value);
  return {
    node,
    output,
    module: {
      kind: "conv",
      weight: weight.name,
      ...(bias === undefined ? {} : { bias }),
      transposed: false,
      inFeatures: inGroup * group,
      outFeatures,
      conv: {
        kernel,
        strides: intsAttribute(node, "strides", each(1)),
        pads: intsAttribute(node, "pads", [...each(0), ...each(0)]),
        dilations: intsAttribute(node, "dilations", each(1)),
        group,
        autoPad: stringAttribute(node, "auto_pad", "NOTSET"),
      },
    },
  };
}

type Part = Omit<Module, "outputs" | "copies">;

/** The modules that one use of a weight stands for. */
function partsOf(index: GraphIndex, use: Use): Part[] {
  const path = pathOf(index, use);
  const whole: Part = { ...use.module, path, isOutput: false };
  const packed =
    use.module.kind === "linear" ? packedParts(index, use.output, use.module.outFeatures, path) : undefined;
  if (packed === undefined) return [whole];
  return packed.map(({ path: partPath, from, to }) => ({
    ...whole,
    path: partPath,
    slice: [from, to, use.module.outFeatures],
    outFeatures: to - from,
  }));
}

/** Scope of the node, or the weight's own name where that is the only place it is used or the node has no scope. */
function pathOf(index: GraphIndex, { node, module }: Use): string {
  const scope = nodeScope(node, index.style);
  const own = weightPath(module.weight, index.style);
  const isShared = (index.users.get(module.weight) ?? []).length > 1;
  if (own !== undefined && !isShared && !index.style.isGenai) return own;
  return scope ?? own ?? (node.name || module.weight);
}
