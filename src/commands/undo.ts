import { formatTime } from "../base/time.ts";
import type { Operation } from "../repo/state.ts";
import { planUndo } from "../repo/undo.ts";
import type { Context } from "./context.ts";
import { type RefChange, type RefsChanged, refChange, refsChanged } from "./ref-changes.ts";

export interface UndoOptions {
  /** Number of the operation; the last one by default. */
  readonly operation?: number;
  /** Take back the last undo, and nothing else. */
  readonly redo?: boolean;
}

export interface UndonePlan {
  readonly undone: { readonly operation: number; readonly command: string; readonly time: string };
  readonly refs: readonly RefChange[];
}

/** What an undo would do. Throws `undo.nothing`, `undo.gone`. */
export async function previewUndo(context: Context, options: UndoOptions): Promise<UndonePlan> {
  const { undone, request } = await planUndo(await context.openRepository(), options);
  return { undone: describe(undone), refs: request.edits.map(refChange) };
}

/** Takes an operation back, as one more operation. Throws `undo.nothing`, `undo.gone`, `conflict.ref` where a ref has moved since. */
export async function undo(
  context: Context,
  options: UndoOptions,
): Promise<RefsChanged & Pick<UndonePlan, "undone">> {
  const repo = await context.openRepository();
  const { undone, request } = await planUndo(repo, options);
  return { ...refsChanged(await repo.operate(() => request)), undone: describe(undone) };
}

function describe({ n, command, timeMs }: Operation): UndonePlan["undone"] {
  return { operation: n, command, time: formatTime(timeMs) };
}
