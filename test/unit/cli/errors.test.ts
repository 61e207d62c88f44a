import { describe, expect, it } from "vitest";
import { ERROR_CODES, IngotError } from "../../../src/base/errors.ts";
import { describeFailure, isBrokenPipe } from "../../../src/cli/errors.ts";
import { plainLook } from "../../../src/cli/terminal.ts";
import { codeHelp, EXIT_CODES } from "../../../src/cli/topics.ts";

const text = { json: false, look: plainLook, debug: false };

describe("failures", () => {
  it("say what, where and what to do, and nothing else", () => {
    const error = new IngotError("input.row", "row 3 has no 'messages'", {
      hint: "mend the line",
      data: { where: "faq.jsonl:3" },
    });
    expect(describeFailure(error, text)).toEqual({
      text: "error[input.row]: row 3 has no 'messages'\nwhere: faq.jsonl:3\nhint: mend the line\n",
      exit: 3,
    });
    expect(JSON.parse(describeFailure(error, { ...text, json: true }).text)).toEqual({
      error: {
        code: "input.row",
        what: "row 3 has no 'messages'",
        where: "faq.jsonl:3",
        fix: "mend the line",
        exit: 3,
      },
    });
  });

  it("write control and bidirectional characters out", () => {
    const error = new IngotError("ref.missing", "no '\x1b]0;x\x07\u202e'", { hint: "\x9b31m" });
    expect(describeFailure(error, text).text).toBe(
      "error[ref.missing]: no '\\x1b]0;x\\x07\\u202e'\nhint: \\x9b31m\n",
    );
  });

  it("of the program itself are exit 1 and ask for a report; the stack only under INGOT_DEBUG", () => {
    const failure = describeFailure(new Error("bug: x"), text);
    expect(failure.exit).toBe(1);
    expect(failure.text).not.toContain(" at ");
    expect(describeFailure(new Error("bug: x"), { ...text, debug: true }).text).toContain(" at ");
  });

  it("of the system that nobody explained get a code all the same", () => {
    const error = Object.assign(new Error("ENOSPC: no space left"), {
      code: "ENOSPC",
      syscall: "write",
      path: "/x",
    });
    expect(describeFailure(error, text).exit).toBe(7);
    expect(isBrokenPipe(Object.assign(new Error(), { code: "EPIPE" }))).toBe(true);
  });

  it("hide the password of an address", () => {
    expect(
      describeFailure(new IngotError("remote.address", "no 'https://a:secret@host/x'"), text).text,
    ).not.toContain("secret");
  });

  it("every code has a help page, and every exit code a meaning", () => {
    const known = new Set(EXIT_CODES.map(([code]) => code));
    for (const [code, { exit }] of Object.entries(ERROR_CODES)) {
      expect(known.has(String(exit)), code).toBe(true);
      expect(codeHelp(code as keyof typeof ERROR_CODES).join("\n")).not.toContain("undefined");
    }
  });
});
