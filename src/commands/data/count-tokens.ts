import type { Oid } from "../../base/oid.ts";
import type { Context } from "../context.ts";
import { withEngine } from "../engine/open.ts";
import { materialiseDataset, materialiseModel, modelScratch } from "../model-cache.ts";

/**
 * Tokens of a dataset by the tokenizer of the base that HEAD stands on; nothing where HEAD has no version, the base no
 * tokenizer or the engine is not there: a count is a service, not a condition.
 */
export async function countTokens(
  context: Context,
  dataset: Oid,
): Promise<{ readonly tokens?: number; readonly longest?: number }> {
  const repo = await context.openRepository();
  const head = (await repo.refs()).oid("HEAD");
  if (head === undefined || context.engine === undefined) return {};
  const snapshot = await repo.readRecord((await repo.readRecord(head, "commit")).snapshot, "snapshot");
  const scratch = await modelScratch(context, snapshot.base);
  const model = await materialiseModel(repo, scratch, snapshot.base);
  const data = await materialiseDataset(repo, scratch, dataset, "", "train");
  return withEngine(context, (engine) =>
    engine.request<{ tokens?: number; longest?: number }>("data.tokens", { model, dataset: data }),
  );
}
