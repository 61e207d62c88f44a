import { IngotError } from "../base/errors.ts";
import type { Oid } from "../base/oid.ts";
import type { RefTable, Repository } from "./repository.ts";
import { vaultOf } from "./vault.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
};
const AGO = /^([0-9]{1,6})[. ](minute|hour|day|week)s?[. ]ago$/;
const DATE = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/;
const TIME =
  /^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,3})?)?(Z|[+-][0-9]{2}:[0-9]{2})?$/;

export interface Followed {
  /** What is followed, in the refs of one moment. */
  readonly valueIn: (refs: RefTable) => Promise<Oid | undefined>;
  /** The one ref that it depends on; undefined where it depends on several. */
  readonly touches: string | undefined;
}

/**
 * Value at `when`: a number of changes ago (`1`), a time (`2026-05-01T12:00Z`), a day (UTC, at its end), `yesterday`, `3.days.ago`.
 * Undefined where there was none then. Throws `usage.argument` for other text.
 */
export async function valueAt(repo: Repository, when: string, followed: Followed): Promise<Oid | undefined> {
  if (/^[0-9]{1,9}$/.test(when)) return changesAgo(repo, Number(when), followed);
  const timeMs = parseTime(when, vaultOf(repo).clock.nowMs());
  if (timeMs === undefined) {
    throw new IngotError(
      "usage.argument",
      `'@{${when.slice(0, 80)}}' is neither a number of changes nor a time`,
      { hint: "for example main@{1}, main@{2026-05-01}, main@{3.days.ago}", data: { where: when } },
    );
  }
  for await (const operation of repo.operations())
    if (operation.timeMs <= timeMs) return followed.valueIn(await repo.refsAt(operation.n));
  return undefined;
}

function parseTime(text: string, nowMs: number): number | undefined {
  if (text === "now") return nowMs;
  if (text === "yesterday") return nowMs - (UNIT_MS.day as number);
  const ago = AGO.exec(text);
  if (ago !== null) return nowMs - Number(ago[1]) * (UNIT_MS[ago[2] as string] as number);
  if (DATE.test(text)) return valid(Date.parse(`${text}T23:59:59.999Z`));
  if (!TIME.test(text)) return undefined;
  const iso = text.replace(" ", "T");
  return valid(Date.parse(/(Z|[+-][0-9]{2}:[0-9]{2})$/.test(iso) ? iso : `${iso}Z`));
}

const valid = (timeMs: number) => (Number.isNaN(timeMs) ? undefined : timeMs);

async function changesAgo(
  repo: Repository,
  count: number,
  { valueIn, touches }: Followed,
): Promise<Oid | undefined> {
  let value = await valueIn(await repo.refs());
  let left = count;
  if (left === 0) return value;
  for await (const operation of repo.operations()) {
    if (touches !== undefined && !operation.edits.some((edit) => edit.ref === touches)) continue;
    if (operation.edits.length === 0) continue;
    const before = await valueIn(await repo.refsAt(operation.n - 1));
    if (before === value) continue;
    value = before;
    if (--left === 0) return value;
  }
  return undefined;
}
