import { ERROR_CODES, IngotError } from "../../base/errors.ts";
import { loadBase } from "../../train/base-model.ts";
import { realTokens } from "../../train/batching.ts";
import type { DatasetOnDisk, ModelOnDisk } from "../../train/job.ts";
import { readRows } from "../../train/rows.ts";
import type { MethodContext } from "./method-context.ts";

/** Tokens of a dataset by the tokenizer of a model; nothing where the rows hold none or are meant for another kind of model. */
export async function tokensMethod(
  payload: { readonly model: ModelOnDisk; readonly dataset: DatasetOnDisk },
  context: MethodContext,
): Promise<{ tokens?: number; longest?: number }> {
  const scratch = await context.openScratch(payload.model.folder);
  const base = await loadBase(payload.model, scratch);
  const options = { task: base.task, maxLength: 0 };
  const rows = await readRows([payload.dataset], scratch, base, options).catch((error: unknown) => {
    if (error instanceof IngotError && ERROR_CODES[error.code].kind === "input") return undefined;
    throw error;
  });
  if (rows === undefined) return {};
  const counts = [...rows.fresh, ...rows.heldOut].filter((row) => row.inputIds.length > 0).map(realTokens);
  if (counts.length === 0) return {};
  return {
    tokens: counts.reduce((sum, count) => sum + count, 0),
    longest: counts.reduce((longest, count) => Math.max(longest, count), 0),
  };
}
