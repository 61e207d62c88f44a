import { render } from "ink-testing-library";
import { describe, expect, it } from "vitest";
import { glyphsFor } from "../../../src/tui/glyphs.ts";
import type { Size } from "../../../src/tui/layout.ts";
import { LogScreen } from "../../../src/tui/log-screen.tsx";
import type { LogSource } from "../../../src/tui/version-row.ts";
import { makeSource, makeVersions } from "../../support/log-source.ts";

/** The screen on a made-up terminal of 100 columns at most (ink-testing-library's). */
function open(source: LogSource, size: Size, asciiOnly = false) {
  const resizes = new Set<(size: Size) => void>();
  const copied: string[] = [];
  const host = {
    size: () => size,
    onResize: (listener: (size: Size) => void) => {
      resizes.add(listener);
      return () => resizes.delete(listener);
    },
    onResume: () => () => {},
    suspend: () => {},
    copy: (text: string) => copied.push(text),
  };
  const app = render(<LogScreen source={source} host={host} glyphs={glyphsFor(asciiOnly)} />);
  const lines = (): readonly string[] => (app.lastFrame() ?? "").split("\n");
  const until = async (text: string | RegExp): Promise<readonly string[]> => {
    await expect.poll(() => app.lastFrame() ?? "", { timeout: 5000, interval: 5 }).toMatch(text);
    return lines();
  };
  return {
    ...app,
    lines,
    until,
    copied,
    resize: (next: Size) => {
      for (const listener of resizes) listener(next);
    },
  };
}

describe("log screen", () => {
  it("shows versions beside the selected one at 100 x 30", async () => {
    const screen = open(makeSource(makeVersions()), { columns: 100, rows: 30 });
    await screen.until("84 regr");
    const lines = await screen.until("learned 3");
    expect(lines).toHaveLength(29);
    expect(lines.every((line) => line.length <= 100)).toBe(true);
    expect(lines.slice(0, 10).map((line) => line.slice(0, 49).trimEnd())).toEqual([
      " made-up  main @ v3   production v1",
      "┌─ Versions 1 of 4 ────────────────────────────┐┌",
      "│▌@   v3   main latest      90.0 ▲90.0   0 regr││",
      "│ │   training 3   git-team                    ││",
      "│ │ ✗ v2   aside            12.5 ▼77.5  84 regr││",
      "│ │ │ training 2   git-team                    ││",
      "│ ◆─╯ v1   production       90.0 ▲90.0   0 regr││",
      "│ │   training 1   git-basics                  ││",
      "│ ◇   v0                                       ││",
      "│     small base                               ││",
    ]);
    const detail = lines.map((line) => line.slice(48).replace(/ *│$/, ""));
    expect(detail[1]).toMatch(/^┌─ v3 04040404 ─+┐$/);
    expect(detail).toContain("│ accuracy  90.0 %  (parent 0.0 %)");
    expect(detail).toContain("│ lost 1");
    expect(detail.join("\n")).toMatch(/│ e:000000 How do I do thing num\S* ✗✓ 2.00 to 0.25/);
    expect(lines.at(-1)).toContain("cli: ingot show v3");
  });

  it("shows one pane at a time at 60 x 15", async () => {
    const screen = open(makeSource(makeVersions(40)), { columns: 60, rows: 15 });
    let lines = await screen.until("v39");
    expect(lines).toHaveLength(14);
    expect(lines[1]).toMatch(/^┌─ Versions 1 of 40 ─+┐$/);
    expect(lines.slice(2, 12).every((line) => /^│.*v\d+.*│$/.test(line))).toBe(true);
    screen.stdin.write("\r");
    lines = await screen.until("accuracy");
    expect(lines[1]).toMatch(/^┌─ v39 /);
    screen.stdin.write("\x1b");
    await screen.until("Versions 1 of 40");
  });

  it("stacks the panes on a narrow, tall screen", async () => {
    const screen = open(makeSource(makeVersions(40)), { columns: 60, rows: 40 });
    const lines = await screen.until("learned 3");
    expect(lines).toHaveLength(39);
    expect(lines.filter((line) => line.startsWith("┌─ "))).toHaveLength(2);
  });

  it("draws only ASCII when told to", async () => {
    const screen = open(makeSource(makeVersions()), { columns: 100, rows: 30 }, true);
    const lines = await screen.until("learned 3");
    expect(lines.join("")).toMatch(/^[\x20-\x7e]*$/);
  });

  it("follows keys, a search, a comparison and a new size", async () => {
    const screen = open(makeSource(makeVersions(40)), { columns: 100, rows: 30 });
    await screen.until("learned 3");
    screen.stdin.write("jj");
    await screen.until("Versions 3 of 40");
    screen.stdin.write("/v1");
    await screen.until("/v1_");
    screen.stdin.write("9\r");
    await screen.until(/▌.*v19/);
    screen.stdin.write("d");
    await screen.until(/diff v18 v19[\s\S]*from 1313/);
    screen.stdin.write("?");
    await screen.until("compare with the marked version");
    screen.resize({ columns: 80, rows: 20 });
    expect(await screen.until("Keys")).toHaveLength(19);
    screen.stdin.write("?y");
    await screen.until("copied 14141414");
    expect(screen.copied).toEqual(["14".repeat(32)]);
  });

  it("lets nothing from a message drive the terminal", async () => {
    const [row, ...rest] = makeVersions();
    if (row === undefined) throw new Error("no row");
    const hostile = { ...row, message: "a\x1b[2J\x1b]0;owned\x07b", refs: ["x\u202ey"] };
    const screen = open(makeSource([hostile, ...rest]), { columns: 100, rows: 30 });
    await screen.until(/a \[2J \]0;owned b/);
    expect(screen.frames.join("")).not.toMatch(/\x1b\[2J|\x07|\u202e/);
  });

  it("draws a list of 10,000 as fast as a short one", async () => {
    const screen = open(makeSource(makeVersions(10_000)), { columns: 100, rows: 30 });
    await screen.until("10000 versions");
    screen.stdin.write("G");
    await screen.until("Versions 10000 of 10000");
    const started = performance.now();
    for (let i = 0; i < 20; i += 1) screen.stdin.write("k");
    await screen.until("Versions 9980 of 10000");
    expect((performance.now() - started) / 20).toBeLessThan(100);
  });

  it("says an empty repository is empty, and what failed", async () => {
    await open(makeSource([]), { columns: 100, rows: 30 }).until("ingot import PATH");
  });
});
