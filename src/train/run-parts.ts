import type { Scratch } from "../base/ports.ts";
import type { Runtime } from "../runtime/session.ts";

/** What a run gets from the process that it runs in. */
export interface RunParts {
  readonly runtime: Runtime;
  readonly scratch: Scratch;
  readonly nowMs: () => number;
  readonly memoryBytes: () => number;
  readonly environment: Readonly<Record<string, string | number>>;
  /** Makes names of scratch files unique to this process. */
  readonly label: string;
}
