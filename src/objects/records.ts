import type { Oid } from "../base/oid.ts";

/**
 * The records of the repository. Each is one canonical MessagePack map with `kind` and `v`; ids are 32 bytes there and
 * hex here. Pages and vectors: `objects-spec/`. What is absent has no key.
 */

/** A plain value a record can hold: what canonical MessagePack can say (no null, NaN, infinity or -0). */
export type Plain =
  | boolean
  | number
  | string
  | Uint8Array
  | readonly Plain[]
  | { readonly [key: string]: Plain };

export interface TreeEntry {
  readonly path: string;
  readonly blob: Oid;
  readonly sizeBytes: number;
}

/** Files by relative path: sorted by the bytes of the path, flat; no modes, no links. */
export interface TreeRecord {
  readonly kind: "tree";
  readonly entries: readonly TreeEntry[];
}

/** A base model. */
export interface ModelRecord {
  readonly kind: "model";
  readonly format: "onnx";
  readonly tree: Oid;
  /** Path in the tree of the file that is loaded. */
  readonly entry: string;
}

export type TrainingMethod = "lora" | "full";

/** What a training adds to a base: LoRA matrices in PEFT layout, or full weights keyed by ONNX initialiser. */
export interface AdapterRecord {
  readonly kind: "adapter";
  readonly method: TrainingMethod;
  readonly model: Oid;
  readonly tree: Oid;
  readonly entry: string;
}

/** A version of a dataset: its files byte for byte, and the ids of its examples in order. */
export interface DatasetRecord {
  readonly kind: "dataset";
  readonly format: string;
  readonly tree: Oid;
  /** How the files are read, where the format alone does not say (columns, the file of held-out rows). */
  readonly options: { readonly [key: string]: Plain };
  /** Blob of 32 bytes an id: the training examples, repeated rows included. */
  readonly train: Oid;
  /** Same for the held-out examples; absent where there are none. */
  readonly heldOut?: Oid;
}

/** What the model answered to every tracked example at every evolution snapshot; columns are blobs. */
export interface EvolutionRecord {
  readonly kind: "evolution";
  readonly datasets: readonly Oid[];
  /** Blob of 32 bytes an id: the probe, E examples. */
  readonly examples: Oid;
  /** Optimizer steps at which the probe was read, S of them, rising. */
  readonly steps: readonly number[];
  /** Learning rate in force at each of the S readings. */
  readonly learningRates: readonly number[];
  /** Rows of training data consumed at each of the S readings. */
  readonly positions: readonly number[];
  /** How "correct" was decided: `exact`, `label` or `threshold`. */
  readonly rule: string;
  /** float32 little-endian, S x E, row by row: mean loss over the labels of the example. */
  readonly loss: Oid;
  /** float32 little-endian, S x E: geometric mean of the probabilities of the arg max tokens. */
  readonly confidence: Oid;
  /** One byte 0 or 1, S x E. */
  readonly correct: Oid;
  /** uint32 little-endian, S x E: index into `texts`. */
  readonly predictions: Oid;
  /** Predictions as distinct texts: canonical MessagePack list of strings, in order of first use. */
  readonly texts: Oid;
}

/** What a version is. */
export interface SnapshotRecord {
  readonly kind: "snapshot";
  readonly base: Oid;
  /** In the order in which they are applied. */
  readonly adapters: readonly Oid[];
}

export type DatasetRole = "train" | "replay";

export interface TrainedDataset {
  readonly dataset: Oid;
  readonly role: DatasetRole;
  /** Tokens (or elements of the label tensor) trained on in this run. */
  readonly tokens: number;
  /** Name under which it was registered then, for people. */
  readonly name: string;
}

/** One measurement of a version over the probe and the held-out examples. */
export interface Metrics {
  /** Mean loss, nats per label. */
  readonly loss: number;
  /** Share of correct examples, 0..1: held-out ones where there are any, else the probe. */
  readonly accuracy: number;
  /** Tracked examples it was measured on. */
  readonly examples: number;
}

export interface Author {
  readonly name: string;
  readonly email?: string;
}

