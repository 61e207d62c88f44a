import { IngotError } from "../../base/errors.ts";
import { deriveInputs } from "../../runtime/inputs.ts";
import { openGraph } from "../../runtime/open-graph.ts";
import { openRuntime } from "../../runtime/ort.ts";
import type { HostTensor } from "../../runtime/session.ts";
import type { MethodContext } from "./method-context.ts";
import { loadVersion, type VersionOnDisk } from "./version-model.ts";

export interface ForwardJob extends VersionOnDisk {
  readonly inputs: ReadonlyMap<string, HostTensor>;
  readonly threads: number;
}

/** The model's raw outputs under their ONNX names; inputs that follow from others may be left out. */
export async function forwardMethod(
  job: ForwardJob,
  context: MethodContext,
): Promise<ReadonlyMap<string, HostTensor>> {
  const runtime = await openRuntime();
  const scratch = await context.openScratch(job.model.folder);
  const { base, model, feeds } = await loadVersion(job, scratch);
  const declared = base.model.graph.inputs;
  for (const name of job.inputs.keys()) {
    if (!declared.some((i) => i.name === name)) {
      throw new IngotError("input.tensor", `the model has no input '${name}'`, {
        hint: `its inputs are ${declared
          .map((i) => i.name)
          .slice(0, 12)
          .join(", ")}`,
        data: { where: name },
      });
    }
  }
  const all = deriveInputs(declared, job.inputs);
  const missing = declared.filter((i) => !all.has(i.name)).map((i) => i.name);
  if (missing.length > 0)
    throw new IngotError("input.tensor", `the model needs the input '${missing[0]}'`, {
      hint: `give ${missing.join(", ")} in the --input file`,
      data: { where: missing.join(", ") },
    });
  const session = await openGraph(runtime, scratch, model, { threads: job.threads, optimize: "all" });
  try {
    const wanted = new Map([...all, ...feeds].filter(([name]) => session.inputNames.includes(name)));
    return await session.run(wanted);
  } finally {
    await session.close();
  }
}
