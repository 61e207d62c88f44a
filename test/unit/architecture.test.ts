import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** What each folder of src may import besides itself. A whole name is a folder, one with a dot a single file. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  base: [],
  objects: ["base"],
  onnx: ["base"],
  storage: ["base"],
  autodiff: ["base", "onnx"],
  runtime: ["base", "onnx"],
  text: ["base", "onnx"],
  repo: ["base", "objects", "storage"],
  remotes: ["base", "objects", "storage", "repo"],
  generate: ["base", "onnx", "runtime", "text"],
  train: ["base", "onnx", "autodiff", "runtime", "text", "generate"],
  commands: [
    "base",
    "objects",
    "onnx",
    "storage",
    "autodiff",
    "runtime",
    "text",
    "repo",
    "remotes",
    "generate",
    "train",
  ],
  // The faces draw the events of a training: their types, nothing that runs.
  tui: ["base", "commands", "train/events.ts"],
  cli: ["base", "commands", "train/events.ts", "tui/main.ts"],
};

/** Packages (or modules of Node) with one owner. */
const OWNERS: readonly (readonly [pattern: RegExp, owner: RegExp, why: string])[] = [
  [/^(node:)?fs(\/promises)?$|^fs-extra$/, /^storage\//, "files are read and written in storage/ alone"],
  [/^blake3$|^@napi-rs\/blake-hash$/, /^base\/hash\.ts$/, "one place computes ids"],
  [/^msgpackr/, /^base\/canonical\.ts$/, "one place decodes records"],
  [/^onnxruntime-node$/, /^runtime\//, "one folder talks to the native runtime"],
  [/^(ink|react)(\/|$)/, /^tui\//, "one folder draws screens"],
  [/^isomorphic-git$/, /^(remotes\/git|commands)/, "git is read in few places"],
  [/^yargs/, /^cli\//, "one folder reads argv"],
  [/^(node:)?child_process$/, /^cli\//, "processes are started by the face that owns them"],
];

/** Folders without I/O, clock and randomness. */
const PURE = /^(base|objects|onnx|autodiff)\//;
const IMPURE =
  /\bDate\.now\(|\bMath\.random\(|\bperformance\.now\(|\bcrypto\.getRandomValues\(|\bnew Date\(\)/;
/** The ports' own default implementations. */
const PURE_EXCEPT = new Set(["base/ports.ts"]);

const FACES = /^(cli|tui)\//;
const MAX_LINES = 400;

interface Source {
  /** Relative to src. */
  readonly file: string;
  readonly text: string;
  readonly imports: readonly string[];
}

function* walk(folder: string): Generator<string> {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const at = path.join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(at);
    else if (/\.tsx?$/.test(entry.name)) yield at;
  }
}

const SPECIFIER =
  /(?:\bfrom\s*|\bimport\s*\(\s*|\bimport\s+|createRequire\(import\.meta\.url\)\(\s*|\brequire\(\s*)"([^"]+)"/g;

function readSources(): readonly Source[] {
  return [...walk(path.join(ROOT, "src"))].map((file) => {
    const text = fs.readFileSync(file, "utf8");
    const imports = [...text.matchAll(SPECIFIER)].map((match) => match[1]!);
    return { file: path.relative(path.join(ROOT, "src"), file).replaceAll("\\", "/"), text, imports };
  });
}

const SOURCES = readSources();
const folderOf = (file: string) => file.split("/")[0]!;

describe("architecture", () => {
  it("sees the sources", () => {
    expect(SOURCES.length).toBeGreaterThan(200);
    expect(SOURCES.flatMap(({ imports }) => imports).length).toBeGreaterThan(SOURCES.length);
  });

  it("imports go down only: the table of folders holds", () => {
    const wrong: string[] = [];
    for (const { file, imports } of SOURCES) {
      const folder = folderOf(file);
      if (!file.includes("/")) continue;
      const allowed = ALLOWED[folder];
      for (const specifier of imports.filter((s) => s.startsWith("."))) {
        const target = path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier));
        const ok =
          folderOf(target) === folder ||
          allowed?.some((a) => (a.includes(".") ? a === target : a === folderOf(target)));
        if (ok !== true) wrong.push(`${file} -> ${target}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it("no file imports itself, through whatever others", () => {
    const targets = new Map(
      SOURCES.map(({ file, imports }) => [
        file,
        imports
          .filter((s) => s.startsWith("."))
          .map((s) => path.posix.normalize(path.posix.join(path.posix.dirname(file), s))),
      ]),
    );
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (file: string, way: readonly string[]): void => {
      if (way.includes(file)) circles.push([...way.slice(way.indexOf(file)), file].join(" -> "));
      if (way.includes(file) || done.has(file)) return;
      for (const target of targets.get(file) ?? []) visit(target, [...way, file]);
      done.add(file);
    };
    for (const file of targets.keys()) visit(file, []);
    expect(circles).toEqual([]);
  });

  it("relative imports carry the .ts extension", () => {
    const wrong = SOURCES.flatMap(({ file, imports }) =>
      imports.filter((s) => s.startsWith(".") && !/\.tsx?$/.test(s)).map((s) => `${file} -> ${s}`),
    );
    expect(wrong).toEqual([]);
  });

  it.each(OWNERS)("%s has one owner", (pattern, owner, why) => {
    const wrong = SOURCES.filter(
      ({ file, imports }) => !owner.test(file) && imports.some((s) => pattern.test(s)),
    );
    expect(wrong.map(({ file }) => `${file}: ${why}`)).toEqual([]);
  });

  it("base, objects, onnx and autodiff read neither clock nor randomness", () => {
    const wrong = SOURCES.filter(
      ({ file, text }) => PURE.test(file) && !PURE_EXCEPT.has(file) && IMPURE.test(text),
    );
    expect(wrong.map(({ file }) => file)).toEqual([]);
  });

  it("only the faces print or end the process", () => {
    const wrong = SOURCES.filter(
      ({ file, text }) => !FACES.test(file) && /\bconsole\.|process\.(stdout|stderr|exit|argv)\b/.test(text),
    );
    expect(wrong.map(({ file }) => file)).toEqual([]);
  });

  it("there are no barrels and no drawers", () => {
    const barrels = SOURCES.filter(({ file, text }) => {
      const statements = text
        .split("\n")
        .filter((line) => line.trim() !== "" && !/^\s*(\/\/|\/?\*)/.test(line));
      return (
        file !== "index.ts" &&
        statements.length > 1 &&
        statements.every((line) => /^export .* from /.test(line))
      );
    });
    const drawers = SOURCES.filter(({ file }) =>
      /(^|\/)(utils?|helpers?|managers?|misc|common)(\/|\.ts)/.test(file),
    );
    expect([...barrels, ...drawers].map(({ file }) => file)).toEqual([]);
  });

  it(`no file has more than ${MAX_LINES} lines, and names are kebab-case`, () => {
    const long = SOURCES.filter(({ text }) => text.split("\n").length > MAX_LINES).map(
      ({ file, text }) => `${file}: ${text.split("\n").length}`,
    );
    const misnamed = SOURCES.filter(({ file }) => !/^([a-z0-9-]+\/)*[a-z0-9-]+\.tsx?$/.test(file)).map(
      ({ file }) => file,
    );
    expect([...long, ...misnamed]).toEqual([]);
  });
});
