import { deriveInputs } from "../runtime/inputs.ts";
import type { HostTensor } from "../runtime/session.ts";
import { collate } from "../text/batches.ts";
import type { EncodedExample, LabelValues } from "../text/encoded.ts";
import type { BaseModel } from "./base-model.ts";

/** Rows are padded to a multiple of this, so that a run meets few shapes. */
const LENGTH_STEP = 16;

export interface Batch {
  /** Everything the graph reads but the loss head's inputs and the adapters. */
  readonly feeds: ReadonlyMap<string, HostTensor>;
  readonly labels: LabelValues;
  /** Positions that hold real data; rows where there are no tokens. */
  readonly tokens: number;
}

/** Padded length of rows: their own where all rows of a run are equally long or the model fixes it, else the next multiple of 16. */
export class Batching {
  private readonly base: BaseModel;
  private readonly uniform: number | undefined;

  constructor(base: BaseModel, all: Iterable<EncodedExample>) {
    this.base = base;
    const lengths = new Set<number>();
    for (const row of all) lengths.add(row.inputIds.length);
    const declared = base.model.graph.inputs.find((i) => i.name === "input_ids")?.dims?.[1];
    this.uniform = typeof declared === "number" ? declared : lengths.size === 1 ? [...lengths][0] : undefined;
  }

  batch(rows: readonly EncodedExample[]): Batch {
    const longest = rows.reduce((most, row) => Math.max(most, row.inputIds.length), 0);
    const length = this.uniform ?? Math.ceil(longest / LENGTH_STEP) * LENGTH_STEP;
    const { inputs, labels } = collate(rows, {
      length,
      padId: this.base.tokenizer?.padId ?? 0,
      inputs: this.base.model.graph.inputs.map((i) => i.name),
    });
    const feeds = deriveInputs(this.base.model.graph.inputs, inputs);
    const tokens = rows.reduce((sum, row) => sum + (row.inputIds.length === 0 ? 1 : realTokens(row)), 0);
    return { feeds, labels, tokens };
  }
}

/** Tokens of a row that are no padding. */
export function realTokens(row: EncodedExample): number {
  const mask = row.columns.get("attention_mask");
  return mask === undefined ? Math.max(1, row.inputIds.length) : mask.reduce((sum, m) => sum + m, 0);
}
