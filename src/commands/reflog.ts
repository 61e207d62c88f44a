import type { Oid } from "../base/oid.ts";
import { formatTime } from "../base/time.ts";
import type { Context } from "./context.ts";
import { type RefChange, refChange } from "./ref-changes.ts";
import { indexVersions } from "./versions.ts";

export interface ReflogOptions {
  /** Only changes of this ref, by full or short name. */
  readonly ref?: string;
  readonly count?: number;
  /** With operations that `undo` skips: checkpoints, packs published early. */
  readonly all?: boolean;
}

export interface ReflogEntry {
  readonly operation: number;
  readonly id: Oid;
  readonly time: string;
  readonly actor: string;
  readonly command: string;
  readonly undoes?: number;
  readonly housekeeping: boolean;
  readonly reason?: string;
  readonly refs: readonly RefChange[];
  /** Names of the versions that `refs` mention, by id. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Operations, newest first, read as they are asked for. */
export async function* reflog(
  context: Context,
  { ref, count = Number.POSITIVE_INFINITY, all = false }: ReflogOptions,
): AsyncGenerator<ReflogEntry> {
  const repo = await context.openRepository();
  const index = indexVersions(await repo.refs());
  let left = count;
  if (left <= 0) return;
  for await (const operation of repo.operations()) {
    const edits = ref === undefined ? operation.edits : operation.edits.filter((e) => isRef(e.ref, ref));
    if (ref === undefined ? operation.housekeeping && !all : edits.length === 0) continue;
    const refs = edits.map(refChange);
    const named = refs
      .flatMap((r) => [r.old, r.new])
      .flatMap((id) => (id === undefined ? [] : [[id, index.name(id as Oid)] as const]));
    yield {
      operation: operation.n,
      id: operation.oid,
      time: formatTime(operation.timeMs),
      actor: operation.actor,
      command: operation.command,
      ...(operation.undoes === undefined ? {} : { undoes: operation.undoes }),
      housekeeping: operation.housekeeping,
      ...(operation.reason === undefined ? {} : { reason: operation.reason }),
      refs,
      versions: Object.fromEntries(named.filter((pair): pair is [string, string] => pair[1] !== undefined)),
    };
    if (--left <= 0) return;
  }
}

function isRef(full: string, typed: string): boolean {
  return full === typed || full === `heads/${typed}` || full === `tags/${typed}`;
}
