// C0, DEL, C1, bidirectional overrides and isolates, separators, zero-width marks, BOM.
const HOSTILE = /[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+/g;

/** Text written by others on one line, without anything that could drive or fool a terminal. */
export function plainText(text: string): string {
  return text.replace(HOSTILE, " ").trim();
}
