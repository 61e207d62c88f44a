import type { GradRule, GraphBuilder, InputGradients, MatMulOptions, RuleContext } from "../rule.ts";
import { range, sizeOf } from "../shapes.ts";

/** A product with its factors as matrices: vectors became rows or columns, batches and rows of one another were merged. */
interface Product {
  readonly a: string;
  readonly b: string;
  readonly dY: string;
}

/** All leading dimensions as rows: [.., M, K] -> [R, K]. */
function flat(g: GraphBuilder, x: string): string {
  const dims = g.dims(x);
  return g.reshape(x, [sizeOf(dims.slice(0, -1)), dims.at(-1)!]);
}

/** dA of Y = alpha A' B', where ' transposes as the options say. */
function dLeft(
  g: GraphBuilder,
  { b, dY }: Product,
  { transA = false, transB = false, alpha = 1 }: MatMulOptions,
): string {
  return transA
    ? g.matMul(b, dY, { transA: transB, transB: true, alpha })
    : g.matMul(dY, b, { transB: !transB, alpha });
}

/** dB of Y = alpha A' B'. */
function dRight(
  g: GraphBuilder,
  { a, dY }: Product,
  { transA = false, transB = false, alpha = 1 }: MatMulOptions,
): string {
  return transB
    ? g.matMul(dY, a, { transA: true, transB: transA, alpha })
    : g.matMul(a, dY, { transA: !transA, alpha });
}

/**
 * Gradients of Y = alpha A' B' for operands of any rank.
 *
 *   dA = alpha dY B'^T      dB = alpha A'^T dY
 *
 * A weight [K, N] under batches X [.., M, K] is one product over all rows, never a sum over a batch of products.
 */
function product(ctx: RuleContext, options: MatMulOptions): InputGradients {
  const { g } = ctx;
  const [aDims, bDims] = [ctx.dims(0), ctx.dims(1)];
  const a = aDims.length === 1 ? g.reshape(ctx.x(0), [1, aDims[0]!]) : ctx.x(0);
  const b = bDims.length === 1 ? g.reshape(ctx.x(1), [bDims[0]!, 1]) : ctx.x(1);
  const yDims = g.dims(ctx.dY(0)!);
  const matrixDims = [...yDims];
  if (aDims.length === 1)
    matrixDims.splice(bDims.length === 1 ? matrixDims.length : matrixDims.length - 1, 0, 1);
  if (bDims.length === 1) matrixDims.push(1);
  const dY = g.reshape(ctx.dY(0)!, matrixDims);
  const parts = { a, b, dY };
  const sharedWeight = g.dims(b).length === 2 && g.dims(a).length > 2 && options.transA !== true;
  const rows = sharedWeight ? { a: flat(g, a), b, dY: flat(g, dY) } : parts;
  const toOperand = (dX: string, matrix: string, dims: readonly number[]) =>
    g.reshape(g.sumTo(dX, g.dims(matrix)), dims);
  return [
    ctx.needs(0)
      ? g.reshape(
          sharedWeight ? dLeft(g, rows, options) : g.sumTo(dLeft(g, parts, options), g.dims(a)),
          aDims,
        )
      : undefined,
    ctx.needs(1) ? toOperand(dRight(g, rows, options), b, bDims) : undefined,
  ];
}

/** Gemm: Y = alpha A' B' + beta C. */
function gemm(ctx: RuleContext): InputGradients {
  const { g } = ctx;
  const dY = ctx.dY(0)!;
  const parts = { a: ctx.x(0), b: ctx.x(1), dY };
  const options = {
    transA: ctx.int("transA", 0) === 1,
    transB: ctx.int("transB", 0) === 1,
    alpha: ctx.float("alpha", 1),
  };
  return [
    ctx.needs(0) ? dLeft(g, parts, options) : undefined,
    ctx.needs(1) ? dRight(g, parts, options) : undefined,
    ctx.needs(2) ? g.scale(g.sumTo(dY, ctx.dims(2)), ctx.float("beta", 1)) : undefined,
  ];
}

/** Moves axis 0 behind the batch axes, which is where transBatch* keeps the rows: [M, .., K] -> [.., M, K]. */
function batchFirst(g: GraphBuilder, x: string): string {
  const rank = g.dims(x).length;
  return g.transpose(x, [...range(rank - 2).map((i) => i + 1), 0, rank - 1]);
}

function batchLast(g: GraphBuilder, x: string): string {
  const rank = g.dims(x).length;
  return g.transpose(x, [rank - 2, ...range(rank - 2), rank - 1]);
}

/** com.microsoft:FusedMatMul with all of its attributes. */
function fusedMatMul(ctx: RuleContext): InputGradients {
  const { g } = ctx;
  const options = {
    transA: ctx.int("transA", 0) === 1,
    transB: ctx.int("transB", 0) === 1,
    alpha: ctx.float("alpha", 1),
  };
  const [batchA, batchB] = [ctx.int("transBatchA", 0) === 1, ctx.int("transBatchB", 0) === 1];
  if (!batchA && !batchB) return product(ctx, options);
  const a = batchA ? batchFirst(g, ctx.x(0)) : ctx.x(0);
  const b = batchB ? batchFirst(g, ctx.x(1)) : ctx.x(1);
  const parts = { a, b, dY: ctx.dY(0)! };
  const dA = ctx.needs(0) ? g.sumTo(dLeft(g, parts, options), g.dims(a)) : undefined;
  const dB = ctx.needs(1) ? g.sumTo(dRight(g, parts, options), g.dims(b)) : undefined;
  return [
    dA !== undefined && batchA ? batchLast(g, dA) : dA,
    dB !== undefined && batchB ? batchLast(g, dB) : dB,
  ];
}

/** Det: dX = dY det(X) X^-T; the inverse does not exist where the determinant is 0. */
function determinant(ctx: RuleContext): InputGradients {
  const { g } = ctx;
  const dims = ctx.dims(0);
  const rank = dims.length;
  const inverse = g.op("Inverse", [ctx.x(0)], {}, { domain: "com.microsoft", out: [g.value(ctx.x(0))] });
  const factor = g.reshape(g.mul(ctx.dY(0)!, ctx.y(0)), [...dims.slice(0, -2), 1, 1]);
  return [g.mul(factor, g.transpose(inverse, [...range(rank - 2), rank - 1, rank - 2]))];
}

/** com.microsoft:Inverse: dX = -Y^T dY Y^T. */
function inversion(ctx: RuleContext): InputGradients {
  const { g } = ctx;
  return [g.matMul(g.matMul(ctx.y(0), ctx.dY(0)!, { transA: true, alpha: -1 }), ctx.y(0), { transB: true })];
}

/**
 * Matrix products.
 *
 * shapes  A [.., M, K] or [K]   B [.., K, N] or [K]   Y, dY [.., M, N]
 */
export const matMulRules: readonly GradRule[] = [
  { state: "gradient", domain: "", op: "Det", since: 11, gradient: determinant },
  { state: "gradient", domain: "com.microsoft", op: "Inverse", since: 1, gradient: inversion },
  { state: "gradient", domain: "", op: "MatMul", since: 1, gradient: (ctx) => product(ctx, {}) },
  { state: "gradient", domain: "", op: "Gemm", since: 7, gradient: gemm },
  { state: "gradient", domain: "com.microsoft", op: "FusedMatMul", since: 1, gradient: fusedMatMul },
  { state: "gradient", domain: "com.microsoft", op: "TransposeMatMul", since: 1, gradient: fusedMatMul },
];
