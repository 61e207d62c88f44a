import type { GradRule, GraphBuilder, RuleContext } from "../rule.ts";
import { range } from "../shapes.ts";

const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

interface Equation {
  readonly terms: readonly string[];
  readonly result: string;
}

/** The equation with every dimension named: ellipses become letters, an implicit result is written out. */
function parse(ctx: RuleContext): Equation {
  const text = ctx.string("equation", "").replaceAll(" ", "");
  const [left = "", right] = text.split("->");
  const free = [...LETTERS].filter((letter) => !text.includes(letter));
  const named = left.split(",");
  const spans = named.map((term, i) => (term.includes("...") ? ctx.dims(i).length - (term.length - 3) : 0));
  const ellipsis = free.slice(0, Math.max(0, ...spans)).join("");
  const terms = named.map((term, i) => term.replace("...", ellipsis.slice(ellipsis.length - spans[i]!)));
  const once = [...LETTERS]
    .filter((l) => !ellipsis.includes(l) && terms.join("").split(l).length === 2)
    .sort();
  const implicit = `${ellipsis}${once.join("")}`;
  return { terms, result: right === undefined ? implicit : right.replace("...", ellipsis) };
}

/** d/d term i = einsum(dY, the other terms), summed where a dimension was broadcast, repeated where it was summed alone. */
function termGradient(ctx: RuleContext, { terms, result }: Equation, i: number): string {
  const { g, node } = ctx;
  const own = terms[i]!;
  if (new Set(own).size !== own.length) ctx.refuse("a diagonal (a letter twice in one term)");
  const others = terms.filter((_, k) => k !== i);
  const reachable = [...own].filter(
    (letter) => result.includes(letter) || others.some((term) => term.includes(letter)),
  );
  const sizes = sizesOf(ctx, terms);
  const dtype = ctx.dtype(0);
  const out = [{ dtype, dims: reachable.map((letter) => sizes.get(letter)!) }];
  const inputs = [ctx.dY(0)!, ...node.inputs.filter((_, k) => k !== i)];
  const equation = `${[result, ...others].join(",")}->${reachable.join("")}`;
  const joined = g.op("Einsum", inputs, { equation }, { out });
  const kept = [...own].map((letter) => (reachable.includes(letter) ? sizes.get(letter)! : 1));
  return sumBroadcast(g, g.reshape(joined, kept), ctx.dims(i));
}

function sizesOf(ctx: RuleContext, terms: readonly string[]): Map<string, number> {
  const sizes = new Map<string, number>();
  terms.forEach((term, i) => {
    [...term].forEach((letter, axis) => {
      const size = ctx.dims(i)[axis]!;
      if (size !== 1 || !sizes.has(letter)) sizes.set(letter, size);
    });
  });
  return sizes;
}

function sumBroadcast(g: GraphBuilder, x: string, dims: readonly number[]): string {
  const axes = range(dims.length).filter((axis) => dims[axis] === 1 && g.dims(x)[axis] !== 1);
  const summed = axes.length === 0 ? x : g.sum(x, axes);
  return g.expand(summed, dims);
}

/** Einsum without diagonals, with any number of terms and with ellipses. */
export const einsumRules: readonly GradRule[] = [
  {
    state: "gradient",
    domain: "",
    op: "Einsum",
    since: 12,
    gradient: (ctx) => {
      const equation = parse(ctx);
      return ctx.node.inputs.map((_, i) => (ctx.needs(i) ? termGradient(ctx, equation, i) : undefined));
    },
  },
];
