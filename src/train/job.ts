import type { MetricsSummary, TrainEvent } from "./events.ts";
import type { EvolutionTable } from "./evolution.ts";

/** A base model in a scratch folder: paths of its tree -> names of files there. */
export interface ModelOnDisk {
  readonly folder: string;
  /** Path of the entry in the tree. */
  readonly entry: string;
  readonly files: readonly { readonly path: string; readonly name: string }[];
  /** Id of the model, for `base_model_name_or_path` and messages. */
  readonly id: string;
}

/** An adapter in the same folder. */
export interface AdapterOnDisk {
  readonly method: "lora" | "full";
  /** Name of `adapter_config.json` there; absent for full weights. */
  readonly config?: string;
  readonly tensors: string;
}

/** A dataset in the same folder. */
export interface DatasetOnDisk {
  readonly name: string;
  readonly oid: string;
  readonly role: "train" | "replay";
  readonly format: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly files: readonly { readonly path: string; readonly name: string }[];
  /** Ids of its rows in order. */
  readonly train: readonly string[];
  readonly heldOut: readonly string[];
}

export interface TrainJob {
  readonly model: ModelOnDisk;
  /** Adapters of the version that is built on, in order. */
  readonly adapters: readonly AdapterOnDisk[];
  /** Add another adapter instead of continuing the last. */
  readonly stack: boolean;
  readonly datasets: readonly DatasetOnDisk[];
  /** Recipe keys given by file and flags, read and checked. */
  readonly given: Readonly<Record<string, unknown>>;
  readonly threads: number;
  readonly probe: "none" | "all" | number;
  /** Examples that regressed in an earlier training of the line. */
  readonly regressed: readonly string[];
  readonly snapshotSteps?: readonly number[];
  readonly resume?: ResumeState;
}

export interface ResumeState {
  readonly step: number;
  /** Names of files in the model's folder, float32 little-endian; absent at step 0. */
  readonly state?: { readonly theta: string; readonly m: string; readonly v: string };
  readonly evolution?: EvolutionTable;
  readonly tokens: Readonly<Record<string, number>>;
  readonly lastLoss: number;
}

/** What the engine found out before the first step. */
export interface EnginePlan {
  readonly recipe: Readonly<Record<string, unknown>>;
  readonly trainable: number;
  readonly frozen: number;
  readonly targets: readonly string[];
  readonly steps: number;
  /** Tokens (positions of real data) of the whole run. */
  readonly tokens: number;
  readonly longest: number;
  readonly cut: number;
  readonly newRows: number;
  readonly earlierRows: number;
  readonly superseded: number;
  readonly probe: { readonly examples: number; readonly of: number };
  /** Examples that no probe tracks because a new row gives the same input another answer. */
  readonly notes: readonly string[];
  readonly memoryBytes: number;
  readonly stateBytes: number;
}

/** What a run tells on its way: events for people as they are, and checkpoints as files that are still to be stored. */
export type EngineTrainEvent =
  | Extract<TrainEvent, { event: "step" | "snapshot" | "warning" }>
  | {
      readonly event: "checkpoint";
      readonly step: number;
      readonly cursor: number;
      readonly files: { readonly theta: string; readonly m: string; readonly v: string };
      readonly evolution?: EvolutionTable;
      /** How "correct" was decided in the evolution. */
      readonly rule: string;
      readonly tokens: Readonly<Record<string, number>>;
      readonly lastLoss: number;
    };

export interface TrainResult {
  /** False where the run was asked to pause: its last event is the checkpoint to go on from. */
  readonly finished: boolean;
  readonly step: number;
  readonly loss: number;
  /** Files of the adapter in the model's folder, by path in the adapter's tree. */
  readonly files: readonly { readonly path: string; readonly name: string }[];
  readonly entry: string;
  readonly method: "lora" | "full";
  readonly evolution?: EvolutionTable;
  readonly rule: string;
  /** Columns of the evolution that are held out. */
  readonly heldOut: readonly number[];
  readonly metrics?: { readonly before: MetricsSummary; readonly after: MetricsSummary };
  readonly tokens: Readonly<Record<string, number>>;
  readonly environment: Readonly<Record<string, string | number>>;
}

export interface ModelFacts {
  readonly operators: number;
  readonly inputs: readonly {
    readonly name: string;
    readonly dtype?: string;
    readonly dims?: readonly (number | string)[];
  }[];
  readonly outputs: readonly {
    readonly name: string;
    readonly dtype?: string;
    readonly dims?: readonly (number | string)[];
  }[];
  readonly parameters: number;
  readonly modules: readonly {
    readonly path: string;
    readonly kind: string;
    readonly inFeatures: number;
    readonly outFeatures: number;
    readonly isOutput: boolean;
  }[];
  readonly hasCache: boolean;
  readonly task: string;
  readonly architecture?: string;
  readonly tokenizer: boolean;
  readonly chatTemplate: boolean;
  readonly opset: number;
}
