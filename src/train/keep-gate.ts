import type { EvolutionTable } from "./evolution.ts";

/** Limits of `[gate.keep]`. */
export interface KeepLimits {
  /** Largest rise of the mean held-out loss, as a share of the parent's: 0.1 = 10 %. */
  readonly loss_rise: number;
  /** Largest share of the examples that the parent answered right and this one answers wrong. */
  readonly forgotten: number;
}

export const KEEP_LIMITS: KeepLimits = { loss_rise: 0.1, forgotten: 0.1 };

export interface KeepVerdict {
  readonly keep: boolean;
  /** One line for each limit that is broken. */
  readonly reasons: readonly string[];
  /** Ids answered right by the parent and wrong now. */
  readonly forgotten: readonly string[];
}

/**
 * Whether a training made its parent worse, judged on the first reading (the parent) and the last, over the whole lineage's
 * data. `heldOut` are the columns of held-out examples.
 */
export function judgeKeep(
  table: EvolutionTable,
  heldOut: readonly number[],
  limits: KeepLimits = KEEP_LIMITS,
): KeepVerdict {
  const width = table.examples.length;
  const last = (table.steps.length - 1) * width;
  if (width === 0 || last <= 0) return { keep: true, reasons: [], forgotten: [] };
  const reasons: string[] = [];
  const right = table.examples.map((_, c) => c).filter((c) => table.correct[c] === 1);
  const forgotten = right.filter((c) => table.correct[last + c] !== 1);
  if (forgotten.length > right.length * limits.forgotten) {
    reasons.push(
      `${forgotten.length} of ${right.length} examples that were answered right are now answered wrong (allowed ${percent(limits.forgotten)})`,
    );
  }
  if (heldOut.length > 0) {
    const before = mean(table.loss, heldOut, 0);
    const after = mean(table.loss, heldOut, last);
    // Written so that a loss that is no number breaks the limit.
    if (!(after <= before * (1 + limits.loss_rise))) {
      reasons.push(
        `loss on held-out examples rose from ${before.toFixed(3)} to ${after.toFixed(3)} (allowed +${percent(limits.loss_rise)})`,
      );
    }
  }
  return { keep: reasons.length === 0, reasons, forgotten: forgotten.map((c) => table.examples[c]!) };
}

function mean(values: Float32Array, columns: readonly number[], at: number): number {
  return columns.reduce((sum, c) => sum + values[at + c]!, 0) / columns.length;
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}