/** What made a version. */
export interface CommitRecord {
  readonly kind: "commit";
  readonly snapshot: Oid;
  readonly parents: readonly Oid[];
  readonly author: Author;
  /** Milliseconds since 1970, UTC. */
  readonly timeMs: number;
  readonly message: string;
  readonly datasets: readonly TrainedDataset[];
  /** The whole resolved recipe; absent for an import. */
  readonly recipe?: { readonly [key: string]: Plain };
  /** Versions of program, runtime and CPU instruction set; enclosing code repository. */
  readonly environment: { readonly [key: string]: Plain };
  readonly metrics?: { readonly before?: Metrics; readonly after?: Metrics };
  /** Loss of the last step and number of steps; absent for an import. */
  readonly training?: {
    readonly steps: number;
    readonly loss: number;
    readonly durationMs: number;
    readonly run: string;
  };
  readonly evolution?: Oid;
  /** Time of each reading of the evolution, same order as its steps. */
  readonly evolutionTimesMs?: readonly number[];
  /** Why a keep gate put this version aside; absent where it did not. */
  readonly aside?: string;
}

/** Resumable state of a training after `step` optimizer steps. */
export interface CheckpointRecord {
  readonly kind: "checkpoint";
  readonly run: string;
  /** What the run builds on. */
  readonly on: Oid;
  readonly recipe: { readonly [key: string]: Plain };
  readonly plan: { readonly [key: string]: Plain };
  readonly datasets: readonly Oid[];
  readonly step: number;
  /** Examples consumed, the data cursor. */
  readonly cursor: number;
  /** State of the random generator(s), by name. */
  readonly random: { readonly [key: string]: Plain };
  /** float32 little-endian vectors of equal length; absent at step 0. */
  readonly state?: { readonly theta: Oid; readonly m: Oid; readonly v: Oid };
  /** Evolution read so far, where a probe is read. */
  readonly evolution?: Oid;
  readonly evolutionTimesMs: readonly number[];
  /** Sum over the run so far: tokens trained by dataset, loss of the last step, elapsed time. */
  readonly progress: { readonly [key: string]: Plain };
}

/** A scored suite bound to (snapshot, data, scorer). */
export interface EvaluationRecord {
  readonly kind: "evaluation";
  readonly snapshot: Oid;
  readonly dataset: Oid;
  readonly scorer: string;
  readonly metrics: Metrics;
  readonly timeMs: number;
}

/** A signed statement about a commit or a promotion. */
export interface SignatureRecord {
  readonly kind: "signature";
  readonly commit: Oid;
  readonly namespace: string;
  readonly armour: string;
}

/** Value of a ref: an object, or for HEAD the name of a branch (`heads/main`). */
export type RefValue = { readonly oid: Oid } | { readonly symbolic: string };

/** A change of one ref; no `old` = it did not exist, no `new` = it is gone. */
export interface RefEdit {
  readonly ref: string;
  readonly old?: RefValue;
  readonly new?: RefValue;
}

/** One entry of the operation log. */
export interface OperationRecord {
  readonly kind: "operation";
  /** Number of the entry, from 1. */
  readonly n: number;
  /** Id of entry n - 1; absent in entry 1. */
  readonly previous?: Oid;
  readonly timeMs: number;
  readonly actor: string;
  /** Command line that caused it, for people: `train refunds`. */
  readonly command: string;
  /** Entry that this one takes back (undo), so that undo of undo is redo. */
  readonly undoes?: number;
  /** True for checkpoints, packs published early and drops: `undo` skips it. */
  readonly housekeeping: boolean;
  readonly reason?: string;
  readonly edits: readonly RefEdit[];
  readonly packs: {
    readonly add: readonly Oid[];
    readonly condemn: readonly Oid[];
    readonly drop: readonly Oid[];
  };
  /** Highest version and run numbers given so far, by name (`version`, `run`); they only rise. */
  readonly counters: { readonly [name: string]: number };
}

export type RecordOf = {
  tree: TreeRecord;
  model: ModelRecord;
  adapter: AdapterRecord;
  dataset: DatasetRecord;
  evolution: EvolutionRecord;
  snapshot: SnapshotRecord;
  commit: CommitRecord;
  checkpoint: CheckpointRecord;
  evaluation: EvaluationRecord;
  signature: SignatureRecord;
  operation: OperationRecord;
};

export type RecordKind = keyof RecordOf;
export type AnyRecord = RecordOf[RecordKind];
