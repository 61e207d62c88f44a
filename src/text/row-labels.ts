import { IngotError } from "../base/errors.ts";
import type { ClassLabels } from "./class-labels.ts";
import { IGNORED_LABEL, type LabelValues } from "./encoded.ts";

/**
 * The last run of trained tokens, and the tokens before it that are read. A model never predicts the first token of a row,
 * so where all are trained the prompt is that one.
 */
export function lastAnswer(
  inputIds: Int32Array,
  labels: Int32Array,
  attentionMask?: Int32Array,
): { readonly promptIds: readonly number[]; readonly expectedIds: readonly number[] } {
  let to = labels.length;
  while (to > 0 && labels[to - 1] === IGNORED_LABEL) to -= 1;
  let from = to;
  while (from > 0 && labels[from - 1] !== IGNORED_LABEL) from -= 1;
  if (from === 0 && to > 0) from = 1;
  const prompt = Array.from(inputIds.subarray(0, from)).filter(
    (_, i) => attentionMask === undefined || attentionMask[i] === 1,
  );
  return { promptIds: prompt, expectedIds: Array.from(labels.subarray(from, to)) };
}

/** The label of a row: a target where the task is a regression, else a class. */
export function rowLabel(label: string | number, task: string, classes: ClassLabels): LabelValues {
  if (!task.endsWith("regression"))
    return { kind: "classes", dims: [], values: Int32Array.of(classes.idOf(label)) };
  if (typeof label !== "number") {
    throw new IngotError("input.row", `the label '${label}' is no number, which a regression needs`, {
      hint: "train it as text-classification",
    });
  }
  return { kind: "floats", dims: [], values: Float32Array.of(label) };
}

/** The label of a row for people. */
export function labelText(label: string | number, task: string, classes: ClassLabels): string {
  return typeof label === "string" || task.endsWith("regression") ? String(label) : classes.nameOf(label);
}
