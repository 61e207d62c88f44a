import { type ErrorCode, IngotError } from "../base/errors.ts";

const CODE_OF: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: "environment.disk",
  EDQUOT: "environment.disk",
  EFBIG: "environment.disk",
  EACCES: "environment.permission",
  EPERM: "environment.permission",
  EROFS: "environment.permission",
  ELOOP: "input.path",
  EMLINK: "environment.io",
};

const HINT_OF: Readonly<Record<string, string>> = {
  ENOSPC: "free some space on that disk, for example by ingot gc",
  EDQUOT: "free some space, or raise the quota",
  EROFS: "the disk is read-only; mount it writable",
  EACCES: "check who may write there",
  EPERM: "check who may write there",
  EMFILE: "raise the limit on open files (ulimit -n)",
  ENFILE: "too many files are open on this machine",
};

const WHAT: Readonly<Record<string, string>> = {
  ENOSPC: "no space left on the disk",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file grew over the allowed size",
  EACCES: "permission denied",
  EPERM: "the operation is not permitted",
  EROFS: "the disk is read-only",
  EMFILE: "too many open files",
  ENFILE: "too many open files on this machine",
  EIO: "the disk reported an error",
  ELOOP: "a symbolic link stands in the way",
};

/** The errno name of an error of the operating system; undefined for other errors. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/** True where a path, or a folder on the way to it, does not exist. */
export function isAbsent(error: unknown): boolean {
  const code = errnoOf(error);
  return code === "ENOENT" || code === "ENOTDIR";
}

/** An error of the operating system in the words of ours; `action` is what failed: `write`. Others pass through. */
export function ioError(error: unknown, action: string, path: string): unknown {
  const code = errnoOf(error);
  if (error instanceof IngotError || code === undefined) return error;
  return new IngotError(
    CODE_OF[code] ?? "environment.io",
    `can't ${action} '${path}': ${WHAT[code] ?? code}`,
    {
      hint: HINT_OF[code] ?? "check the disk, then run the command again",
      data: { where: path, errno: code },
      cause: error,
    },
  );
}
