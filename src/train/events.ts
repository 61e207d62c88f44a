/** Events of a training, in order; the same objects are `train --json`, the run's log file and what every face draws. */
export interface PlanCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

export interface TrainPlan {
  readonly base: {
    readonly version: string;
    readonly commit: string;
    readonly model: string;
    readonly isBase: boolean;
  };
  /** Version number that the run is expected to get. */
  readonly next: string;
  readonly method: string;
  readonly datasets: readonly {
    readonly name: string;
    readonly dataset: string;
    readonly role: "train" | "replay";
    readonly examples: number;
    readonly newExamples: number;
    readonly heldOut: number;
  }[];
  readonly parameters: { readonly trainable: number; readonly frozen: number };
  readonly targets: readonly string[];
  readonly steps: number;
  readonly tokens: number;
  readonly probe: { readonly examples: number; readonly of: number };
  readonly replay: number;
  readonly estimates: {
    readonly durationMs: number;
    readonly memoryBytes: number;
    readonly diskBytes: number;
  };
  readonly recipe: Readonly<Record<string, unknown>>;
  readonly checks: readonly PlanCheck[];
  readonly notes: readonly string[];
}

export type TrainEvent =
  | ({ readonly event: "plan" } & TrainPlan)
  | { readonly event: "start"; readonly run: string; readonly from: number; readonly steps: number }
  | {
      readonly event: "step";
      readonly step: number;
      readonly steps: number;
      readonly loss: number;
      readonly grad_norm: number;
      readonly learning_rate: number;
      readonly tokens: number;
      readonly durationMs: number;
      readonly memoryBytes?: number;
    }
  | {
      readonly event: "snapshot";
      readonly step: number;
      readonly examples: number;
      readonly loss: number;
      readonly accuracy: number;
      readonly learned: number;
      readonly regressed: number;
      readonly correct: number;
      readonly improving: number;
      readonly regressing: number;
      readonly stable: number;
      readonly durationMs: number;
    }
  | { readonly event: "checkpoint"; readonly step: number; readonly id: string }
  | { readonly event: "warning"; readonly code: string; readonly message: string }
  | {
      readonly event: "done";
      readonly version: string;
      readonly commit: string;
      readonly snapshot: string;
      readonly adapter: string;
      readonly steps: number;
      readonly loss: number;
      readonly durationMs: number;
      readonly aside?: string;
      readonly metrics?: { readonly before?: MetricsSummary; readonly after?: MetricsSummary };
      readonly statuses?: Readonly<Record<string, number>>;
      readonly branch?: string;
      readonly adapterBytes: number;
    }
  | {
      readonly event: "paused";
      readonly code: string;
      readonly run: string;
      readonly step: number;
      readonly steps: number;
      readonly resume: string;
    }
  | {
      readonly event: "failed";
      readonly code: string;
      readonly message: string;
      readonly step: number;
      readonly resume?: string;
    };

export interface MetricsSummary {
  readonly loss: number;
  readonly accuracy: number;
  readonly examples: number;
}
