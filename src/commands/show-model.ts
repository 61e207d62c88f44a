import type { Oid } from "../base/oid.ts";
import type { Context } from "./context.ts";

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

/** The description of a base model; undefined where its graph cannot be read. */
export async function describeModel(_context: Context, _model: Oid): Promise<ModelDescription | undefined> {
  return undefined;
}
