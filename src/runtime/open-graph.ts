import { type Scratch, systemRandom } from "../base/ports.ts";
import { encodeModel } from "../onnx/encode.ts";
import type { Model } from "../onnx/model.ts";
import { partitionsOf } from "./partitions.ts";
import type { Runtime, Session, SessionOptions } from "./session.ts";

/** True where a tensor of the main graph lies in a file. */
export function namesFiles(model: Model): boolean {
  for (const { data } of model.graph.initializers.values()) if (data.at === "file") return true;
  return false;
}

/**
 * Opens a graph of ours. Where its weights lie in files of `scratch` the graph is written beside them under a name of its own and
 * opened by path, so that the runtime maps the weights; the written graph is removed again. Else it is opened from its bytes.
 */
export async function openGraph(
  runtime: Runtime,
  scratch: Scratch | undefined,
  model: Model,
  options: SessionOptions,
): Promise<Session> {
  const bytes = encodeModel(model);
  const settings = { partitions: partsFor(model, options), ...options };
  if (scratch === undefined || !namesFiles(model)) return runtime.open(bytes, settings);
  const name = `graph-${Buffer.from(systemRandom.bytes(8)).toString("hex")}.onnx`;
  await scratch.write(name, bytes);
  try {
    return await runtime.open({ path: scratch.path(name) }, settings);
  } finally {
    await scratch.remove(name);
  }
}

/** Training graphs have their products turned so that parts do not matter (`splitByRows`); 4-bit products cannot be turned. */
function partsFor(model: Model, { optimize, threads }: SessionOptions): number {
  const isTurned = optimize === "train" && !model.graph.nodes.some((node) => node.op === "MatMulNBits");
  return isTurned ? threads : partitionsOf(model);
}
