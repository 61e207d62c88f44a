import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { afterEach, beforeAll, describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");
const PROGRAM = join(ROOT, "dist", "test", "open-screen.js");
const hasTmux = spawnSync("tmux", ["-V"]).status === 0;
if (!hasTmux) console.log("skipped: full-screen tests need tmux, which is not installed");

let sockets = 0;
let socket = "";
const tmux = (...args: readonly string[]): string =>
  execFileSync("tmux", ["-L", socket, ...args], { encoding: "utf8" });

/** A shell in a terminal of its own, with a line on its screen that must come back. */
function openShell(columns: number, rows: number): void {
  socket = `ingot-test-${process.pid}-${sockets}`;
  sockets += 1;
  tmux(
    "-f",
    "/dev/null",
    "new-session",
    "-d",
    "-x",
    `${columns}`,
    "-y",
    `${rows}`,
    "env PS1='shell> ' CI= bash --norc",
  );
  send("echo earlier screen", "Enter");
}

const send = (...keys: readonly string[]): void => void tmux("send-keys", ...keys);
const capture = (): string => tmux("capture-pane", "-p");
const sees = (text: string | RegExp): Promise<void> =>
  expect.poll(capture, { timeout: 20_000, interval: 30 }).toMatch(text);
const start = (how = ""): void => send(`node ${PROGRAM} ${how}`, "Enter");

/** Process id of the program that has the terminal. */
function programId(): number {
  const shell = tmux("display-message", "-p", "#{pane_pid}").trim();
  const children = execFileSync("pgrep", ["-P", shell], { encoding: "utf8" }).trim().split("\n");
  return Number(children.at(-1));
}

async function isRestored(): Promise<void> {
  await sees("earlier screen");
  // The prompt is last again once the program has ended; before, it would take what is typed.
  await sees(/shell>\s*$/);
  expect(capture()).not.toContain("Versions 1 of 40");
  expect(tmux("display-message", "-p", "#{alternate_on} #{cursor_flag}").trim()).toBe("0 1");
  send("stty -a | grep -c ' echo '", "Enter");
  await sees(/^1$/m);
}

describe.skipIf(!hasTmux)("R6.3 full screen in a terminal", () => {
  beforeAll(async () => {
    await build({
      entryPoints: [join(ROOT, "test", "support", "tui", "open-screen.ts")],
      outdir: dirname(PROGRAM),
      bundle: true,
      // As in the real build: what is imported lazily must stay lazy, or ink is loaded too early.
      splitting: true,
      platform: "node",
      format: "esm",
      packages: "external",
      jsx: "automatic",
      logLevel: "silent",
    });
  });
  afterEach(() => {
    spawnSync("tmux", ["-L", socket, "kill-server"]);
  });

  it("gives the earlier screen back after q, with CI set", async () => {
    openShell(100, 30);
    start();
    await sees("Versions 1 of 40");
    send("q");
    await sees("left by the person");
    await isRestored();
  });

  it.each([
    ["TERM", 143],
    ["HUP", 129],
  ])("gives it back on SIG%s", async (signal, exit) => {
    openShell(100, 30);
    start();
    await sees("Versions 1 of 40");
    process.kill(programId(), `SIG${signal}` as NodeJS.Signals);
    await sees("shell>");
    send("echo code $?", "Enter");
    await sees(`code ${exit}`);
    await isRestored();
  });

  it("gives it back on Ctrl-C and when something throws", async () => {
    openShell(100, 30);
    start();
    await sees("Versions 1 of 40");
    send("C-c");
    await isRestored();
    start("throw");
    await sees("Error: made to fail");
    await isRestored();
  });

  it("suspends on Ctrl-Z and draws again on fg", async () => {
    openShell(100, 30);
    start();
    await sees("Versions 1 of 40");
    send("C-z");
    await sees("Stopped");
    expect(capture()).toContain("earlier screen");
    send("fg", "Enter");
    await sees("Versions 1 of 40");
    send("j");
    await sees("Versions 2 of 40");
    send("q");
    await isRestored();
  });

  it("follows the terminal's size", async () => {
    openShell(100, 30);
    start();
    await sees("Versions 1 of 40");
    for (const [columns, rows] of [
      [60, 15],
      [200, 60],
      [50, 40],
      [100, 30],
    ] as const) {
      tmux("resize-window", "-x", `${columns}`, "-y", `${rows}`);
      await expect
        .poll(
          () => {
            const lines = capture().split("\n");
            const right = Math.max(...lines.map((line) => line.trimEnd().length));
            return [
              lines[0]?.trim().startsWith("made-up"),
              right,
              lines.findLastIndex((line) => line.trim() !== "") + 1,
            ];
          },
          { timeout: 10_000, interval: 50 },
        )
        .toEqual([true, columns, rows - 1]);
    }
    send("q");
    await isRestored();
  });

  it("shows a real repository by `ingot log -i`", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ingot-tui-"));
    try {
      const bin = join(ROOT, "bin", "ingot.js");
      const base = join(ROOT, "demo", "base-digits");
      execFileSync("node", [bin, "-C", folder, "init", "--base", base], { stdio: "ignore" });
      openShell(100, 30);
      send(`node ${bin} -C ${folder} log -i`, "Enter");
      await sees(/Versions 1 of 1[\s\S]*@ +v0 +main/);
      send("d");
      await sees("v0 has no parent");
      send("q");
      await isRestored();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("never wipes the scrollback and writes nothing while idle", async () => {
    openShell(100, 30);
    tmux("pipe-pane", "-o", `cat > ${PROGRAM}.bytes`);
    start();
    await sees("accuracy");
    send("j", "j", "G", "g", "d");
    await sees("from ");
    const size = (): string => execFileSync("wc", ["-c", `${PROGRAM}.bytes`], { encoding: "utf8" });
    await expect
      .poll(
        async () => {
          const before = size();
          await new Promise((done) => setTimeout(done, 1000));
          return size() === before;
        },
        { timeout: 10_000 },
      )
      .toBe(true);
    const bytes = execFileSync("cat", [`${PROGRAM}.bytes`], { encoding: "latin1" });
    expect(bytes).not.toMatch(/\x1b\[[23]J/);
  });
});
