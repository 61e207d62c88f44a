import type { Tensor } from "../../onnx/model.ts";
import { bytesInMemory } from "../../onnx/tensors.ts";
import type { GradRule, GraphBuilder, InputGradients, RuleContext } from "../rule.ts";
import { axisOf, range, sizeOf } from "../shapes.ts";

/** Opset from which DequantizeLinear takes 4-bit blocks. */
export const BLOCKS_SINCE = 21;

/** The quantised weight of a MatMulNBits as the blocked tensor that DequantizeLinear reads. */
interface Blocks {
  /** uint4 or uint8 [N, K'], K' = K rounded up to whole blocks. */
  readonly q: string;
  /** [N, blocks]; absent where the middle of the range is zero. */
  readonly zero: string;
  readonly attributes: { readonly axis: number; readonly block_size: number };
  readonly dims: readonly [number, number];
  readonly blocks: number;
}

function blocksOf(ctx: RuleContext): Blocks {
  const { g } = ctx;
  const bits = ctx.int("bits", 4);
  if (bits !== 4 && bits !== 8) ctx.refuse(`weights of ${bits} bits`);
  if (ctx.hasInput(4)) ctx.refuse("weights in another order (g_idx)");
  const [n, size] = [ctx.int("N", 0), ctx.int("block_size", 0)];
  const blocks = Math.ceil(ctx.int("K", 0) / size);
  const dtype = bits === 4 ? "uint4" : "uint8";
  const weight = ctx.constant(ctx.x(1)) ?? ctx.refuse("a quantised weight that is computed");
  const dims = [n, blocks * size] as const;
  // The same bytes: two elements of 4 bits a byte, the low half first.
  const q = g.constant({ dtype, dims, data: weight.data });
  return {
    q,
    zero: zeroPoints(ctx, g, n, blocks, bits),
    attributes: { axis: 1, block_size: size },
    dims,
    blocks,
  };
}

function zeroPoints(ctx: RuleContext, g: GraphBuilder, n: number, blocks: number, bits: number): string {
  const dtype = bits === 4 ? "uint4" : "uint8";
  const given = ctx.hasInput(3)
    ? (ctx.constant(ctx.x(3)) ?? ctx.refuse("zero points that are computed"))
    : undefined;
  if (given !== undefined && given.dtype !== "uint8") ctx.refuse(`zero points of type ${given.dtype}`);
  const rows =
    given === undefined
      ? range(n).map(() => range(blocks).map(() => 2 ** (bits - 1)))
      : unpackRows(given, n, blocks, bits);
  return g.constant(packed(rows.flat(), [n, blocks], dtype));
}

/** Rows of `blocks` numbers; 4-bit rows end at a whole byte. */
function unpackRows(tensor: Tensor, n: number, blocks: number, bits: number): number[][] {
  const bytes = bytesInMemory(tensor);
  const rowBytes = Math.ceil((blocks * bits) / 8);
  const at = (row: number, b: number) =>
    bits === 8
      ? bytes[row * rowBytes + b]!
      : (bytes[row * rowBytes + (b >> 1)]! >> (b % 2 === 0 ? 0 : 4)) & 15;
  return range(n).map((row) => range(blocks).map((b) => at(row, b)));
}

function packed(values: readonly number[], dims: readonly number[], dtype: "uint4" | "uint8"): Tensor {
  const bytes = new Uint8Array(dtype === "uint8" ? values.length : Math.ceil(values.length / 2));
  values.forEach((v, i) => {
    if (dtype === "uint8") bytes[i] = v;
    else bytes[i >> 1] = bytes[i >> 1]! | (v << (i % 2 === 0 ? 0 : 4));
  });
  return { dtype, dims, data: { at: "memory", bytes } };
}

function dequantised(ctx: RuleContext, { q, zero, attributes, dims }: Blocks, scales: string): string {
  const { g } = ctx;
  const wide = g.op("DequantizeLinear", [q, scales, zero], attributes, {
    out: [{ dtype: ctx.dtype(0), dims }],
  });
  return g.slice(wide, 1, 0, ctx.int("K", 0));
}

/**
 * com.microsoft:MatMulNBits, Y = A W^T + b with W [N, K] of 4 or 8 bits in blocks along K.
 *
 *   W = (q - zero) * scale      dA = dY W      dscale = sum over the block of (dY^T A) * (q - zero)
 *
 * W is made anew for each product and dropped, so that a frozen weight keeps its 4 bits.
 */
