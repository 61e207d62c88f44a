import type { Scratch } from "../../base/ports.ts";
import type { Model } from "../../onnx/model.ts";
import type { HostTensor } from "../../runtime/session.ts";
import { type LoadedAdapter, loadAdapter } from "../../train/adapter-files.ts";
import { type BaseModel, loadBase } from "../../train/base-model.ts";
import { inferenceModel } from "../../train/inference-model.ts";
import type { AdapterOnDisk, ModelOnDisk } from "../../train/job.ts";
import { frozenFeeds } from "../../train/trainable-adapter.ts";

/** A version on disk: base and adapters, in order. */
export interface VersionOnDisk {
  readonly model: ModelOnDisk;
  readonly adapters: readonly AdapterOnDisk[];
}

export interface LoadedVersion {
  readonly base: BaseModel;
  readonly adapters: readonly LoadedAdapter[];
  /** The user's graph with the adapters attached. */
  readonly model: Model;
  /** What the adapters' inputs are fed. */
  readonly feeds: ReadonlyMap<string, HostTensor>;
}

/** Loads a version as one graph to run. Throws `input.adapter` where an adapter does not fit. */
export async function loadVersion(version: VersionOnDisk, scratch: Scratch): Promise<LoadedVersion> {
  const tie = version.adapters.some((adapter) => adapter.method === "full");
  const base = await loadBase(version.model, scratch, { tie });
  const adapters: LoadedAdapter[] = [];
  for (const [i, adapter] of version.adapters.entries())
    adapters.push(await loadAdapter(adapter, base, scratch, `ingot/adapter${i}/`));
  const model = inferenceModel(
    base.model,
    adapters.map((a) => a.layers),
  );
  return { base, adapters, model, feeds: new Map(adapters.flatMap((a) => [...frozenFeeds(a)])) };
}
