// C0 (but newline and tab), DEL, C1, bidirectional overrides and isolates, line and paragraph separators, zero-width marks, BOM.
const HOSTILE = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
const HOSTILE_RUN = new RegExp(`(?:[\\t\\n]|${HOSTILE.source})+`, "g");

/** Text from data with everything that could drive or fool a terminal written out as `\x1b`, `\u202e`. */
export function escapeControl(text: string): string {
  return text.replace(HOSTILE, (c) => {
    const code = c.charCodeAt(0);
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, "0")}`
      : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** The same on one line: newlines and tabs become spaces. */
export function oneLine(text: string): string {
  return escapeControl(text.replace(/[\r\n\t]+/g, " ")).trim();
}

/** Text from data on one line with a space in place of whatever could drive or fool a terminal, for screens with little room. */
export function plainText(text: string): string {
  return text.replace(HOSTILE_RUN, " ").trim();
}
