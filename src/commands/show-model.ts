import { IngotError } from "../base/errors.ts";
import { parseJson } from "../base/json.ts";
import type { Oid } from "../base/oid.ts";
import type { TreeEntry } from "../objects/records.ts";
import { decodeModel } from "../onnx/decode.ts";
import { findModules } from "../onnx/find-modules.ts";
import { findParameters } from "../onnx/find-parameters.ts";
import { normalise } from "../onnx/normalise.ts";
import type { Repository } from "../repo/repository.ts";
import type { Context } from "./context.ts";
import { treeFile } from "./tree-file.ts";

/** What is read off a base model for people: computed each time, never hashed. */
export interface ModelDescription {
  readonly parameters: number;
  /** Modules that can carry an adapter. */
  readonly modules: readonly {
    readonly path: string;
    readonly kind: string;
    readonly inFeatures: number;
    readonly outFeatures: number;
  }[];
}

const MAX_ONNX_BYTES = 2 ** 31 - 1;
const MAX_CONFIG_BYTES = 1 << 20;

/** The description of a base model; undefined where its graph cannot be read. */
export async function describeModel(context: Context, model: Oid): Promise<ModelDescription | undefined> {
  const repo = await context.openRepository();
  const record = await repo.readRecord(model, "model");
  const { entries } = await repo.readRecord(record.tree, "tree");
  const entry = treeFile(entries, record.entry, "model");
  try {
    const graph = normalise(decodeModel(await repo.readBytes(entry.blob, MAX_ONNX_BYTES)));
    const architecture = await architectureOf(repo, entries);
    const sizes = findParameters(graph).map(({ name }) =>
      (graph.graph.initializers.get(name)?.dims ?? []).reduce((product, d) => product * d, 1),
    );
    return {
      parameters: sizes.reduce((sum, size) => sum + size, 0),
      modules: findModules(graph, architecture === undefined ? {} : { architecture }).map(
        ({ path, kind, inFeatures, outFeatures }) => ({ path, kind, inFeatures, outFeatures }),
      ),
    };
  } catch (error) {
    if (error instanceof IngotError && error.code.startsWith("input.")) return undefined;
    throw error;
  }
}

async function architectureOf(repo: Repository, entries: readonly TreeEntry[]): Promise<string | undefined> {
  const file = entries.find((e) => e.path === "config.json" || e.path.endsWith("/config.json"));
  if (file === undefined) return undefined;
  const config = parseJson(await repo.readBytes(file.blob, MAX_CONFIG_BYTES), { name: file.path });
  const names = (config as { readonly architectures?: unknown } | null)?.architectures;
  return Array.isArray(names) && typeof names[0] === "string" ? names[0] : undefined;
}
