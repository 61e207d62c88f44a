import { spawn } from "node:child_process";
import { join } from "node:path";

const BIN = join(import.meta.dirname, "..", "bin", "ingot.js");

/**
 * A function that runs one `ingot` command as a user would type it: echoes the line, shows its output, and throws when
 * the exit code is another than expected. A last argument `{exit, lines}` names the code and how many lines of the output are shown.
 */
export function spawnIngot({ cwd, env, paint }) {
  const start = (args, stdio) =>
    spawn(process.execPath, [BIN, ...args], { cwd, env: { ...process.env, ...env }, stdio });

  const ingot = async (...words) => {
    const options = typeof words.at(-1) === "object" ? words.pop() : {};
    console.log(`${paint(36, "$")} ${paint(1, ["ingot", ...words.map(quote)].join(" "))}`);
    const child = start(words, ["ignore", options.lines === undefined ? "inherit" : "pipe", "inherit"]);
    const [code, output] = await Promise.all([
      exitCode(child),
      options.lines === undefined ? "" : text(child.stdout),
    ]);
    if (options.lines !== undefined) console.log(clip(output, options.lines));
    expectExit(words, code, options.exit ?? 0);
  };

  /** Runs `ingot ARGS --json` unseen and gives its value. */
  ingot.json = async (...words) => {
    const child = start([...words, "--json"], ["ignore", "pipe", "inherit"]);
    const [code, output] = await Promise.all([exitCode(child), text(child.stdout)]);
    expectExit(words, code, 0);
    return JSON.parse(output);
  };
  return ingot;
}

function expectExit(words, code, expected) {
  if (code !== expected) throw new Error(`'ingot ${words.join(" ")}' ended with ${code}, not ${expected}`);
}

function exitCode(child) {
  return new Promise((done, fail) => {
    child.on("error", fail);
    child.on("close", (code, signal) => done(code ?? signal));
  });
}

async function text(stream) {
  let all = "";
  for await (const chunk of stream.setEncoding("utf8")) all += chunk;
  return all;
}

function clip(output, most) {
  const lines = output.trimEnd().split("\n");
  return lines.length <= most
    ? lines.join("\n")
    : [...lines.slice(0, most), `  ... ${lines.length - most} lines more`].join("\n");
}

function quote(word) {
  return /^[A-Za-z0-9_./:@=,+-]+$/.test(word) ? word : JSON.stringify(word);
}
