import { decodeModel } from "../../onnx/decode.ts";
import { openRuntime } from "../../runtime/ort.ts";
import type { HostTensor } from "../../runtime/session.ts";
import { openWeights } from "../../runtime/weights.ts";
import { readScratch } from "../../train/base-model.ts";
import { computeGradients } from "../../train/gradient.ts";
import type { ModelOnDisk } from "../../train/job.ts";
import type { MethodContext } from "./method-context.ts";

export interface GradientJob {
  readonly model: ModelOnDisk;
  readonly inputs: ReadonlyMap<string, HostTensor>;
  readonly cotangents?: ReadonlyMap<string, HostTensor>;
  readonly wrt: "all" | readonly string[];
}

/** The reverse walk alone, on any model. */
export async function gradientMethod(
  job: GradientJob,
  context: MethodContext,
): Promise<ReadonlyMap<string, HostTensor>> {
  const runtime = await openRuntime();
  const scratch = await context.openScratch(job.model.folder);
  const entry = job.model.files.find((f) => f.path === job.model.entry)?.name ?? job.model.entry;
  const model = await openWeights(
    decodeModel(await readScratch(scratch, entry, 2 ** 31 - 1)),
    job.model,
    scratch,
  );
  return computeGradients({
    model,
    inputs: job.inputs,
    ...(job.cotangents === undefined ? {} : { cotangents: job.cotangents }),
    wrt: job.wrt,
    runtime,
    scratch,
  });
}
