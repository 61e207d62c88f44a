import type { AttributeInput, GradRule, InputGradients, RuleContext } from "../rule.ts";
import { range, sizeOf } from "../shapes.ts";

/** Where a version of the operator has its inputs. */
interface Layout {
  readonly cos: number;
  readonly sin: number;
  readonly ids: number;
}

/** x and dY as [B, T, N, H], whatever the operator took. */
function byPosition(ctx: RuleContext, x: string): string {
  const { g } = ctx;
  const dims = g.dims(x);
  if (dims.length === 4) return g.transpose(x, [0, 2, 1, 3]);
  const width = headWidth(ctx);
  return g.reshape(x, [dims[0]!, dims[1]!, dims[2]! / width, width]);
}

function headWidth(ctx: RuleContext): number {
  const dims = ctx.dims(0);
  if (dims.length === 4) return dims[3]!;
  const heads = ctx.int("num_heads", 0);
  return heads > 0 ? dims[2]! / heads : rotated(ctx);
}

/** Width of the part of a head that turns. */
function rotated(ctx: RuleContext): number {
  const given = ctx.int("rotary_embedding_dim", 0);
  if (given > 0) return given;
  const cache = ctx.dims(ctx.node.domain === "" ? 1 : 2);
  return ctx.dims(0).length === 4 ? ctx.dims(0)[3]! : cache.at(-1)! * 2;
}

/** The two coordinates [B, T, N, R] of every turned pair, R pairs a head. */
function pairs(ctx: RuleContext, x: string): readonly [string, string] {
  const { g } = ctx;
  const dim = rotated(ctx);
  const part = g.slice(byPosition(ctx, x), 3, 0, dim);
  const dims = g.dims(part);
  if (ctx.int("interleaved", 0) === 1) {
    const [a, b] = g.split(g.reshape(part, [...dims.slice(0, 3), dim / 2, 2]), [1, 1], 4);
    return [g.reshape(a!, [...dims.slice(0, 3), dim / 2]), g.reshape(b!, [...dims.slice(0, 3), dim / 2])];
  }
  const [a, b] = g.split(part, [dim / 2, dim / 2], 3);
  return [a!, b!];
}

/** Gradient of a cache from what arrives at each position [B, T, R]. */
function toCache(ctx: RuleContext, arriving: string, i: number, layout: Layout): string {
  const { g } = ctx;
  const dims = ctx.dims(i);
  if (!ctx.hasInput(layout.ids)) return g.reshape(arriving, dims);
  const [batch, time, width] = g.dims(arriving) as [number, number, number];
  const idDims = ctx.dims(layout.ids);
  const ids = g.cast(ctx.x(layout.ids), "int64");
  // A single id is the position of the first token of every row.
  const all =
    sizeOf(idDims) === 1 ? g.expand(g.add(g.reshape(ids, [1, 1]), g.ints(range(time))), [batch, time]) : ids;
  return g.scatterRows(g.reshape(arriving, [batch * time, width]), g.reshape(all, [batch * time]), dims[0]!);
}

function gradient(layout: Layout): (ctx: RuleContext) => InputGradients {
  return (ctx) => {
    const { g, node } = ctx;
    const dY = ctx.dY(0)!;
    const result: (string | undefined)[] = node.inputs.map(() => undefined);
    const attributes: Record<string, AttributeInput> = Object.fromEntries(node.attributes);
    if (ctx.needs(0)) {
      // Turning back is turning by the negative angle.
      const inputs = node.inputs.map((name, i) =>
        i === 0 ? dY : i === layout.sin ? g.unary("Neg", name) : name,
      );
      result[0] = g.op("RotaryEmbedding", inputs, attributes, { domain: node.domain, out: [g.value(dY)] });
    }
    if (ctx.needs(layout.cos) || ctx.needs(layout.sin)) {
      const [x1, x2] = pairs(ctx, ctx.x(0));
      const [d1, d2] = pairs(ctx, dY);
      const overHeads = (a: string) => g.sum(a, [2], false);
      const cos = overHeads(g.add(g.mul(x1, d1), g.mul(x2, d2)));
      const sin = overHeads(g.sub(g.mul(x1, d2), g.mul(x2, d1)));
      result[layout.cos] = toCache(ctx, cos, layout.cos, layout);
      result[layout.sin] = toCache(ctx, sin, layout.sin, layout);
    }
    return result;
  };
}

/**
 * RotaryEmbedding of ai.onnx (x, cos, sin, ids) and of com.microsoft (x, ids, cos, sin).
 *
 *   y1 = x1 cos - x2 sin      y2 = x1 sin + x2 cos      dX = the same with -sin
 *
 * shapes  X, Y [B, N, T, H] or [B, T, N H]   cos, sin [positions, R] or [B, T, R]   ids [B, T] or [1]
 */
export const rotaryRules: readonly GradRule[] = [
  {
    state: "gradient",
    domain: "",
    op: "RotaryEmbedding",
    since: 23,
    stops: [3],
    gradient: gradient({ cos: 1, sin: 2, ids: 3 }),
  },
  {
    state: "gradient",
    domain: "com.microsoft",
    op: "RotaryEmbedding",
    since: 1,
    stops: [1],
    gradient: gradient({ cos: 2, sin: 3, ids: 1 }),
  },
];
