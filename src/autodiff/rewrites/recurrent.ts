import type { GraphBuilder, RuleContext } from "../rule.ts";
import { range } from "../shapes.ts";
import type { Rewrite } from "./rewrite.ts";

type Activation = (g: GraphBuilder, x: string) => string;

const ACTIVATIONS: Readonly<Record<string, Activation>> = Object.fromEntries(
  ["Sigmoid", "Tanh", "Relu", "Softsign", "Softplus", "HardSigmoid", "Elu", "LeakyRelu"].map((op) => [
    op.toLowerCase(),
    (g, x) => g.unary(op, x),
  ]),
);

/** Weights of one direction and what a step needs; B rows, H width of the state. */
interface Direction {
  readonly g: GraphBuilder;
  readonly ctx: RuleContext;
  readonly hidden: number;
  /** Recurrent weight [gates H, H]. */
  readonly r: string;
  /** W-bias and R-bias [gates H]; absent where there is none. */
  readonly biases: readonly [string, string] | undefined;
  /** Peepholes [3 H] of an LSTM: i, o, f. */
  readonly peepholes: string | undefined;
  readonly activations: readonly Activation[];
}

interface State {
  readonly h: string;
  readonly c?: string;
}

/** One time step: x is this step's row of X W^T, [B, gates H]. */
type Cell = (direction: Direction, x: string, state: State) => State;

function product(g: GraphBuilder, x: string, weight: string): string {
  return g.matMul(x, weight, { transB: true });
}

/** Parts of a vector or of rows, `count` equal ones along the last axis. */
function parts(g: GraphBuilder, x: string, count: number): string[] {
  const dims = g.dims(x);
  const size = dims.at(-1)! / count;
  return g.split(
    x,
    range(count).map(() => size),
    dims.length - 1,
  );
}

/** Gates i, o, f, c: C = f C' + i c, H = o act(C). */
const lstm: Cell = ({ g, r, biases, peepholes, activations }, x, { h, c }) => {
  const [gate, inner, outer] = activations as [Activation, Activation, Activation];
  const sum = g.add(x, product(g, h, r));
  const biased = biases === undefined ? sum : g.add(sum, g.add(biases[0], biases[1]));
  const [i, o, f, candidate] = parts(g, biased, 4) as [string, string, string, string];
  const peep = peepholes === undefined ? undefined : parts(g, peepholes, 3);
  const seen = (a: string, k: number, cell: string) =>
    peep === undefined ? a : g.add(a, g.mul(peep[k]!, cell));
  const kept = g.mul(gate(g, seen(f, 2, c!)), c!);
  const next = g.add(kept, g.mul(gate(g, seen(i, 0, c!)), inner(g, candidate)));
  return { h: g.mul(gate(g, seen(o, 1, next)), outer(g, next)), c: next };
};

/** Gates z, r, h: H = (1 - z) h + z H'; the reset comes before or after the recurrent product. */
const gru: Cell = ({ g, ctx, hidden, r, biases, activations }, x, { h }) => {
  const [gate, inner] = activations as [Activation, Activation];
  const [rGates, rCandidate] = g.split(r, [2 * hidden, hidden], 0) as [string, string];
  const add = (a: string, b: string | undefined) => (b === undefined ? a : g.add(a, b));
  const cut = (b: string | undefined) =>
    b === undefined ? [undefined, undefined] : g.split(b, [2 * hidden, hidden], 0);
  const [wbGates, wbCandidate] = cut(biases?.[0]);
  const [rbGates, rbCandidate] = cut(biases?.[1]);
  const [xGates, xCandidate] = g.split(x, [2 * hidden, hidden], 1) as [string, string];
  const gates = gate(g, add(add(g.add(xGates, product(g, h, rGates)), wbGates), rbGates));
  const [z, reset] = parts(g, gates, 2) as [string, string];
  const recurrent =
    ctx.int("linear_before_reset", 0) === 1
      ? g.mul(reset, add(product(g, h, rCandidate), rbCandidate))
      : add(product(g, g.mul(reset, h), rCandidate), rbCandidate);
  const candidate = inner(g, add(g.add(xCandidate, recurrent), wbCandidate));
  // (1 - z) h + z H' with one product less.
  return { h: g.add(candidate, g.mul(z, g.sub(h, candidate))) };
};

const rnn: Cell = ({ g, r, biases, activations }, x, { h }) => {
  const sum = g.add(x, product(g, h, r));
  return { h: activations[0]!(g, biases === undefined ? sum : g.add(sum, g.add(biases[0], biases[1]))) };
};

interface Kind {
  readonly cell: Cell;
  readonly defaults: readonly string[];
  readonly hasCell: boolean;
}

/** Turns the time axis of [T, B, ...] around, within each row's length where there is one. */
function reversed(g: GraphBuilder, x: string, lengths: string | undefined): string {
  const time = g.dims(x)[0]!;
  if (lengths === undefined) return g.gather(x, g.ints(range(time).reverse()), 0);
  return g.op("ReverseSequence", [x, g.cast(lengths, "int64")], { batch_axis: 1, time_axis: 0 });
}

