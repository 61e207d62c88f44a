import { IngotError } from "../base/errors.ts";
import { type RawRow, RowBytes, withoutMark } from "./rows.ts";

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN = new Set([0x5b, 0x7b]);
const CLOSE = new Set([0x5d, 0x7d]);
const SPACE = new Set([0x20, 0x09, 0x0a, 0x0d]);

/**
 * The elements of a JSON array as their bytes, streamed: memory is one element. It only finds where elements begin and
 * end; whether each is JSON is seen by whoever parses it. Throws `input.format` for what is no array, for text after it
 * and for an array without its end.
 */
export async function* readJsonElements(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<RawRow> {
  const row = new RowBytes();
  let state: "before" | "element" | "after" = "before";
  let depth = 0;
  let inText = false;
  let escaped = false;
  let line = 1;
  let rowLine = 0;
  let commaDue = false;
  let afterComma = false;

  const fail = (what: string): IngotError =>
    new IngotError("input.format", `'${name}:${line}' ${what}`, {
      hint: "write one JSON object a line (JSONL), or one list of objects",
      data: { where: `${name}:${line}`, file: name, line },
    });

  for await (const chunk of withoutMark(chunks)) {
    let from = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!;
      if (byte === NEWLINE) line += 1;
      if (state === "element" && depth > 0) {
        if (escaped) escaped = false;
        else if (inText) {
          if (byte === BACKSLASH) escaped = true;
          else if (byte === QUOTE) inText = false;
        } else if (byte === QUOTE) inText = true;
        else if (OPEN.has(byte)) depth += 1;
        else if (CLOSE.has(byte)) {
          depth -= 1;
          if (depth === 0) {
            row.add(chunk.subarray(from, i + 1));
            yield { bytes: row.take(), line: rowLine };
            commaDue = true;
            afterComma = false;
          }
        }
        continue;
      }
      if (SPACE.has(byte)) continue;
      if (state === "before") {
        if (byte !== 0x5b) throw fail("starts no list");
        state = "element";
      } else if (state === "after") throw fail("goes on after the end of its list");
      else if (byte === 0x5d && !afterComma) state = "after";
      else if (commaDue) {
        if (byte !== COMMA) throw fail("lacks a ',' between two rows");
        commaDue = false;
        afterComma = true;
      } else if (byte === 0x7b) {
        depth = 1;
        rowLine = line;
        from = i;
      } else throw fail("holds a row that is no object");
    }
    if (state === "element" && depth > 0) {
      row.add(chunk.subarray(from));
    }
  }
  if (state === "before") throw fail("is empty");
  if (state === "element") throw fail("ends before its list does");
}
