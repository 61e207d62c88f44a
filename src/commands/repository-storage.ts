import path from "node:path";
import { bug } from "../base/errors.ts";
import { openFileSystemStorage } from "../storage/file-system.ts";
import type { Storage } from "../storage/port.ts";
import type { Context } from "./context.ts";
import { REPOSITORY_FOLDER } from "./open-context.ts";

/** The place of this repository, for leases and free space; objects and refs go through the repository. */
export function repositoryStorage(context: Context): Storage {
  return openFileSystemStorage(path.join(context.root ?? bug("no repository"), REPOSITORY_FOLDER));
}
