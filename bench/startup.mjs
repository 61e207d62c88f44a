#!/usr/bin/env node
// CPU time (user + system) of the verbs that a prompt or a script calls, as a ratio of `node -e 0` in the same run.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROUNDS = Number(process.argv[2] ?? 20);
const BAR = 2.5;
const TICK_MS = 10;
const BIN = fileURLToPath(new URL("../bin/ingot.js", import.meta.url));
const BASE = fileURLToPath(new URL("../demo/base-digits", import.meta.url));

const folder = mkdtempSync(join(tmpdir(), "ingot-bench-"));
const env = { ...process.env, INGOT_HOME: join(folder, ".home"), INGOT_PAGER: "" };

/** CPU of all ended children so far; wall time where the system does not say. */
function childrenMs() {
  try {
    const stat = readFileSync("/proc/self/stat", "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[13]) + Number(fields[14])) * TICK_MS;
  } catch {
    return performance.now();
  }
}

function start(args) {
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: folder, env, encoding: "utf8" });
  if (status !== 0) throw new Error(`${args.join(" ")}: exit ${status}\n${stderr}`);
}

try {
  start([BIN, "init", "--base", BASE]);
  const calls = [
    { name: "node -e 0", args: ["-e", "0"], barred: false },
    { name: "--version", args: [BIN, "--version"], barred: true },
    { name: "status", args: [BIN, "status"], barred: true },
    { name: "log", args: [BIN, "log"], barred: true },
    { name: "rev-parse HEAD", args: [BIN, "rev-parse", "HEAD"], barred: true },
    {
      name: "completion of a revision",
      args: [BIN, "--get-yargs-completions", "ingot", "show", ""],
      barred: true,
    },
    { name: "branch (with yargs)", args: [BIN, "branch"], barred: false },
  ].map((call) => ({ ...call, totalMs: 0 }));
  // In turns, so that a busy moment of the machine hits all alike.
  for (let round = 0; round < ROUNDS; round++) {
    for (const call of calls) {
      const before = childrenMs();
      start(call.args);
      call.totalMs += childrenMs() - before;
    }
  }
  const bare = calls[0].totalMs;
  let failed = 0;
  for (const { name, totalMs, barred } of calls) {
    const ratio = totalMs / bare;
    const verdict = !barred ? "" : ratio <= BAR ? `<= ${BAR}` : `OVER ${BAR}`;
    if (barred && ratio > BAR) failed++;
    console.log(
      `${name.padEnd(26)} ${(totalMs / ROUNDS).toFixed(0).padStart(5)} ms CPU  ${ratio.toFixed(2)} x  ${verdict}`,
    );
  }
  process.exitCode = failed === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