function matMulNBits(ctx: RuleContext): InputGradients {
  const { g } = ctx;
  const dY = ctx.dY(0)!;
  const blocks = blocksOf(ctx);
  const [n, width] = blocks.dims;
  const perBlock = [n, blocks.blocks];
  const scaleGradient = () => {
    const rows = (x: string) => g.reshape(x, [sizeOf(g.dims(x).slice(0, -1)), g.dims(x).at(-1)!]);
    const k = ctx.int("K", 0);
    const dW = g.matMul(rows(dY), rows(ctx.x(0)), { transA: true });
    const levels = dequantised(ctx, blocks, g.full(perBlock, 1, ctx.dtype(0)));
    const products = g.pad(g.mul(dW, levels), [0, 0], [0, width - k]);
    const sums = g.sum(g.reshape(products, [...perBlock, blocks.attributes.block_size]), [2], false);
    return g.reshape(sums, ctx.dims(2));
  };
  return [
    ctx.needs(0) ? g.matMul(dY, dequantised(ctx, blocks, g.reshape(ctx.x(2), perBlock))) : undefined,
    undefined,
    ctx.needs(2) ? scaleGradient() : undefined,
    undefined,
    undefined,
    ctx.needs(5) ? dY : undefined,
  ];
}

/** DequantizeLinear: Y = (x - zero) * scale; only the scale is a float. */
function dequantizeLinear(ctx: RuleContext): InputGradients {
  const { g } = ctx;
  const dims = ctx.dims(0);
  const dtype = ctx.dtype(1);
  const scaleDims = ctx.dims(1);
  const axis = axisOf(ctx.int("axis", 1), Math.max(1, dims.length));
  const block = ctx.int("block_size", 0);
  const along =
    sizeOf(scaleDims) === 1 ? [] : block === 0 ? dims.map((d, i) => (i === axis ? d : 1)) : undefined;
  const levels = ctx.hasInput(2)
    ? [ctx.x(0), g.full(scaleDims, 1, dtype), ctx.x(2)]
    : [ctx.x(0), g.full(scaleDims, 1, dtype)];
  const attributes = Object.fromEntries(ctx.node.attributes);
  const products = g.mul(
    ctx.dY(0)!,
    g.op("DequantizeLinear", levels, attributes, { out: [{ dtype, dims }] }),
  );
  if (along !== undefined) return [undefined, g.reshape(g.sumTo(products, along), scaleDims)];
  const blocks = scaleDims[axis]!;
  const padded = g.pad(
    products,
    dims.map(() => 0),
    dims.map((d, i) => (i === axis ? blocks * block - d : 0)),
  );
  const apart = dims.flatMap((d, i) => (i === axis ? [blocks, block] : [d]));
  return [undefined, g.sum(g.reshape(padded, apart), [axis + 1], false)];
}

/**
 * com.microsoft:GatherBlockQuantized, Y = rows of (q - zero) * scale at the indices, blocks along the last axis.
 *
 *   dscale = sum over the block of dY * (q - zero), added to the rows it came from
 */
function gatherBlockQuantized(ctx: RuleContext): InputGradients {
  const { g } = ctx;
  const dims = ctx.dims(2);
  const rank = dims.length;
  const gathers = axisOf(ctx.int("gather_axis", 0), rank);
  if (rank !== 2 || gathers !== 0 || axisOf(ctx.int("quantize_axis", 1), rank) !== 1)
    ctx.refuse("blocks along this axis");
  const [rows, blocks] = dims as [number, number];
  const dY = ctx.dY(0)!;
  const inputs = ctx.node.inputs.map((name, i) => (i === 2 ? g.full(dims, 1, ctx.dtype(2)) : name));
  const attributes = Object.fromEntries(ctx.node.attributes);
  const levels = g.op("GatherBlockQuantized", inputs, attributes, {
    domain: "com.microsoft",
    out: [g.value(ctx.y(0))],
  });
  const count = sizeOf(ctx.dims(1));
  const width = g.dims(dY).at(-1)!;
  const block = ctx.int("block_size", 128);
  const flat = g.pad(g.reshape(g.mul(dY, levels), [count, width]), [0, 0], [0, blocks * block - width]);
  const sums = g.sum(g.reshape(flat, [count, blocks, block]), [2], false);
  return [undefined, undefined, g.scatterRows(sums, g.reshape(ctx.x(1), [count]), rows)];
}

const ROUNDS =
  "it rounds to integers, where the gradient is zero; use the model before quantisation of its activations";

const ROUNDING = [
  ":DynamicQuantizeLinear",
  ":QuantizeLinear",
  "com.microsoft:DynamicQuantizeMatMul",
  "com.microsoft:MatMulIntegerToFloat",
  "com.microsoft:QAttention",
  "com.microsoft:QuantizeLinear",
];

/** Quantised weights have gradients for what feeds them; quantised activations have none worth the name. */
export const quantisedRules: readonly GradRule[] = [
  {
    state: "gradient",
    domain: "com.microsoft",
    op: "MatMulNBits",
    since: 1,
    stops: [1, 3, 4],
    gradient: matMulNBits,
  },
  {
    state: "gradient",
    domain: "",
    op: "DequantizeLinear",
    since: 10,
    stops: [2],
    gradient: dequantizeLinear,
  },
  {
    state: "gradient",
    domain: "com.microsoft",
    op: "GatherBlockQuantized",
    since: 1,
    stops: [0, 1, 3],
    gradient: gatherBlockQuantized,
  },
  ...ROUNDING.map((name) => {
    const [domain = "", op = ""] = name.split(":");
    return { state: "refused" as const, domain, op, since: 1, why: ROUNDS };
  }),
];
