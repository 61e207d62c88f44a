import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The real program, as a user starts it; `npm run build` made what it loads. INGOT_TEST_BIN names another build. */
const BIN = process.env.INGOT_TEST_BIN ?? fileURLToPath(new URL("../../bin/ingot.js", import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
  readonly err: string;
}

/** A fresh folder of its own for one test, removed by the returned function. */
export function temporaryFolder(): { readonly folder: string; remove(): void } {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ingot-test-"));
  return { folder, remove: () => fs.rmSync(folder, { recursive: true, force: true }) };
}

/** Starts `ingot ARGS` in a folder with settings of its own and no terminal. */
export function startIngot(
  cwd: string,
  args: readonly string[],
): { readonly child: ChildProcess; readonly outcome: Promise<Outcome> } {
  const env = { ...process.env, INGOT_HOME: path.join(cwd, ".home"), NO_COLOR: "1", INGOT_PAGER: "" };
  const child = spawn(process.execPath, [BIN, ...args], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout.on("data", (data) => {
    out += data;
  });
  child.stderr.on("data", (data) => {
    err += data;
  });
  const outcome = new Promise<Outcome>((resolve) =>
    child.on("close", (code, signal) => resolve({ code, signal, out, err })),
  );
  return { child, outcome };
}

/** Runs `ingot ARGS`; throws with both outputs where it does not end with `expect`. */
export async function ingot(cwd: string, args: readonly string[], expect = 0): Promise<Outcome> {
  const outcome = await startIngot(cwd, args).outcome;
  if (outcome.code !== expect)
    throw new Error(
      `ingot ${args.join(" ")}: exit ${outcome.code}, expected ${expect}\n${outcome.out}\n${outcome.err}`,
    );
  return outcome;
}

/** The one JSON value of `ingot ARGS --json`. */
export async function ingotJson<T>(cwd: string, args: readonly string[], expect = 0): Promise<T> {
  return JSON.parse((await ingot(cwd, [...args, "--json"], expect)).out) as T;
}

/** The JSON lines of `ingot ARGS --json`. */
export async function ingotEvents<T extends { readonly event: string }>(
  cwd: string,
  args: readonly string[],
  expect = 0,
): Promise<readonly T[]> {
  const { out } = await ingot(cwd, [...args, "--json"], expect);
  return out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as T);
}

/** Ids by full ref name, HEAD included. */
export async function refsOf(cwd: string): Promise<ReadonlyMap<string, string>> {
  const { refs } = await ingotJson<{ refs: readonly { name: string; id: string }[] }>(cwd, ["show-ref"]);
  return new Map(refs.map(({ name, id }) => [name, id]));
}
