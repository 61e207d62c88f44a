import type { Attribute, DType, Node, Tensor } from "../onnx/model.ts";

/** What is known of a value of a specialised graph: every dimension is a number. */
export interface StaticValue {
  readonly dtype: DType;
  readonly dims: readonly number[];
}

/** An attribute as rules write it: a whole number is an `int`, an array of them `ints`; floats are said to be floats. */
export type AttributeInput =
  | number
  | string
  | readonly number[]
  | Attribute
  | { readonly float: number }
  | { readonly floats: readonly number[] };

export interface OpOptions {
  /** "" (ai.onnx) by default. */
  readonly domain?: string;
  /** Type and shape of each output, for operators that `infer` does not know. */
  readonly out?: readonly StaticValue[];
}

/** `x` with `begins` and `ends` zeros around it along each axis. */
export interface Padded {
  readonly x: string;
  readonly begins: readonly number[];
  readonly ends: readonly number[];
}

export interface MatMulOptions {
  readonly transA?: boolean;
  readonly transB?: boolean;
  /** Factor on the product. */
  readonly alpha?: number;
}

/**
 * Appends nodes to a graph of static shapes. Values are names; every method returns the name of its (first) output, whose
 * type and shape are known at once. The same operator on the same inputs is emitted once.
 */
export interface GraphBuilder {
  /** Type and shape of a value of the graph or of one emitted here. */
  value(name: string): StaticValue;
  dims(name: string): readonly number[];
  /** Any operator with one output. */
  op(
    op: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, AttributeInput>>,
    options?: OpOptions,
  ): string;
  /** Any operator; `options.out` says how many outputs it has. Their names are `names` where given. */
  ops(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeInput>>,
    options: OpOptions & { readonly out: readonly StaticValue[]; readonly names?: readonly string[] },
  ): string[];
  /** Scalar constant, shared; float32 unless said. */
  scalar(value: number, dtype?: DType): string;
  /** int64 vector constant, shared. */
  ints(values: readonly number[], dims?: readonly number[]): string;
  /** Float constant of any shape. */
  floats(values: ArrayLike<number>, dims: readonly number[], dtype?: DType): string;
  /** Any constant. */
  constant(tensor: Tensor): string;
  /** A tensor of one repeated number; never stored where it is large. */
  full(dims: readonly number[], value: number, dtype: DType): string;

  add(a: string, b: string): string;
  sub(a: string, b: string): string;
  mul(a: string, b: string): string;
  div(a: string, b: string): string;
  /** 1 - x. */
  oneMinus(x: string): string;
  /** x times a plain number. */
  scale(x: string, factor: number): string;
  /** x plus a plain number. */
  shift(x: string, addend: number): string;
  unary(op: string, x: string): string;
  greater(a: string, b: string): string;
  equal(a: string, b: string): string;
  /** Like numpy's where, broadcasting all three. */
  where(condition: string, a: string, b: string): string;
  /** x where the condition holds, else 0. */
  keep(condition: string, x: string): string;
  cast(x: string, dtype: DType): string;
  /** a [.., M, K] times b [.., K, N]; a transposed operand is never stored. */
  matMul(a: string, b: string, options?: MatMulOptions): string;
  reshape(x: string, dims: readonly number[]): string;
  transpose(x: string, perm: readonly number[]): string;
  expand(x: string, dims: readonly number[]): string;
  /** Any Reduce* operator; the result keeps its rank where `keepDims` (default). */
  reduce(op: string, x: string, axes: readonly number[], keepDims?: boolean): string;
  sum(x: string, axes: readonly number[], keepDims?: boolean): string;
  mean(x: string, axes: readonly number[], keepDims?: boolean): string;
  /** Sums a gradient to a shape that broadcasts to its own: the only place that un-broadcasts. */
  sumTo(x: string, dims: readonly number[]): string;
  slice(x: string, axis: number, start: number, end: number): string;
  concat(xs: readonly string[], axis: number): string;
  split(x: string, sizes: readonly number[], axis: number): string[];
  /** Zero padding; negative numbers crop. */
  pad(x: string, begins: readonly number[], ends: readonly number[]): string;
  /** What a value made by `pad` has zeros around. */
  padded(name: string): Padded | undefined;
  gather(x: string, indices: string, axis: number): string;
  /** Sum of `updates` [n, ...rest] into the rows `indices` [n] of zeros [rows, ...rest]; indices may be negative. */
  scatterRows(updates: string, indices: string, rows: number): string;
}

/** What a rule sees of its node. Inputs and outputs are counted from 0; an omitted input is absent. */
export interface RuleContext {
  readonly node: Node;
  /** Opset version of the node's domain in this model. */
  readonly opset: number;
  readonly g: GraphBuilder;
  /** Name of input i. */
  x(i: number): string;
  hasInput(i: number): boolean;
  /** Name of output i. */
  y(i: number): string;
  hasOutput(i: number): boolean;
  /** Shape of input i. */
  dims(i: number): readonly number[];
  /** Element type of input i. */
  dtype(i: number): DType;
  /** Gradient that arrives at output i; undefined where nothing downstream needs it. At least one is defined. */
  dY(i: number): string | undefined;
  /** Constant behind a name, where it is one in the specialised graph. */
  constant(name: string): Tensor | undefined;
  /** Numbers of a constant input; throws `input.operator` naming the node where it is not constant. */
  numbersOf(i: number): readonly number[];
  /** True where the gradient of input i is wanted; a rule builds nothing for the others. */
  needs(i: number): boolean;
  /** Nodes of the graph that read a value. */
  readers(name: string): readonly Node[];
  /** Refuses the node with a reason. */
  refuse(why: string): never;
  hasAttribute(name: string): boolean;
  /** Attribute with its default. */
  int(name: string, fallback: number): number;
  float(name: string, fallback: number): number;
  ints(name: string, fallback: readonly number[]): readonly number[];
  string(name: string, fallback: string): string;
  /** Scalar constant of the type of input 0. */
  num(value: number): string;
}

/** Names of the gradients of a node's inputs; `undefined` for those not needed. May be shorter than the inputs. */
export type InputGradients = readonly (string | undefined)[];

/**
 * Gradient of one operator, a row of the table. `gradient` returns one entry per input. A gradient may have any shape to
 * which the input's shape broadcasts (the walk alone sums it) or that broadcasts to the input's shape (the walk expands it,
 * where the next rule needs it whole).
 * Sums over fan-out are the walk's, too.
 */
export type GradRule =
  | {
      readonly state: "gradient";
      readonly domain: string;
      readonly op: string;
      readonly since: number;
      /** Elementwise in dY, so that a dY that only broadcasts to Y's shape may stay small. */
      readonly elementwise?: boolean;
      /** Inputs that never have a gradient (indices, shapes). */
      readonly stops?: readonly number[];
      readonly gradient: (ctx: RuleContext) => InputGradients;
    }
  /** The result does not depend smoothly on any input (comparisons, shapes, integers). */
  | { readonly state: "none"; readonly domain: string; readonly op: string; readonly since: number }
  /** Asking is an error, said before the run, with the reason. */
  | {
      readonly state: "refused";
      readonly domain: string;
      readonly op: string;
      readonly since: number;
      readonly why: string;
    };