/** LSTM, GRU and RNN unrolled over time; the products with W are one for all steps. */
function unrolled(ctx: RuleContext, { cell, defaults, hasCell }: Kind): readonly (string | undefined)[] {
  const { g } = ctx;
  if (ctx.hasAttribute("clip")) ctx.refuse("clipped gates");
  if (ctx.int("input_forget", 0) === 1) ctx.refuse("coupled input and forget gates");
  if (ctx.hasAttribute("activation_alpha") || ctx.hasAttribute("activation_beta"))
    ctx.refuse("activations with parameters");
  const batchFirst = ctx.int("layout", 0) === 1;
  const x = batchFirst ? g.transpose(ctx.x(0), [1, 0, 2]) : ctx.x(0);
  const [time, batch] = g.dims(x) as [number, number, number];
  const hidden = ctx.dims(2).at(-1)!;
  const direction = ctx.string("direction", "forward");
  const backwards = direction === "bidirectional" ? [false, true] : [direction === "reverse"];
  const lengths = ctx.hasInput(4) ? ctx.x(4) : undefined;
  const given = namesOf(ctx, "activations");
  const names = given.length > 0 ? given : backwards.flatMap(() => defaults);
  const of = (i: number, d: number) => {
    if (!ctx.hasInput(i)) return undefined;
    const dims = ctx.dims(i);
    return g.reshape(g.slice(ctx.x(i), 0, d, d + 1), dims.slice(1));
  };
  const start = (i: number, d: number) => {
    if (!ctx.hasInput(i)) return g.full([batch, hidden], 0, ctx.dtype(0));
    const states = batchFirst ? g.transpose(ctx.x(i), [1, 0, 2]) : ctx.x(i);
    return g.reshape(g.slice(states, 0, d, d + 1), [batch, hidden]);
  };
  const runs = backwards.map((isBackwards, d) => {
    const bias = of(3, d);
    const [wb, rb] = bias === undefined ? [] : parts(g, bias, 2);
    const activations = names
      .slice(d * defaults.length, (d + 1) * defaults.length)
      .map((name) => ACTIVATIONS[name.toLowerCase()] ?? ctx.refuse(`activation '${name}'`));
    const biases = wb === undefined || rb === undefined ? undefined : ([wb, rb] as const);
    const own: Direction = {
      g,
      ctx,
      hidden,
      r: of(2, d)!,
      biases,
      peepholes: hasCell ? of(7, d) : undefined,
      activations,
    };
    const state = { h: start(5, d), ...(hasCell ? { c: start(6, d) } : {}) };
    const input = isBackwards ? reversed(g, x, lengths) : x;
    const projected = g.matMul(g.reshape(input, [time * batch, g.dims(input)[2]!]), of(1, d)!, {
      transB: true,
    });
    const run = steps(own, g.reshape(projected, [time, batch, g.dims(projected)[1]!]), state, cell, lengths);
    return { ...run, y: isBackwards ? reversed(g, run.y, lengths) : run.y };
  });
  // [T, B, H] -> [T, D, B, H] or, batch first, [B, T, D, H]
  const y = g.concat(
    runs.map((run) => g.reshape(run.y, [time, 1, batch, hidden])),
    1,
  );
  const last = (pick: (state: State) => string) => {
    const states = g.concat(
      runs.map((run) => g.reshape(pick(run.state), [1, batch, hidden])),
      0,
    );
    return batchFirst ? g.transpose(states, [1, 0, 2]) : states;
  };
  return [
    batchFirst ? g.transpose(y, [2, 0, 1, 3]) : y,
    last((s) => s.h),
    hasCell ? last((s) => s.c!) : undefined,
  ];
}

function steps(
  own: Direction,
  projected: string,
  first: State,
  cell: Cell,
  lengths: string | undefined,
): { y: string; state: State } {
  const { g } = own;
  const [time, batch, width] = g.dims(projected) as [number, number, number];
  const rows = g.split(
    projected,
    range(time).map(() => 1),
    0,
  );
  const ends = lengths === undefined ? undefined : g.reshape(g.cast(lengths, "int64"), [batch, 1]);
  const outputs: string[] = [];
  let state = first;
  rows.forEach((row, t) => {
    const next = cell(own, g.reshape(row, [batch, width]), state);
    const runs = ends === undefined ? undefined : g.greater(ends, g.ints([t]));
    const choose = (a: string, b: string) => (runs === undefined ? a : g.where(runs, a, b));
    outputs.push(runs === undefined ? next.h : g.keep(runs, next.h));
    state = { h: choose(next.h, state.h), ...(next.c === undefined ? {} : { c: choose(next.c, state.c!) }) };
  });
  const y = g.concat(
    outputs.map((h) => g.reshape(h, [1, ...g.dims(h)])),
    0,
  );
  return { y, state };
}

function namesOf(ctx: RuleContext, name: string): readonly string[] {
  const attribute = ctx.node.attributes.get(name);
  return attribute?.type === "strings" ? attribute.value : [];
}

/**
 * Recurrent layers as their steps. Gate order: LSTM i o f c, GRU z r h; W-biases and R-biases lie one behind the other.
 *
 * shapes  X [T, B, I]   W [D, gates H, I]   R [D, gates H, H]   B [D, 2 gates H]   Y [T, D, B, H]
 */
export const recurrentRewrites: readonly Rewrite[] = [
  {
    domain: "",
    op: "LSTM",
    parts: (ctx) => unrolled(ctx, { cell: lstm, defaults: ["Sigmoid", "Tanh", "Tanh"], hasCell: true }),
  },
  {
    domain: "",
    op: "GRU",
    parts: (ctx) => unrolled(ctx, { cell: gru, defaults: ["Sigmoid", "Tanh"], hasCell: false }),
  },
  { domain: "", op: "RNN", parts: (ctx) => unrolled(ctx, { cell: rnn, defaults: ["Tanh"], hasCell: false }) },
];
