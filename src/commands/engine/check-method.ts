import { checkModel } from "../../runtime/check.ts";
import { openRuntime } from "../../runtime/ort.ts";
import type { AdapterOnDisk, ModelFacts, ModelOnDisk } from "../../train/job.ts";
import type { MethodContext } from "./method-context.ts";
import { loadVersion } from "./version-model.ts";

/** The check of an import: everything reads, fits, loads and runs once. */
export async function checkMethod(
  payload: { readonly model: ModelOnDisk; readonly adapters?: readonly AdapterOnDisk[] },
  context: MethodContext,
): Promise<ModelFacts> {
  const runtime = await openRuntime();
  const scratch = await context.openScratch(payload.model.folder);
  const { base, model, feeds } = await loadVersion(
    { model: payload.model, adapters: payload.adapters ?? [] },
    scratch,
  );
  await checkModel(model, { runtime, scratch, feeds });
  const { graph, opsets } = base.model;
  const size = (dims: readonly number[]): number => dims.reduce((product, d) => product * d, 1);
  return {
    operators: graph.nodes.length,
    inputs: graph.inputs,
    outputs: graph.outputs,
    parameters: base.parameters.reduce((sum, p) => sum + size(graph.initializers.get(p.name)?.dims ?? []), 0),
    modules: base.modules.map(({ path, kind, inFeatures, outFeatures, isOutput }) => ({
      path,
      kind,
      inFeatures,
      outFeatures,
      isOutput,
    })),
    hasCache: graph.inputs.some((i) => i.name.startsWith("past_key_values")),
    task: base.task,
    ...(base.architecture === undefined ? {} : { architecture: base.architecture }),
    tokenizer: base.tokenizer !== undefined,
    chatTemplate: base.tokenizer?.chatTemplate !== undefined,
    opset: opsets.get("") ?? opsets.get("ai.onnx") ?? 0,
  };
}
