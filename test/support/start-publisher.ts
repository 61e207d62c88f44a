import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import { buildSync } from "esbuild";

const root = path.resolve(import.meta.dirname, "../..");
const bundle = path.join(root, "node_modules/.cache/ingot-test/publisher.mjs");

/** Bundles the publisher, so that a bare node can run it. */
export function bundlePublisher(): void {
  buildSync({
    entryPoints: [path.join(root, "test/support/publisher.ts")],
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    outfile: bundle,
    logLevel: "error",
  });
}

export interface Publisher {
  readonly child: ChildProcess;
  /** Number of commits that were acknowledged so far. */
  acknowledged(): number;
  /** Settles when it ended, with its exit code or signal. */
  readonly ended: Promise<number | string>;
}

export interface PublisherOptions {
  readonly place: string;
  readonly branch: string;
  readonly count: number;
  readonly durability: "full" | "none";
}

export function startPublisher({ place, branch, count, durability }: PublisherOptions): Publisher {
  const child = spawn(process.execPath, [bundle, place, branch, String(count), durability], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  const ended = new Promise<number | string>((resolve) =>
    child.on("close", (code, signal) => resolve(signal ?? code ?? 0)),
  );
  return { child, ended, acknowledged: () => text.split("\n").length - 1 };
}
