import { describe, expect, it } from "vitest";
import { escapeControl, oneLine, plainText } from "../../../src/base/terminal-text.ts";

describe("text of others", () => {
  it("stays on its line", () => {
    expect(oneLine("a\r\nb\tc\x07\u2028d")).toBe("a b c\\x07\\u2028d");
    expect(plainText("a\r\nb\tc\x07\u2028d\n")).toBe("a b c d");
  });

  it("keeps its lines where they are wanted", () => {
    expect(escapeControl("a\n\tb\x1b[2J")).toBe("a\n\tb\\x1b[2J");
  });

  it("drives no terminal: nothing of C0, C1, direction and width is left", () => {
    const codes = [...Array(0x20).keys(), 0x7f, 0x9b, 0x61c, 0x200b, 0x202e, 0x2066, 0x2069, 0xfeff];
    for (const code of codes.filter((c) => c !== 9 && c !== 10)) {
      const text = `a${String.fromCharCode(code)}b`;
      for (const safe of [escapeControl(text), oneLine(text), plainText(text)]) {
        expect(safe.includes(String.fromCharCode(code)) && code !== 0x20, `U+${code.toString(16)}`).toBe(
          false,
        );
      }
    }
  });
});
