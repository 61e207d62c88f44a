import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const dist = path.join(root, "dist");
const { version } = JSON.parse(await readFile(path.join(root, "package.json"), "utf8"));

/** Stays outside: native code, and what only a developer of ink has. */
const EXTERNAL = ["onnxruntime-node", "@napi-rs/blake-hash", "react-devtools-core"];

/** WebAssembly that its package reads beside its own file: laid beside the bundle, where the banner's `__dirname` points. */
const WASM = [
  path.join(path.dirname(require.resolve("blake3")), "wasm/nodejs/blake3_js_bg.wasm"),
  path.join(path.dirname(require.resolve("@bokuweb/zstd-wasm")), "zstd.wasm"),
];

/** `createRequire(import.meta.url)("x")` is how the sources load a CommonJS package lazily; bundled, it is a plain `require`. */
const bundleRequires = {
  name: "bundle-requires",
  setup(esbuild) {
    esbuild.onLoad({ filter: /[\\/]src[\\/].*\.tsx?$/ }, async ({ path: file }) => {
      const source = await readFile(file, "utf8");
      if (!source.includes("createRequire(import.meta.url)(")) return undefined;
      const contents = source.replace(/createRequire\(import\.meta\.url\)\(/g, "require(");
      return { contents, loader: file.endsWith("x") ? "tsx" : "ts" };
    });
  },
};

/** msgpackr's and ws's native helpers are optional: pure JavaScript does the same. */
const leaveOutNative = {
  name: "leave-out-native",
  setup(esbuild) {
    esbuild.onResolve({ filter: /^(msgpackr-extract|bufferutil|utf-8-validate)$/ }, ({ path: name }) => ({
      path: name,
      namespace: "left-out",
    }));
    esbuild.onLoad({ filter: /.*/, namespace: "left-out" }, ({ path: name }) => ({
      contents: `throw new Error(${JSON.stringify(`${name} is left out`)});`,
      loader: "js",
    }));
  },
};

await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });
const result = await build({
  absWorkingDir: root,
  entryPoints: { cli: "src/cli/main.ts", index: "src/index.ts", engine: "src/cli/engine.ts" },
  outdir: dist,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  minify: true,
  keepNames: false,
  legalComments: "linked",
  metafile: true,
  logLevel: "warning",
  external: EXTERNAL,
  plugins: [bundleRequires, leaveOutNative],
  define: { INGOT_VERSION: JSON.stringify(version), "process.env.NODE_ENV": '"production"' },
  chunkNames: "chunk-[hash]",
  banner: {
    js: 'import{createRequire as __ingotRequire}from"node:module";const require=__ingotRequire(import.meta.url),__dirname=import.meta.dirname;',
  },
});
for (const file of WASM) await copyFile(file, path.join(dist, path.basename(file)));
await writeNotices(Object.keys(result.metafile.inputs));
// Declarations take ten times as long as the bundle: made for the package, and when asked for.
const isForPackage = process.env.npm_command === "pack" || process.env.npm_command === "publish";
if (isForPackage || process.argv.includes("--types")) await writeTypes();

/** Licence texts of what the bundle contains. */
async function writeNotices(inputs) {
  const packages = new Set(
    inputs.map((input) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1]).filter(Boolean),
  );
  const parts = [];
  for (const name of [...packages].sort()) {
    const folder = path.join(root, "node_modules", name);
    const { version: packageVersion, license } = JSON.parse(
      await readFile(path.join(folder, "package.json"), "utf8"),
    );
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    parts.push(
      `${name} ${packageVersion} (${license})\n\n${file === undefined ? "" : await readFile(path.join(folder, file), "utf8")}`,
    );
  }
  await writeFile(path.join(dist, "NOTICES.txt"), parts.join(`\n${"-".repeat(80)}\n\n`));
}

/** Declarations of the public library. */
async function writeTypes() {
  const { spawnSync } = await import("node:child_process");
  const tsc = path.join(path.dirname(require.resolve("typescript/package.json")), "bin", "tsc");
  const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], {
    cwd: root,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`declarations: ${stdout}`);
  const types = path.join(dist, "types");
  for (const entry of await readdir(types, { recursive: true })) {
    if (!entry.endsWith(".d.ts")) continue;
    const file = path.join(types, entry);
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace(/(\bfrom |\bimport\()"(\.{1,2}\/[^"]+)\.tsx?"/g, '$1"$2.js"'));
  }
}
