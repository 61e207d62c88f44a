import { IngotError } from "../../base/errors.ts";
import type { Oid } from "../../base/oid.ts";

/** Examples from which a tenth is held out by default. */
const HOLD_OUT_FROM = 50;
const HOLD_OUT_EVERY = 10n;

export interface Split {
  readonly train: readonly Oid[];
  readonly heldOut: readonly Oid[];
}

/**
 * Splits rows by a share of them, or `none`; by default a tenth of 50 examples or more. What is held out stands there once.
 * Throws `usage.flag` for another share.
 */
export function splitHeldOut(rows: readonly Oid[], option: string | undefined): Split {
  const every = holdOutEvery(option);
  if (every === undefined || (option === undefined && rows.length < HOLD_OUT_FROM))
    return { train: rows, heldOut: [] };
  return {
    train: rows.filter((id) => !isHeldOut(id, every)),
    heldOut: [...new Set(rows.filter((id) => isHeldOut(id, every)))],
  };
}

/** One of how many examples is held out; undefined for none. Throws `usage.flag`. */
export function holdOutEvery(option: string | undefined): bigint | undefined {
  if (option === undefined) return HOLD_OUT_EVERY;
  if (option === "none") return undefined;
  const share = Number(option);
  if (!(share > 0 && share < 1))
    throw new IngotError("usage.flag", `--eval is '${option}'`, {
      hint: "give a share between 0 and 1, a file of held-out rows, or none",
    });
  return BigInt(Math.max(2, Math.round(1 / share)));
}

/** Held out: ids whose first 8 bytes, as a big-endian number, are a multiple of `every`; the same example always falls the same way. */
function isHeldOut(id: Oid, every: bigint): boolean {
  return BigInt(`0x${id.slice(0, 16)}`) % every === 0n;
}
