/** One version as the list shows it. Newest first; a row's parents come later in the list, or are not in it. */
export interface VersionRow {
  readonly commit: string;
  /** `v12`; the short id where a commit has no number. */
  readonly version: string;
  readonly parents: readonly string[];
  /** Branches, tags other than the version's own, `production`, `staging`, `latest`; short names. */
  readonly refs: readonly string[];
  /** True where HEAD stands here. */
  readonly current: boolean;
  readonly timeMs: number;
  readonly message: string;
  readonly datasets: readonly string[];
  /** Share of correct examples, 0..1, after the training. */
  readonly accuracy?: number;
  readonly accuracyBefore?: number;
  /** Why a keep gate put it aside. */
  readonly aside?: string;
  /** True for what no training made: a base model, an adapter made elsewhere. */
  readonly imported: boolean;
}

/** How a tracked example went from the first reading of a training to its last. */
export interface ExampleChange {
  readonly id: string;
  /** Question, or whatever names the example to a person. */
  readonly label: string;
  /** Right or wrong at each reading. */
  readonly correct: readonly boolean[];
  readonly lossFirst: number;
  readonly lossLast: number;
}

/** What the pane on the right says about one version. */
export interface VersionDetail {
  readonly commit: string;
  /** Name and value, in order: metrics, data, recipe, files. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** Number of tracked examples by status; empty where nothing was tracked. */
  readonly statuses: readonly (readonly [status: string, count: number])[];
  readonly learned: readonly ExampleChange[];
  readonly lost: readonly ExampleChange[];
  /** Mean loss over the tracked examples at each reading. */
  readonly loss: readonly number[];
}

/** Where the screen gets what it shows; made from the commands, or made up in a test. */
export interface LogSource {
  /** Name of the repository, for the top line. */
  readonly title: string;
  /** Branch, or `detached`. */
  readonly branch: string;
  /** Newest first, read as they are asked for. */
  versions(): AsyncIterable<VersionRow>;
  /** Number of tracked examples with the status `regressed`, of a version that was measured. */
  regressed(commit: string): Promise<number>;
  detail(commit: string): Promise<VersionDetail>;
  /** What changed from one version to another, as lines. */
  difference(from: string, to: string): Promise<readonly string[]>;
}
