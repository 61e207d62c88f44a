import { oneLine } from "../../base/terminal-text.ts";
import type { RefChange } from "../../commands/ref-changes.ts";
import type { ReflogEntry } from "../../commands/reflog.ts";
import type { Look } from "../terminal.ts";
import { formatTime } from "./format.ts";

/** One operation of the log: a head line, and a line a ref. */
export function renderOperation(look: Look, entry: ReflogEntry): string[] {
  const undoes = entry.undoes === undefined ? "" : `  ${look.paint("dim", `takes back ${entry.undoes}`)}`;
  const reason = entry.reason === undefined ? "" : `  "${oneLine(entry.reason)}"`;
  return [
    `${look.paint("yellow", String(entry.operation))}  ${formatTime(entry.time)}  ${oneLine(entry.actor)}  ${oneLine(entry.command)}${undoes}${reason}`,
    ...entry.refs.map((change) => `    ${renderChange(look, change, entry.versions)}`),
  ];
}

/** `production v8 -> v7` */
export function renderChange(
  look: Look,
  change: RefChange,
  versions: Readonly<Record<string, string>>,
): string {
  const arrow = look.unicode ? "→" : "->";
  const call = (value: string | undefined) =>
    value === undefined
      ? "none"
      : (versions[value] ??
        (/^[0-9a-f]{64}$/.test(value) ? value.slice(0, 8) : oneLine(value.replace(/^heads\//, ""))));
  const name = oneLine(change.name.replace(/^heads\//, ""));
  if (change.old === undefined) return `${name} ${look.paint("green", call(change.new))}  (new)`;
  if (change.new === undefined) return `${name} ${look.paint("red", call(change.old))}  (gone)`;
  return `${name} ${call(change.old)} ${arrow} ${call(change.new)}`;
}
