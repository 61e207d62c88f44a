/** A matrix given as a sum of products: scale x B A, A [rank, width], B [height, rank], row by row. */
export interface LowRankTerm {
  readonly scale: number;
  readonly rank: number;
  readonly a: Float32Array;
  readonly b: Float32Array;
}

/**
 * Frobenius norm of the sum of terms, without forming the matrix.
 *
 *   |sum_i s_i B_i A_i|^2 = sum_ij s_i s_j tr((B_i^T B_j) (A_j A_i^T))
 *
 * shapes  every A_i has the same width, every B_i the same height
 * dtype   float32 in, accumulated in float64
 */
export function lowRankNorm(terms: readonly LowRankTerm[]): number {
  let sum = 0;
  for (const [i, left] of terms.entries()) {
    for (let j = i; j < terms.length; j++)
      sum += (i === j ? 1 : 2) * left.scale * terms[j]!.scale * overlap(left, terms[j]!);
  }
  return Math.sqrt(Math.max(0, sum));
}

function overlap(left: LowRankTerm, right: LowRankTerm): number {
  const width = left.a.length / left.rank;
  const height = left.b.length / left.rank;
  let trace = 0;
  for (let p = 0; p < left.rank; p++) {
    for (let q = 0; q < right.rank; q++) {
      let inputs = 0;
      for (let k = 0; k < width; k++) inputs += left.a[p * width + k]! * right.a[q * width + k]!;
      let outputs = 0;
      for (let k = 0; k < height; k++) outputs += left.b[k * left.rank + p]! * right.b[k * right.rank + q]!;
      trace += inputs * outputs;
    }
  }
  return trace;
}
