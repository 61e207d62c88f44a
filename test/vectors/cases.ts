import type { Noted } from "./notation.ts";

/** One scenario of `objects-spec/vectors/*.json`. */
interface Scenario {
  readonly name: string;
  readonly why: string;
  /** `ok`, or the code of the error. */
  readonly expect: string;
}

export type IdCase = Scenario & { readonly input: { readonly text: string } | { readonly lengthBytes: number }; readonly oid: string };
export type CanonicalCase = Scenario & { readonly bytes: string; readonly value?: Noted; readonly oid?: string };
export type RecordCase = Scenario & {
  readonly bytes: string;
  readonly record?: Noted;
  readonly oid?: string;
  readonly field?: string;
};
export type NameCase = Scenario & { readonly as: "name" | "ref"; readonly text: string };
export type PathCase = Scenario & { readonly paths: readonly string[]; readonly folded?: readonly string[] };
export type ExampleCase = Scenario & { readonly fields: Noted; readonly bytes: string; readonly oid: string };

export interface VectorFile<C> {
  readonly page: string;
  readonly cases: readonly C[];
}
