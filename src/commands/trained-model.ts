import path from "node:path";
import { widenModel } from "../autodiff/widen-model.ts";
import { IngotError } from "../base/errors.ts";
import type { Oid } from "../base/oid.ts";
import type { TreeEntry } from "../objects/records.ts";
import { decodeModel } from "../onnx/decode.ts";
import { withGraph } from "../onnx/edit.ts";
import { encodeModel } from "../onnx/encode.ts";
import type { Model, Tensor } from "../onnx/model.ts";
import { normalise } from "../onnx/normalise.ts";
import { parseSafetensorsHeader, readTensor } from "../onnx/safetensors.ts";
import { bytesInMemory } from "../onnx/tensors.ts";
import { tieWeights } from "../onnx/tie-weights.ts";
import type { Repository } from "../repo/repository.ts";
import { externalFiles } from "./external-files.ts";
import { treeFile } from "./tree-file.ts";

const MAX_ONNX_BYTES = 2 ** 31 - 1;

export interface TrainedModel {
  /** The ONNX file with the trained weights in it. */
  readonly bytes: Uint8Array;
  /** Weight files of the base that it still reads. */
  readonly external: readonly string[];
}

/**
 * The base's ONNX file with the weights of a full training in place of its own: runs on plain ONNX Runtime. Throws `limit.size`
 * where it would pass 2 GB, `input.adapter` for weights that the base does not have.
 */
export async function trainedModel(
  repo: Repository,
  base: { readonly entry: string; readonly files: readonly TreeEntry[] },
  adapter: Oid,
): Promise<TrainedModel> {
  const blob = (file: string): Oid => treeFile(base.files, file, "model").blob;
  const read = async (tensor: Tensor): Promise<Uint8Array> => {
    if (tensor.data.at === "memory") return bytesInMemory(tensor);
    const file = path.posix.join(path.posix.dirname(base.entry), tensor.data.path);
    return (await repo.openObject(blob(file))).read(tensor.data.offset, tensor.data.length);
  };
  const decoded = decodeModel(await repo.readBytes(blob(base.entry), MAX_ONNX_BYTES));
  const { model } = await tieWeights(widenModel(normalise(decoded)), read);
  const trained = withTrained(model, await trainedTensors(repo, adapter));
  return { bytes: encodeModel(trained), external: externalFiles(trained, base.entry) };
}

async function trainedTensors(repo: Repository, adapter: Oid): Promise<ReadonlyMap<string, Tensor>> {
  const record = await repo.readRecord(adapter, "adapter");
  const { entries } = await repo.readRecord(record.tree, "tree");
  const source = await repo.openObject(treeFile(entries, record.entry, "adapter").blob);
  const header = await parseSafetensorsHeader(source);
  const tensors = new Map<string, Tensor>();
  for (const name of header.tensors.keys()) tensors.set(name, await readTensor(source, header, name));
  return tensors;
}

function withTrained(model: Model, tensors: ReadonlyMap<string, Tensor>): Model {
  const initializers = new Map(model.graph.initializers);
  for (const [name, tensor] of tensors) {
    if (!initializers.has(name))
      throw new IngotError("input.adapter", `the base has no weight '${name}', which the training holds`, {
        data: { where: name },
      });
    initializers.set(name, tensor);
  }
  return withGraph(model, { initializers });
}
