import { bug } from "../base/errors.ts";
import type { Attribute, DType, Node, Tensor } from "../onnx/model.ts";
import type { StaticGraph } from "../onnx/static-graph.ts";
import { infer } from "./infer.ts";
import { literal } from "./literals.ts";
import type { AttributeInput, GraphBuilder, MatMulOptions, OpOptions, Padded, StaticValue } from "./rule.ts";
import { broadcastDims, broadcastsTo, range, sameDims, sizeOf } from "./shapes.ts";

/** Larger constants of one repeated number are made by a node instead of being stored. */
const MAX_STORED_FILL = 64;

const ELEM_TYPE: Partial<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
};

/** Number of an element type in `TensorProto.DataType`. */
export function elemType(dtype: DType): number {
  return ELEM_TYPE[dtype] ?? bug(`no element type for ${dtype}`);
}

/** What a builder has appended. */
export interface Emitted {
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Tensor>;
  readonly values: ReadonlyMap<string, StaticValue>;
}

function toAttribute(input: AttributeInput): Attribute {
  if (typeof input === "number") return { type: "int", value: input };
  if (typeof input === "string") return { type: "string", value: input };
  if (Array.isArray(input)) return { type: "ints", value: input };
  if ("float" in input) return { type: "float", value: input.float };
  if ("floats" in input) return { type: "floats", value: input.floats };
  return input as Attribute;
}

/** A prefix with which no value and no node of the graph begins. */
function freePrefix(graph: Pick<StaticGraph, "values" | "nodes">, label: string): string {
  const taken = [...graph.values.keys(), ...graph.nodes.map((n) => n.name)].filter((name) =>
    name.startsWith(label),
  );
  for (let i = 0; ; i++) {
    const prefix = i === 0 ? `${label}:` : `${label}${i}:`;
    if (!taken.some((name) => name.startsWith(prefix))) return prefix;
  }
}

/**
 * Creates a builder that appends to `graph` (which it never changes). `label` begins every generated name, made unique
 * against the names of the graph; the same calls in the same order always give the same names.
 */
export function createBuilder(
  graph: Pick<StaticGraph, "values" | "nodes">,
  label: string,
): GraphBuilder & Emitted {
  return new Builder(graph, freePrefix(graph, label));
}

class Builder implements GraphBuilder, Emitted {
  readonly nodes: Node[] = [];
  readonly constants = new Map<string, Tensor>();
  readonly values = new Map<string, StaticValue>();
  readonly #known: ReadonlyMap<string, StaticValue>;
  readonly #prefix: string;
  readonly #padded = new Map<string, Padded>();
  readonly #shared = new Map<string, string[]>();

  constructor(graph: Pick<StaticGraph, "values">, prefix: string) {
    this.#known = graph.values;
    this.#prefix = prefix;
  }

  value(name: string): StaticValue {
    return this.values.get(name) ?? this.#known.get(name) ?? bug(`no value named '${name}'`);
  }

  dims(name: string): readonly number[] {
    return this.value(name).dims;
  }

  op(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeInput>> = {},
    options: OpOptions = {},
  ): string {
    const out = options.out ?? [
      infer(
        op,
        inputs.filter((x) => x !== "").map((x) => this.value(x)),
      ) ?? bug(`shape of ${op} must be stated`),
    ];
    return this.ops(op, inputs, attributes, { ...options, out })[0]!;
  }

  ops(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeInput>>,
    options: OpOptions & { readonly out: readonly StaticValue[]; readonly names?: readonly string[] },
  ): string[] {
    const domain = options.domain ?? "";
    const key = JSON.stringify([domain, op, inputs, attributes, options.out.length, options.out[0]?.dims]);
    const shared = options.names === undefined ? this.#shared.get(key) : undefined;
    if (shared !== undefined) return shared;
    const stem = `${this.#prefix}${this.nodes.length}`;
    const outputs = options.names ?? options.out.map((_, i) => (i === 0 ? stem : `${stem}.${i}`));
    const entries = Object.entries(attributes).map(([name, input]) => [name, toAttribute(input)] as const);
    this.nodes.push({
      op,
      domain,
      name: `${stem}/${op}`,
      inputs,
      outputs,
      attributes: new Map(entries),
      metadata: new Map(),
    });
    outputs.forEach((name, i) => {
      this.values.set(name, options.out[i]!);
    });
    this.#shared.set(key, [...outputs]);
    return [...outputs];
  }

  scalar(value: number, dtype: DType = "float32"): string {
    return this.#share([value], [], dtype);
  }

  ints(values: readonly number[], dims: readonly number[] = [values.length]): string {
    return this.#share(values, dims, "int64");
  }

