import { IngotError } from "../base/errors.ts";
import { executeGc, type GcPlan, planGc } from "../repo/gc.ts";
import type { Context } from "./context.ts";

export interface GcDone {
  /** Operation that condemned; absent where there was nothing to condemn. `undo` takes it back within the grace. */
  readonly operation?: number;
  readonly refs: readonly [];
  readonly condemnedPacks: number;
  readonly droppedPacks: number;
  readonly freedNowBytes: number;
  readonly freedLaterBytes: number;
  readonly graceMs: number;
}

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Milliseconds of `30d`, `12h`, `0`. Throws `usage.flag`. */
export function parseGrace(text: string): number {
  const match = /^(\d{1,6})([smhdw]?)$/.exec(text.trim());
  const unit = match?.[2] ?? "";
  if (match === null || (unit === "" && match[1] !== "0"))
    throw new IngotError("usage.flag", `'${text}' is no length of time`, {
      hint: "for example 30d, 12h or 0",
    });
  return Number(match[1]) * (UNITS_MS[unit] ?? 0);
}

/** What nothing needs, and what of the condemned has lain its time. Throws `integrity.*` where the repository is not whole. */
export async function planCollection(
  context: Context,
  { grace }: { readonly grace?: string },
): Promise<GcPlan> {
  const set = context.settings.find("gc.grace")?.value;
  const text = grace ?? (set === undefined ? undefined : String(set));
  return planGc(await context.openRepository(), {
    nowMs: context.clock.nowMs(),
    command: context.commandLine,
    ...(text === undefined ? {} : { graceMs: parseGrace(text) }),
  });
}

/** True where there is nothing to condemn, rewrite or free. */
export function isEmptyCollection({ condemn, repack, drop }: GcPlan): boolean {
  return condemn.length === 0 && repack.length === 0 && drop.length === 0;
}

/** Does what the plan says. Throws `conflict.ref` where refs kept moving meanwhile. */
export async function executeCollection(context: Context, plan: GcPlan): Promise<GcDone> {
  const { plan: done, condemned, dropped } = await executeGc(await context.openRepository(), plan);
  return {
    ...(condemned === undefined ? {} : { operation: condemned.n }),
    refs: [],
    condemnedPacks: condemned?.packs.condemn.length ?? 0,
    droppedPacks: dropped?.packs.drop.length ?? 0,
    freedNowBytes: done.freedNowBytes,
    freedLaterBytes: done.freedLaterBytes,
    graceMs: done.graceMs,
  };
}
