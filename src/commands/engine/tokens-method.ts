import { loadBase } from "../../train/base-model.ts";
import { realTokens } from "../../train/batching.ts";
import type { DatasetOnDisk, ModelOnDisk } from "../../train/job.ts";
import { readRows } from "../../train/rows.ts";
import type { MethodContext } from "./methods.ts";

/** Tokens of a dataset by the tokenizer of a model; nothing where the rows hold none. */
export async function tokensMethod(
  payload: { readonly model: ModelOnDisk; readonly dataset: DatasetOnDisk },
  context: MethodContext,
): Promise<{ tokens?: number; longest?: number }> {
  const scratch = await context.openScratch(payload.model.folder);
  const base = await loadBase(payload.model, scratch);
  const rows = await readRows([payload.dataset], scratch, base, { task: base.task, maxLength: 0 });
  const all = [...rows.fresh, ...rows.heldOut].filter((row) => row.inputIds.length > 0);
  if (all.length === 0) return {};
  return {
    tokens: all.reduce((sum, row) => sum + realTokens(row), 0),
    longest: Math.max(...all.map(realTokens)),
  };
}
