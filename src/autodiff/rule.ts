import type { Attribute, DType, Node, Tensor } from "../onnx/model.ts";

/** What is known of a value of a specialised graph: every dimension is a number. */
export interface StaticValue {
  readonly dtype: DType;
  readonly dims: readonly number[];
}

/** Emits nodes of the backward graph. Values are names; every method returns the name of its (first) output. */
export interface GraphBuilder {
  /** Any operator; `outputs` > 1 returns only through `ops`. */
  op(op: string, inputs: readonly string[], attributes?: Readonly<Record<string, AttributeInput>>, domain?: string): string;
  ops(op: string, inputs: readonly string[], outputs: number, attributes?: Readonly<Record<string, AttributeInput>>, domain?: string): string[];
  /** float32 scalar constant, shared. */
  scalar(value: number): string;
  /** int64 vector constant, shared. */
  ints(values: readonly number[]): string;
  /** Any constant. */
  constant(tensor: Tensor): string;
}

export type AttributeInput = number | string | readonly number[] | Attribute | { readonly float: number } | { readonly floats: readonly number[] };

/** What a rule sees of its node. Inputs and outputs are counted from 0; an omitted input is undefined. */
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
  /** Gradient that arrives at output i; undefined where nothing downstream needs it. At least one is defined. */
  dY(i: number): string | undefined;
  /** Shape and type of input or output by name. */
  value(name: string): StaticValue;
  /** Constant behind a name, where it is one in the specialised graph. */
  constant(name: string): Tensor | undefined;
  /** Numbers of a constant integer input; throws `input.operator` naming the node where it is not constant. */
  intsOf(i: number): readonly number[];
  /** True where the gradient of input i is wanted; a rule builds nothing for the others. */
  needs(i: number): boolean;
  /** Attribute with its default. */
  int(name: string, fallback: number): number;
  float(name: string, fallback: number): number;
  ints(name: string, fallback: readonly number[]): readonly number[];
  string(name: string, fallback: string): string;
}

/**
 * Gradient of one operator, a row of the table. `gradient` returns one entry per input: the name of dX, or undefined for
 * inputs in `stops` and those not needed. A gradient may still have the broadcast shape of output 0 where `broadcasts`:
 * the walk alone sums it to the input's shape. Sums over fan-out are the walk's, too.
 */
export type GradRule =
  | {
      readonly state: "gradient";
      readonly domain: string;
      readonly op: string;
      readonly since: number;
      readonly broadcasts?: boolean;
      /** Inputs that never have a gradient (indices, shapes). */
      readonly stops?: readonly number[];
      readonly gradient: (ctx: RuleContext) => readonly (string | undefined)[];
    }
  /** The result does not depend smoothly on any input (comparisons, shapes, integers). */
  | { readonly state: "none"; readonly domain: string; readonly op: string; readonly since: number }
  /** Asking is an error, said before the run, with the reason. */
  | { readonly state: "refused"; readonly domain: string; readonly op: string; readonly since: number; readonly why: string };
