/** What `train` is told beside the recipe. */
export interface TrainOptions {
  /** Names of datasets or files; empty: what was added and not yet trained on this line. */
  readonly data: readonly string[];
  /** Revision to build on; HEAD by default. */
  readonly on?: string | undefined;
  /** Recipe file (TOML or JSON); `[train]` of the settings lies under it. */
  readonly recipeFile?: string | undefined;
  /** Recipe keys from flags; they win. */
  readonly recipe: Readonly<Record<string, unknown>>;
  readonly probe?: "none" | "all" | number | undefined;
  readonly threads?: number | undefined;
  /** Name for the version beside its number. */
  readonly name?: string | undefined;
  readonly message?: string | undefined;
  /** Add another adapter on top instead of continuing the last. */
  readonly stack?: boolean;
  /** Keep the version whatever the keep gate says. */
  readonly keep?: boolean;
  /** Only show the plan: files that are no datasets yet are refused instead of added. */
  readonly dryRun?: boolean;
}

/** What is recorded of a run before its first step, beside the recipe: enough to go on after any crash. */
export interface RunRecordPlan {
  readonly given: Readonly<Record<string, unknown>>;
  readonly datasets: readonly {
    readonly oid: string;
    readonly name: string;
    readonly role: "train" | "replay";
  }[];
  readonly probe: "none" | "all" | number;
  readonly stack: boolean;
  readonly keep: boolean;
  readonly name?: string;
  readonly message: string;
  readonly regressed: readonly string[];
  readonly snapshotSteps?: readonly number[];
  readonly commandLine: string;
}
