/** Signs the screen draws with. A sign never stands alone: a word, a number or its place says the same. */
export interface Glyphs {
  readonly commit: string;
  readonly current: string;
  readonly base: string;
  readonly production: string;
  readonly aside: string;
  readonly line: string;
  readonly dash: string;
  readonly joinUp: string;
  readonly joinDown: string;
  readonly up: string;
  readonly down: string;
  readonly right: string;
  readonly wrong: string;
  readonly cursor: string;
  readonly mark: string;
  readonly more: string;
  readonly bars: string;
  readonly topLeft: string;
  readonly topRight: string;
  readonly bottomLeft: string;
  readonly bottomRight: string;
}

const unicode: Glyphs = {
  commit: "○",
  current: "@",
  base: "◇",
  production: "◆",
  aside: "✗",
  line: "│",
  dash: "─",
  joinUp: "╯",
  joinDown: "╮",
  up: "▲",
  down: "▼",
  right: "✓",
  wrong: "✗",
  cursor: "▌",
  mark: "•",
  more: "…",
  bars: "▁▂▃▄▅▆▇█",
  topLeft: "┌",
  topRight: "┐",
  bottomLeft: "└",
  bottomRight: "┘",
};

const ascii: Glyphs = {
  commit: "o",
  current: "@",
  base: "0",
  production: "#",
  aside: "x",
  line: "|",
  dash: "-",
  joinUp: "'",
  joinDown: ".",
  up: "+",
  down: "-",
  right: "y",
  wrong: "n",
  cursor: ">",
  mark: "*",
  more: "~",
  bars: "_.:-=+*#",
  topLeft: "+",
  topRight: "+",
  bottomLeft: "+",
  bottomRight: "+",
};

/** Signs for a terminal, by whether it can show more than ASCII. */
export function glyphsFor(asciiOnly: boolean): Glyphs {
  return asciiOnly ? ascii : unicode;
}

/** A row of bars, one per value, all on one scale from 0 to the greatest. At most `width` bars, sampled evenly. */
export function sparkline(values: readonly number[], width: number, { bars }: Glyphs): string {
  const top = Math.max(...values, Number.MIN_VALUE);
  const count = Math.min(width, values.length);
  const levels = [...bars];
  return Array.from({ length: count }, (_, i) => {
    const at = count === 1 ? values.length - 1 : Math.round((i * (values.length - 1)) / (count - 1));
    const level = Math.round((Math.max(0, values[at] ?? 0) / top) * (levels.length - 1));
    return levels[level] ?? "";
  }).join("");
}
