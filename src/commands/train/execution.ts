import type { Oid } from "../../base/oid.ts";
import type { TrainPlan } from "../../train/events.ts";
import type { TrainJob } from "../../train/job.ts";
import type { Engine } from "../engine/open.ts";
import type { RunRecordPlan } from "./options.ts";
import type { StartPoint } from "./start-point.ts";

/** A training ready to run: its engine waits with everything laid out. */
export interface Execution {
  /** What was shown before the start; a run that goes on has it in its log already. */
  readonly plan?: TrainPlan;
  readonly start: StartPoint;
  readonly record: RunRecordPlan;
  readonly recipe: Readonly<Record<string, unknown>>;
  readonly engine: Engine;
  readonly job: TrainJob;
  /** Where HEAD stood when the training was planned, where it builds on HEAD: it must still stand there at the start. */
  readonly head?: Oid;
  /** Run that goes on; a new one otherwise. */
  readonly resumed?: { readonly run: string; readonly step: number; readonly elapsedMs: number };
}