  floats(values: ArrayLike<number>, dims: readonly number[], dtype: DType = "float32"): string {
    return this.constant(literal(values, dims, dtype));
  }

  constant(tensor: Tensor): string {
    const name = `${this.#prefix}c${this.constants.size}`;
    this.constants.set(name, tensor);
    this.values.set(name, { dtype: tensor.dtype, dims: tensor.dims });
    return name;
  }

  full(dims: readonly number[], value: number, dtype: DType): string {
    if (sizeOf(dims) <= MAX_STORED_FILL) {
      return this.#share(
        range(sizeOf(dims)).map(() => value),
        dims,
        dtype,
      );
    }
    const fill: Attribute = { type: "tensor", value: literal([value], [1], dtype) };
    return this.op("ConstantOfShape", [this.ints(dims)], { value: fill }, { out: [{ dtype, dims }] });
  }

  #share(values: readonly number[], dims: readonly number[], dtype: DType): string {
    const key = `${dtype}[${dims}]${values.map((v) => (Object.is(v, -0) ? "-0" : v))}`;
    const known = this.#shared.get(key);
    if (known !== undefined) return known[0]!;
    const name = this.constant(literal(values, dims, dtype));
    this.#shared.set(key, [name]);
    return name;
  }

  add(a: string, b: string): string {
    return this.op("Add", [a, b]);
  }

  sub(a: string, b: string): string {
    return this.op("Sub", [a, b]);
  }

  mul(a: string, b: string): string {
    return this.op("Mul", [a, b]);
  }

  div(a: string, b: string): string {
    return this.op("Div", [a, b]);
  }

  scale(x: string, factor: number): string {
    if (factor === 1) return x;
    if (factor === -1) return this.unary("Neg", x);
    return this.mul(x, this.scalar(factor, this.value(x).dtype));
  }

  shift(x: string, addend: number): string {
    return addend === 0 ? x : this.add(x, this.scalar(addend, this.value(x).dtype));
  }

  oneMinus(x: string): string {
    return this.sub(this.scalar(1, this.value(x).dtype), x);
  }

  unary(op: string, x: string): string {
    return this.op(op, [x]);
  }

  greater(a: string, b: string): string {
    return this.op("Greater", [a, b]);
  }

  equal(a: string, b: string): string {
    return this.op("Equal", [a, b]);
  }

  where(condition: string, a: string, b: string): string {
    return this.op("Where", [condition, a, b]);
  }

  keep(condition: string, x: string): string {
    return this.where(condition, x, this.scalar(0, this.value(x).dtype));
  }

  cast(x: string, dtype: DType): string {
    if (this.value(x).dtype === dtype) return x;
    return this.op("Cast", [x], { to: elemType(dtype) }, { out: [{ dtype, dims: this.dims(x) }] });
  }

  matMul(a: string, b: string, { transA = false, transB = false, alpha = 1 }: MatMulOptions = {}): string {
    const { dtype, dims: aDims } = this.value(a);
    const bDims = this.dims(b);
    const m = aDims.at(transA ? -1 : -2)!;
    const n = bDims.at(transB ? -2 : -1)!;
    const out = [{ dtype, dims: [...broadcastDims(aDims.slice(0, -2), bDims.slice(0, -2)), m, n] }];
    if (!transA && !transB && alpha === 1) return this.op("MatMul", [a, b], {}, { out });
    if (dtype === "float32") {
      const attributes = { transA: Number(transA), transB: Number(transB), alpha: { float: alpha } };
      return this.op("FusedMatMul", [a, b], attributes, { domain: "com.microsoft", out });
    }
    // The fused kernel exists for float32 only.
    const left = transA ? this.#swapLast(a) : a;
    const right = transB ? this.#swapLast(b) : b;
    return this.scale(this.op("MatMul", [left, right], {}, { out }), alpha);
  }

  #swapLast(x: string): string {
    const rank = this.dims(x).length;
    return this.transpose(x, [...range(rank - 2), rank - 1, rank - 2]);
  }

  reshape(x: string, dims: readonly number[]): string {
    const { dtype, dims: from } = this.value(x);
    if (sameDims(from, dims)) return x;
    if (sizeOf(from) !== sizeOf(dims)) bug(`reshape of [${from}] to [${dims}]`);
    // Without allowzero a 0 would mean "copy the input's dimension".
    const attributes = dims.includes(0) ? { allowzero: 1 } : {};
    return this.op("Reshape", [x, this.ints(dims)], attributes, { out: [{ dtype, dims }] });
  }

  transpose(x: string, perm: readonly number[]): string {
    if (perm.every((axis, i) => axis === i)) return x;
    const { dtype, dims } = this.value(x);
    return this.op("Transpose", [x], { perm }, { out: [{ dtype, dims: perm.map((axis) => dims[axis]!) }] });
  }

  expand(x: string, dims: readonly number[]): string {
    const { dtype, dims: from } = this.value(x);
    if (sameDims(from, dims)) return x;
    if (!broadcastsTo(from, dims)) bug(`expand of [${from}] to [${dims}]`);
    return this.op("Expand", [x, this.ints(dims)], {}, { out: [{ dtype, dims }] });
  }

  reduce(op: string, x: string, axes: readonly number[], keepDims = true): string {
    const { dtype, dims } = this.value(x);
    if (axes.length === 0) return op === "ReduceSum" || op === "ReduceMean" ? x : bug(`${op} over no axes`);
    const out = dims
      .map((d, i) => (axes.includes(i) ? 1 : d))
      .filter((_, i) => keepDims || !axes.includes(i));
    return this.op(op, [x, this.ints(axes)], { keepdims: Number(keepDims) }, { out: [{ dtype, dims: out }] });
  }

  sum(x: string, axes: readonly number[], keepDims = true): string {
    return this.reduce("ReduceSum", x, axes, keepDims);
  }

  mean(x: string, axes: readonly number[], keepDims = true): string {
    return this.reduce("ReduceMean", x, axes, keepDims);
  }

  sumTo(x: string, dims: readonly number[]): string {
    const from = this.dims(x);
    if (sameDims(from, dims)) return x;
    if (!broadcastsTo(dims, from)) bug(`a gradient of shape [${from}] for a value of shape [${dims}]`);
    const lead = from.length - dims.length;
    const axes = range(from.length).filter((i) => i < lead || (dims[i - lead] === 1 && from[i] !== 1));
    return this.reshape(this.sum(x, axes, false), dims);
  }

  slice(x: string, axis: number, start: number, end: number): string {
    const { dtype, dims } = this.value(x);
    if (start === 0 && end === dims[axis]) return x;
    const out = dims.map((d, i) => (i === axis ? end - start : d));
    const inputs = [x, this.ints([start]), this.ints([end]), this.ints([axis])];
    return this.op("Slice", inputs, {}, { out: [{ dtype, dims: out }] });
  }

  concat(xs: readonly string[], axis: number): string {
    if (xs.length === 1) return xs[0]!;
    const { dtype, dims } = this.value(xs[0]!);
    const total = xs.reduce((n, x) => n + this.dims(x)[axis]!, 0);
    return this.op(
      "Concat",
      xs,
      { axis },
      { out: [{ dtype, dims: dims.map((d, i) => (i === axis ? total : d)) }] },
    );
  }

  split(x: string, sizes: readonly number[], axis: number): string[] {
    if (sizes.length === 1) return [x];
    const { dtype, dims } = this.value(x);
    const out = sizes.map((size) => ({ dtype, dims: dims.map((d, i) => (i === axis ? size : d)) }));
    return this.ops("Split", [x, this.ints(sizes)], { axis }, { out });
  }

  pad(x: string, begins: readonly number[], ends: readonly number[]): string {
    if ([...begins, ...ends].every((p) => p === 0)) return x;
    const { dtype, dims } = this.value(x);
    const out = dims.map((d, i) => d + begins[i]! + ends[i]!);
    const name = this.op("Pad", [x, this.ints([...begins, ...ends])], {}, { out: [{ dtype, dims: out }] });
    if ([...begins, ...ends].every((p) => p >= 0)) this.#padded.set(name, { x, begins, ends });
    return name;
  }

  padded(name: string): Padded | undefined {
    return this.#padded.get(name);
  }

  gather(x: string, indices: string, axis: number): string {
    const { dtype, dims } = this.value(x);
    const out = [...dims.slice(0, axis), ...this.dims(indices), ...dims.slice(axis + 1)];
    return this.op("Gather", [x, indices], { axis }, { out: [{ dtype, dims: out }] });
  }

  scatterRows(updates: string, indices: string, rows: number): string {
    const { dtype, dims } = this.value(updates);
    const [n = 0, ...rest] = dims;
    const zeros = this.full([rows, ...rest], 0, dtype);
    if (n === 0) return zeros;
    const column = this.reshape(indices, [n, ...rest.map(() => 1)]);
    // ScatterElements adds in the order of its updates, so that equal indices give the same sum on any number of threads.
    return this.op("ScatterElements", [zeros, this.expand(column, dims), updates], {
      axis: 0,
      reduction: "add",
    });
  }
}
