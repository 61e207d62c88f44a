import { bug } from "../base/errors.ts";
import type { HostTensor } from "../runtime/session.ts";
import { IGNORED_LABEL, type LabelValues } from "../text/encoded.ts";
import type { LossKind } from "./recipe.ts";

/** 1 where the position at t predicts the label at t + 1 (causal language models), else 0. */
export function labelShift(task: string): 0 | 1 {
  return task === "text-generation" ? 1 : 0;
}

/**
 * Class that each position predicts, in place of the labels' own positions: with shift 1, position t of a row gets label
 * t + 1 and the last position none.
 */
export function alignedLabels(labels: LabelValues, shift: 0 | 1): Int32Array {
  if (labels.kind !== "classes") return bug("classes expected");
  if (shift === 0) return labels.values;
  const width = labels.dims.at(-1) ?? 0;
  const aligned = new Int32Array(labels.values.length).fill(IGNORED_LABEL);
  for (let i = 0; i + 1 < aligned.length; i++) if ((i + 1) % width !== 0) aligned[i] = labels.values[i + 1]!;
  return aligned;
}

/** Labels that count in a batch: not -100 after alignment; every element of a regression target. */
export function countLabels(labels: LabelValues, shift: 0 | 1): number {
  if (labels.kind === "floats") return labels.values.length;
  let count = 0;
  for (const label of alignedLabels(labels, shift)) if (label !== IGNORED_LABEL) count++;
  return count;
}

/**
 * What the loss head is fed: `target` and `weight` (see loss-head.ts), each counting label weighing `1 / total`, total = the
 * labels of the whole optimizer step.
 */
export function headFeeds(
  labels: LabelValues,
  loss: LossKind,
  shift: 0 | 1,
  total: number,
): { readonly target: HostTensor; readonly weight: HostTensor } {
  const each = 1 / total;
  if (labels.kind === "floats") {
    if (loss !== "mse") bug("float labels need the loss 'mse'");
    return {
      target: { dtype: "float32", dims: labels.dims, data: labels.values },
      weight: {
        dtype: "float32",
        dims: labels.dims,
        data: new Float32Array(labels.values.length).fill(each),
      },
    };
  }
  const aligned = alignedLabels(labels, shift);
  const target = new BigInt64Array(aligned.length);
  const weight = new Float32Array(aligned.length);
  for (let i = 0; i < aligned.length; i++) {
    if (aligned[i] === IGNORED_LABEL) continue;
    target[i] = BigInt(aligned[i]!);
    weight[i] = each;
  }
  const dims = [aligned.length];
  return { target: { dtype: "int64", dims, data: target }, weight: { dtype: "float32", dims, data: weight } };
}
