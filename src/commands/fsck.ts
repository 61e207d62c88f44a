import { fsck as checkRepository } from "../repo/fsck.ts";
import type { Finding } from "../repo/fsck-finding.ts";
import type { Context } from "./context.ts";

export interface FsckOptions {
  /** Decode and hash every stored byte. */
  readonly deep?: boolean;
  readonly onProgress?: (checked: number, total: number) => void;
}

export interface FsckResult {
  readonly ok: boolean;
  readonly objects: number;
  readonly bytes: number;
  readonly packs: number;
  readonly operations: number;
  readonly problems: readonly Finding[];
}

/** Checks the repository; changes nothing. */
export async function fsck(context: Context, options: FsckOptions): Promise<FsckResult> {
  const { findings, ...report } = await checkRepository(await context.openRepository(), options);
  return { ...report, problems: findings };
}
