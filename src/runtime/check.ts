import { IngotError } from "../base/errors.ts";
import type { Scratch } from "../base/ports.ts";
import type { Model, ValueInfo } from "../onnx/model.ts";
import { type DimHints, dummyDims } from "./dummy-dims.ts";
import { deriveInputs, dummyInputs, isPastInput } from "./inputs.ts";
import { openGraph } from "./open-graph.ts";
import type { HostTensor, Runtime, Session } from "./session.ts";

export interface CheckOptions {
  readonly runtime: Runtime;
  /** Folder of the files that the model's tensors name. */
  readonly scratch?: Scratch;
  readonly threads?: number;
  readonly hints?: DimHints;
  /** Values of inputs that are not the user's (trainables and the like). */
  readonly feeds?: ReadonlyMap<string, HostTensor>;
}

export interface ModelCheck {
  /** Inputs that a user gives, and outputs, as the file declares them. */
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Dimensions of every output in the one run, with batch 1 and a few tokens. */
  readonly ran: ReadonlyMap<string, readonly number[]>;
  /** True where the model takes a key-value cache. */
  readonly hasCache: boolean;
}

/**
 * Loads a model as it is and runs it once on dummy inputs: batch 1, 8 tokens, an empty past. Throws `input.model` naming operator and
 * node for what the runtime refuses. Where the sizes of an image are open the usual ones are tried.
 */
export async function checkModel(
  model: Model,
  { runtime, scratch, threads = 1, hints, feeds = new Map() }: CheckOptions,
): Promise<ModelCheck> {
  const session = await openGraph(runtime, scratch, model, { threads, optimize: "none" });
  try {
    const inputs = model.graph.inputs.filter((input) => !feeds.has(input.name));
    const ran = await runOnce(session, model, inputs, feeds, hints);
    return {
      inputs,
      outputs: model.graph.outputs,
      ran,
      hasCache: inputs.some((input) => isPastInput(input.name)),
    };
  } finally {
    await session.close();
  }
}

async function runOnce(
  session: Session,
  model: Model,
  inputs: readonly ValueInfo[],
  feeds: ReadonlyMap<string, HostTensor>,
  hints: DimHints | undefined,
): Promise<Map<string, readonly number[]>> {
  let first: unknown;
  for (const dims of dummyDims(model, hints)) {
    try {
      const results = await session.run(new Map([...dummyFeeds(inputs, dims), ...feeds]));
      return new Map([...results].map(([name, tensor]) => [name, tensor.dims]));
    } catch (error) {
      if (!(error instanceof IngotError) || error.code !== "input.model") throw error;
      first ??= error;
    }
  }
  throw first;
}

function dummyFeeds(
  inputs: readonly ValueInfo[],
  dims: ReadonlyMap<string, readonly number[]>,
): Map<string, HostTensor> {
  const typed = new Map<string, { dtype: NonNullable<ValueInfo["dtype"]>; dims: readonly number[] }>();
  for (const { name, dtype } of inputs) {
    const size = dims.get(name);
    if (dtype === undefined || size === undefined) {
      throw new IngotError("input.model", `the model's input '${name}' is no tensor of a known type`, {
        data: { where: `input '${name}'` },
      });
    }
    typed.set(name, { dtype, dims: size });
  }
  const given = dummyInputs(typed);
  for (const name of ["position_ids"]) given.delete(name);
  return new Map([...dummyInputs(typed), ...deriveInputs(inputs, given)]);
}
