import { type ErrorCode, IngotError } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import { isOid } from "./oid.ts";

/** Where a name comes from: a person's command line (exit 2), or a record or another repository (exit 3). */
export type NameOrigin = "typed" | "record";

const CODE_OF: Readonly<Record<NameOrigin, ErrorCode>> = { typed: "usage.name", record: "input.name" };

const NAME = /^[A-Za-z0-9_][A-Za-z0-9._/-]*$/;
const VERSION = /^v(0|[1-9][0-9]{0,14})$/;
const RUN = /^t(0|[1-9][0-9]{0,14})$/;
const STEP = /^(0|[1-9][0-9]{0,14})$/;

/** Words that mean something by themselves wherever a revision is typed, so that no branch or tag can hide them. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set([
  "HEAD",
  "latest",
  "base",
  "production",
  "staging",
]);

/** True for `v0`, `v12`: the name of a version. */
export function isVersionName(text: string): boolean {
  return VERSION.test(text);
}

/** True for `t1`, `t12`: the name of a training run. */
export function isRunName(text: string): boolean {
  return RUN.test(text);
}

/** Why a text is no name that a branch, tag, dataset, remote or protected ref can take; undefined where it is one. */
function nameFault(name: string): string | undefined {
  return shapeFault(name) ?? (isTaken(name) ? "has a meaning of its own" : undefined);
}

function shapeFault(name: string): string | undefined {
  if (name.length > LIMITS.nameChars) return `is longer than ${LIMITS.nameChars} characters`;
  if (!NAME.test(name))
    return "may hold only letters, digits and . _ / -, and starts with a letter, digit or _";
  if (name.includes("..")) return "holds '..'";
  if (name.includes("//") || name.endsWith("/")) return "has an empty part";
  if (name.endsWith(".lock")) return "ends in '.lock'";
  return undefined;
}

function isTaken(name: string): boolean {
  return RESERVED_NAMES.has(name) || isVersionName(name) || isRunName(name) || isOid(name);
}

/**
 * Checks the name of a branch, tag, dataset, remote or protected ref as a person gives it (`main`, `eu/refunds`). Throws
 * `usage.name` or `input.name`.
 */
export function assertName(name: string, origin: NameOrigin): void {
  const fault = nameFault(name);
  if (fault !== undefined) throw badName(name, fault, origin);
}

function badName(name: string, fault: string, origin: NameOrigin): IngotError {
  return new IngotError(CODE_OF[origin], `the name '${name.slice(0, 80)}' ${fault}`, {
    hint: origin === "typed" ? "letters, digits and . _ / -, for example 'refunds-2'" : "ingot fsck",
    data: { name: name.slice(0, LIMITS.refChars) },
  });
}

type Check = (rest: string) => string | undefined;

const freeName: Check = nameFault;
const versionOrName: Check = (rest) => (isVersionName(rest) ? undefined : nameFault(rest));
const onePart: Check = (rest) => (rest.includes("/") ? "has a '/' in the name of a remote" : nameFault(rest));

/** What may follow each prefix of a full ref name. */
const SPACES: Readonly<Record<string, Check>> = {
  heads: freeName,
  tags: versionOrName,
  data: (rest) =>
    split(rest, rest.lastIndexOf("/"), nameFault, (tail) =>
      isVersionName(tail) ? undefined : "has no 'v<N>' at its end",
    ),
  runs: (rest) =>
    split(
      rest,
      rest.indexOf("/"),
      (run) => (isRunName(run) ? undefined : "names no run 't<N>'"),
      (step) => (STEP.test(step) ? undefined : "has no step number at its end"),
    ),
  about: (rest) => split(rest, rest.indexOf("/"), oidFault, oidFault),
  dropped: (rest) => (isVersionName(rest) ? undefined : "names no version 'v<N>'"),
  remotes: (rest) =>
    split(rest, rest.indexOf("/"), onePart, (ref) =>
      ref.startsWith("remotes/") ? "has a remote within a remote" : refFault(ref),
    ),
};

function oidFault(text: string): string | undefined {
  return isOid(text) ? undefined : "has a part that is no id";
}

function split(rest: string, at: number, left: Check, right: Check): string | undefined {
  if (at < 0) return "lacks a part after its last '/'";
  return left(rest.slice(0, at)) ?? right(rest.slice(at + 1));
}

function refFault(ref: string): string | undefined {
  if (ref.length > LIMITS.refChars) return `is longer than ${LIMITS.refChars} characters`;
  if (ref === "HEAD" || ref === "production" || ref === "staging") return undefined;
  const slash = ref.indexOf("/");
  if (slash < 0) return Object.hasOwn(SPACES, ref) ? "is the prefix of other refs" : nameFault(ref);
  const prefix = ref.slice(0, slash);
  const check = Object.hasOwn(SPACES, prefix) ? SPACES[prefix] : undefined;
  if (check === undefined) return `starts with '${prefix.slice(0, 40)}/', which no ref does`;
  return check(ref.slice(slash + 1));
}

/**
 * Checks the full name of a ref: `HEAD`, `heads/<name>`, `tags/<name>`, `tags/v<N>`, `data/<name>/v<N>`,
 * `runs/t<N>/<step>`, `about/<id>/<id>`, `dropped/v<N>`, `remotes/<remote>/<ref>`, `production`, `staging`, or one free name
 * (a protected ref). Throws `usage.name` or `input.name`.
 */
export function assertRefName(ref: string, origin: NameOrigin): void {
  const fault = refFault(ref);
  if (fault !== undefined) throw badName(ref, fault, origin);
}

/** True for the full name of a ref. */
export function isRefName(ref: string): boolean {
  return refFault(ref) === undefined;
}
