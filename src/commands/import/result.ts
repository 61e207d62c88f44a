import type { Oid } from "../../base/oid.ts";
import type { ModelFacts } from "../../train/job.ts";

export interface ImportOptions {
  readonly path: string;
  readonly onto?: string | undefined;
  readonly entry?: string | undefined;
  readonly message?: string | undefined;
}

export interface ImportResult {
  readonly version: string;
  readonly commit: Oid;
  readonly kind: "model" | "adapter";
  readonly model: Oid;
  readonly adapter?: Oid;
  readonly files: readonly { readonly path: string; readonly id: Oid; readonly sizeBytes: number }[];
  /** Files of the folder that are no part of the model. */
  readonly skipped: readonly string[];
  readonly facts?: ModelFacts;
  /** Branch that moved; absent where the version is only tagged. */
  readonly moved?: string;
}
