// Bundles the bench (it reads the sources) and runs it in a process of its own.
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const folder = path.join(root, "node_modules", ".cache", "ingot-bench");
const file = path.join(folder, "train.mjs");
mkdirSync(folder, { recursive: true });
await build({
  entryPoints: [path.join(root, "bench/train.ts")],
  outfile: file,
  bundle: true,
  platform: "node",
  format: "esm",
  packages: "external",
  logLevel: "error",
});
const { status } = spawnSync(process.execPath, [file, ...process.argv.slice(2)], { stdio: "inherit" });
rmSync(folder, { recursive: true, force: true });
process.exit(status ?? 1);
