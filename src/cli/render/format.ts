import type { Look } from "../terminal.ts";

export { formatBytes } from "../../base/format-bytes.ts";

/** `850 ms`, `12.4s`, `4m12s`, `3h05m`, `2d 4h`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 9950 ? 1 : 0)}s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes}m${pad(Math.floor((ms % 60_000) / 1000))}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours}h${pad(minutes % 60)}m`;
  return `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}

/** Local date and time to the minute. */
export function formatTime(rfc3339: string): string {
  const t = new Date(rfc3339);
  return `${t.getFullYear()}-${pad(t.getMonth() + 1)}-${pad(t.getDate())} ${pad(t.getHours())}:${pad(t.getMinutes())}`;
}

/** Share 0..1 as `71.0`. */
export function formatPercent(share: number): string {
  return (share * 100).toFixed(1);
}

/** `0.96`; four digits where it is small. */
export function formatLoss(loss: number): string {
  return loss !== 0 && Math.abs(loss) < 0.1 ? loss.toPrecision(3) : loss.toFixed(2);
}

/** A change with its direction as glyph and sign, coloured by whether it is good. */
export function formatChange(look: Look, change: number, text: string, higherIsBetter: boolean): string {
  if (change === 0) return look.paint("dim", "=");
  const glyph = change > 0 ? (look.unicode ? "▲" : "^") : look.unicode ? "▼" : "v";
  return look.paint(
    change > 0 === higherIsBetter ? "green" : "red",
    `${glyph}${change > 0 ? "+" : "-"}${text}`,
  );
}

/** `1 version`, `3 versions`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${formatCount(n)} ${n === 1 ? one : many}`;
}

/** `1 380` groups of three digits by thin space, as in the interface's mock-ups. */
export function formatCount(n: number): string {
  return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, " ");
}

/** Rows as columns, padded to the widest cell; cells must not hold escape sequences. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows)
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd(),
  );
}

/** `135M`, `1.7B`, `512`: numbers of parameters as they are spoken. */
export function formatMagnitude(n: number): string {
  for (const [unit, letter] of [
    [1e9, "B"],
    [1e6, "M"],
    [1e3, "K"],
  ] as const) {
    if (n >= unit) return `${(n / unit).toPrecision(n / unit >= 100 ? 3 : 2).replace(/\.0$/, "")}${letter}`;
  }
  return String(n);
}
