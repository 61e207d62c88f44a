import path from "node:path";
import { hashBytes } from "../base/hash.ts";
import { decodeModel } from "../onnx/decode.ts";
import type { HostTensor } from "../runtime/session.ts";
import { openUserFile, readUserFile } from "../storage/files.ts";
import { openTemporaryScratch, removeScratch } from "../storage/scratch.ts";
import type { Context } from "./context.ts";
import { withEngine } from "./engine/open.ts";
import { externalFiles } from "./external-files.ts";
import { chunksOf } from "./model-cache.ts";
import { readTensorFile, writeTensorFile } from "./tensor-file.ts";

export interface GradOptions {
  readonly model: string;
  readonly inputs: string;
  readonly cotangents?: string | undefined;
  /** "all", or names. */
  readonly wrt: "all" | readonly string[];
  readonly out: string;
}

export interface GradResult {
  readonly gradients: readonly { readonly name: string; readonly dims: readonly number[] }[];
}

/** Gradient of the sum of all float outputs (or of <cotangent, output>) for the named inputs and initialisers; needs no repository. */
export async function grad(context: Context, options: GradOptions): Promise<GradResult> {
  const file = path.resolve(context.cwd, options.model);
  const bytes = await readUserFile(file, 2 ** 31 - 1);
  const entry = path.basename(file);
  const inputs = await readTensorFile(path.resolve(context.cwd, options.inputs));
  const cotangents =
    options.cotangents === undefined
      ? undefined
      : await readTensorFile(path.resolve(context.cwd, options.cotangents));
  const scratch = await openTemporaryScratch();
  try {
    const files = [];
    for (const name of [entry, ...externalFiles(decodeModel(bytes), entry)]) {
      const source = await openUserFile(path.join(path.dirname(file), name));
      const plain = hashBytes(new TextEncoder().encode(name));
      await scratch.write(plain, chunksOf(source)).finally(() => source.close());
      files.push({ path: name, name: plain });
    }
    const model = { folder: scratch.folder, entry, files, id: "" };
    const job = { model, inputs, wrt: options.wrt, ...(cotangents === undefined ? {} : { cotangents }) };
    const gradients = await withEngine(context, (engine) =>
      engine.request<ReadonlyMap<string, HostTensor>>("gradient", job),
    );
    await writeTensorFile(path.resolve(context.cwd, options.out), gradients);
    return { gradients: [...gradients].map(([name, { dims }]) => ({ name, dims })) };
  } finally {
    await removeScratch(scratch);
  }
}
