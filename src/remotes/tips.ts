import { isVersionName } from "../base/names.ts";
import type { Oid } from "../base/oid.ts";
import type { RefValue } from "../objects/records.ts";
import type { Expected } from "./verified-read.ts";

export interface NamedRef {
  readonly name: string;
  readonly value: RefValue;
}

/** Kind of object that a ref of this name points at; undefined for refs that never leave their repository. */
export function expectedAt(ref: string): Expected | undefined {
  const prefix = ref.split("/", 1)[0] as string;
  if (prefix === "runs" || prefix === "remotes" || ref === "HEAD") return undefined;
  if (prefix === "data") return "dataset";
  return prefix === "about" ? "about" : "commit";
}

/** True for `production`, `staging` and the like: refs without a prefix that only a person moves. */
export function isProtected(ref: string): boolean {
  return ref !== "HEAD" && !ref.includes("/");
}

/** Number of `tags/v3` and `dropped/v3`; undefined for other refs. */
export function versionNumber(ref: string): number | undefined {
  const [prefix, name, more] = ref.split("/");
  if ((prefix !== "tags" && prefix !== "dropped") || name === undefined || more !== undefined)
    return undefined;
  return isVersionName(name) ? Number(name.slice(1)) : undefined;
}

/** Parts of `data/<name>/v<N>`. */
export function datasetNumber(ref: string): { readonly prefix: string; readonly number: number } {
  const slash = ref.lastIndexOf("/");
  return { prefix: ref.slice(0, slash + 1), number: Number(ref.slice(slash + 2)) };
}

/**
 * Objects whose whole closure a repository holds because its refs keep it. Checkpoints rotate and what dropped versions
 * refer to may be gone, so neither counts.
 */
export function completeObjects(refs: readonly NamedRef[]): ReadonlySet<Oid> {
  const complete = new Set<Oid>();
  for (const { name, value } of refs) {
    if ("oid" in value && !name.startsWith("dropped/") && !name.startsWith("runs/")) complete.add(value.oid);
  }
  return complete;
}
