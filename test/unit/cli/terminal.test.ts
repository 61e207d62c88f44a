import { describe, expect, it } from "vitest";
import type { Io } from "../../../src/cli/io.ts";
import { describeTerminal } from "../../../src/cli/terminal.ts";

const sink = (isTTY: boolean) => ({ isTTY, columns: isTTY ? 120 : undefined, write: () => undefined });
const ioWith = (env: Record<string, string>, isTTY: boolean): Io => ({
  stdout: sink(isTTY),
  stderr: sink(true),
  stdin: { isTTY: true, readLine: async () => undefined, chunks: async function* () {} },
  env,
  cwd: "/",
  platform: "linux",
  home: "/",
  user: "ada",
  signal: new AbortController().signal,
});

describe("colour", () => {
  it.each([
    [{}, false, true],
    [{ NO_COLOR: "1" }, false, false],
    [{ NO_COLOR: "" }, false, true],
    [{ INGOT_NO_COLOR: "1" }, false, false],
    [{ TERM: "dumb" }, false, false],
    [{ FORCE_COLOR: "1" }, true, true],
    [{ FORCE_COLOR: "0" }, false, false],
    [{ NO_COLOR: "1", FORCE_COLOR: "1" }, false, false],
    [{ CI: "true" }, false, true],
  ])("%j: pipe %s, terminal %s", (env, pipe, terminal) => {
    const look = describeTerminal(ioWith(env, false));
    expect([look.out.colour, look.err.colour]).toEqual([pipe, terminal]);
    expect(describeTerminal(ioWith(env, true), "always").out.colour).toBe(true);
    expect(describeTerminal(ioWith(env, true), "never").out.colour).toBe(false);
  });

  it("paints only where it may", () => {
    expect(describeTerminal(ioWith({}, true)).out.paint("red", "x")).toBe("\x1b[31mx\x1b[39m");
    expect(describeTerminal(ioWith({}, false)).out.paint("red", "x")).toBe("x");
  });
});
