import { LIMITS } from "../base/limits.ts";
import { decodeRow, isBlank, type RawRow, RowFault } from "./rows.ts";

export interface Paragraph {
  readonly text: string | undefined;
  /** Why it cannot be read, where it cannot. */
  readonly fault: string | undefined;
  readonly line: number;
}

/** The paragraphs of a plain text: lines up to a blank one, joined by LF. Memory: one paragraph. */
export async function* readParagraphs(lines: AsyncIterable<RawRow>): AsyncGenerator<Paragraph> {
  let open: { pieces: Uint8Array[]; bytes: number; line: number } | undefined;
  for await (const { bytes, line } of lines) {
    if (bytes !== undefined && isBlank(bytes)) {
      if (open !== undefined) yield close(open);
      open = undefined;
      continue;
    }
    open ??= { pieces: [], bytes: 0, line };
    open.bytes += bytes === undefined ? LIMITS.lineBytes + 1 : bytes.length + 1;
    if (open.bytes > LIMITS.lineBytes) open.pieces = [];
    else if (bytes !== undefined) open.pieces.push(bytes, Uint8Array.of(0x0a));
  }
  if (open !== undefined) yield close(open);
}

function close(open: { pieces: Uint8Array[]; bytes: number; line: number }): Paragraph {
  const { line } = open;
  if (open.bytes > LIMITS.lineBytes) {
    return { text: undefined, fault: `a paragraph of more than ${LIMITS.lineBytes} bytes`, line };
  }
  try {
    return { text: decodeRow(new Uint8Array(Buffer.concat(open.pieces))).trimEnd(), fault: undefined, line };
  } catch (error) {
    if (!(error instanceof RowFault)) throw error;
    return { text: undefined, fault: error.message, line };
  }
}
