import path from "node:path";
import { bug, IngotError } from "../../base/errors.ts";
import { assertName } from "../../base/names.ts";
import { type Oid, oidToBytes } from "../../base/oid.ts";
import { bytesSource } from "../../base/ports.ts";
import type { DatasetRecord, Plain } from "../../objects/records.ts";
import type { WriteSession } from "../../repo/repository.ts";
import { openUserFile, type UserFile, userPathKind } from "../../storage/files.ts";
import { listUserFolder } from "../../storage/user-folder.ts";
import { type ColumnNames, readExamples } from "../../text/dataset-file.ts";
import type { Context } from "../context.ts";
import { readIds } from "../id-lists.ts";
import { countTokens } from "./count-tokens.ts";
import { registeredDatasets } from "./registry.ts";

export interface DataAddOptions {
  /** Files and folders; `-` is what `stdin` gives. */
  readonly paths: readonly string[];
  /** All of standard input. */
  readonly stdin?: () => Promise<Uint8Array>;
  readonly name?: string | undefined;
  readonly as?: string | undefined;
  /** A share of the rows, a file of held-out rows, or none; by default a tenth where there are 50 examples or more. */
  readonly heldOut?: string | undefined;
  readonly dedupe?: boolean;
  readonly skipBad?: boolean;
  readonly columns?: ColumnNames;
}

export interface DataAddResult {
  readonly dataset: Oid;
  readonly name: string;
  readonly version: number;
  readonly format: string;
  readonly examples: number;
  readonly heldOut: number;
  /** Rows that repeat an earlier row of the same dataset. */
  readonly duplicates: number;
  readonly skipped: number;
  /** Tokens by the tokenizer of the base that HEAD stands on; absent where there is none. */
  readonly tokens?: number;
  readonly longest?: number;
  readonly files: readonly {
    readonly path: string;
    readonly id: Oid;
    readonly sizeBytes: number;
    readonly known: boolean;
  }[];
  /** Datasets that hold some of these examples already. */
  readonly seen: readonly { readonly name: string; readonly dataset: Oid; readonly examples: number }[];
  /** True where the very same dataset was registered under this name before. */
  readonly unchanged: boolean;
}

/** Examples from which a tenth is held out by default. */
const HOLD_OUT_FROM = 50;
const HOLD_OUT_EVERY = 10n;

interface ReadFile {
  readonly ids: readonly Oid[];
  readonly format: string;
  readonly skipped: number;
}

/** Registers files as a version of a dataset: bytes as they are, an id for every example, what is known already told. */
export async function addData(context: Context, options: DataAddOptions): Promise<DataAddResult> {
  const repo = await context.openRepository();
  const files = options.paths.flatMap((p) =>
    p === STDIN && options.stdin !== undefined
      ? [{ open: openInput(options.stdin), path: STDIN_NAME }]
      : filesOf(path.resolve(context.cwd, p), p),
  );
  const name = assertedName(options.name ?? defaultName(options.paths[0] ?? bug("no path")));
  const heldOutFile =
    options.heldOut !== undefined && userPathKind(path.resolve(context.cwd, options.heldOut)) === "file"
      ? path.resolve(context.cwd, options.heldOut)
      : undefined;
  const every = heldOutFile === undefined ? holdOutEvery(options.heldOut) : undefined;

  const session = await repo.begin();
  try {
    const stored: { path: string; id: Oid; sizeBytes: number; known: boolean }[] = [];
    const read: ReadFile[] = [];
    for (const file of files) {
      const result = await storeFile(session, file, options);
      stored.push(result.stored);
      read.push(result.read);
    }
    const formats = new Set(read.map((r) => r.format));
    if (formats.size > 1)
      throw new IngotError("input.format", `the files have different formats: ${[...formats].join(", ")}`, {
        hint: "add them as datasets of their own",
      });
    const all = read.flatMap((r) => r.ids);
    const distinct = new Set(all);
    const rows = options.dedupe === true ? [...distinct] : all;
    let train: readonly Oid[] = rows;
    let heldOut: readonly Oid[] = [];
    if (heldOutFile !== undefined) {
      const file = {
        open: () => openUserFile(heldOutFile),
        path: `heldout/${path.basename(heldOutFile)}`,
      };
      const result = await storeFile(session, file, options);
      stored.push(result.stored);
      heldOut = result.read.ids;
    } else if (every !== undefined && (options.heldOut !== undefined || rows.length >= HOLD_OUT_FROM)) {
      train = rows.filter((id) => !isHeldOut(id, every));
      heldOut = [...new Set(rows.filter((id) => isHeldOut(id, every)))];
    }
    if (train.length === 0)
      throw new IngotError("input.format", "no training example is left", {
        hint: "hold out less with --eval",
        data: { where: options.paths.join(", ") },
      });

    const entries = stored
      .map((f) => ({ path: f.path, blob: f.id, sizeBytes: f.sizeBytes }))
      .sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
    const tree = await session.putRecord({ kind: "tree", entries });
    const readOptions: Record<string, Plain> = {};
    if (options.as !== undefined) readOptions.as = options.as;
    if (options.columns !== undefined && Object.keys(options.columns).length > 0)
      readOptions.columns = options.columns as Plain;
    if (options.skipBad === true) readOptions.skip_bad = true;
    const record: DatasetRecord = {
      kind: "dataset",
      format: read[0]?.format ?? bug("no file"),
      tree,
      options: readOptions,
      train: await session.putBytes(joinIds(train)),
      ...(heldOut.length === 0 ? {} : { heldOut: await session.putBytes(joinIds(heldOut)) }),
    };
    const refs = await repo.refs();
    const seen = [];
    for (const other of registeredDatasets(refs)) {
      const known = await repo.readRecord(other.oid, "dataset");
      const ids = new Set<string>([
        ...(await readIds(repo, known.train)),
        ...(await readIds(repo, known.heldOut)),
      ]);
      const shared = [...distinct].filter((id) => ids.has(id)).length;
      if (shared > 0)
        seen.push({ name: `${other.name}:v${other.version}`, dataset: other.oid, examples: shared });
    }
    const dataset = await session.putRecord(record);
    const before = registeredDatasets(refs).filter((d) => d.name === name);
    const same = before.find((d) => d.oid === dataset);
    const version = same?.version ?? (before.at(-1)?.version ?? 0) + 1;
    if (same === undefined) {
      await session.publish((now) => {
        const newest =
          registeredDatasets(now)
            .filter((d) => d.name === name)
            .at(-1)?.version ?? 0;
        if (newest + 1 !== version)
          throw new IngotError("conflict.ref", `dataset '${name}' was added by somebody else meanwhile`, {
            hint: "run the command again",
          });
        return {
          command: context.commandLine,
          edits: [{ ref: `data/${name}/v${version}`, new: { oid: dataset } }],
        };
      });
    } else {
      await session.abort();
    }
    const tokens = await countTokens(context, dataset);
    return {
      dataset,
      name,
      version,
      format: record.format,
      examples: train.length,
      heldOut: heldOut.length,
      duplicates: all.length - distinct.size,
      skipped: read.reduce((sum, r) => sum + r.skipped, 0),
      ...tokens,
      files: stored,
      seen,
      unchanged: same !== undefined,
    };
  } catch (error) {
    await session.abort();
    throw error;
  }
}

/** A file to add, and the path that it gets in the dataset's tree. */
interface NewFile {
  readonly path: string;
  open(): Promise<UserFile>;
}

const STDIN = "-";
/** What standard input is stored as; its kind is told by its first bytes. */
const STDIN_NAME = "stdin";

function openInput(read: () => Promise<Uint8Array>): NewFile["open"] {
  return async () => ({
    ...bytesSource(await read()),
    path: STDIN_NAME,
    assertUnchanged: async () => {},
    close: async () => {},
  });
}

function filesOf(target: string, given: string): readonly NewFile[] {
  const kind = userPathKind(target);
  if (kind === undefined)
    throw new IngotError("file.missing", `no file '${given}'`, {
      hint: "check the path",
      data: { where: target },
    });
  if (kind === "file") return [{ open: () => openUserFile(target), path: path.basename(target) }];
  const inside = listUserFolder(target).map((f) => ({
    open: () => openUserFile(path.join(target, f.path)),
    path: f.path,
  }));
  if (inside.length === 0)
    throw new IngotError("input.format", `'${given}' holds no files`, {
      hint: "give a file, or a folder with files in it",
      data: { where: target },
    });
  return inside;
}

/** Name of a file without its ending, with what a ref name cannot hold replaced. */
function defaultName(file: string): string {
  const stem = path.basename(file).replace(/(\.(jsonl?|csv|tsv|txt|md|safetensors|parquet))?(\.gz)?$/i, "");
  return stem.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[-.]+/, "") || "data";
}

function assertedName(name: string): string {
  assertName(name, "typed");
  return name;
}

function holdOutEvery(option: string | undefined): bigint | undefined {
  if (option === undefined) return HOLD_OUT_EVERY;
  if (option === "none") return undefined;
  const share = Number(option);
  if (!(share > 0 && share < 1))
    throw new IngotError("usage.flag", `--eval is '${option}'`, {
      hint: "give a share between 0 and 1, a file of held-out rows, or none",
    });
  return BigInt(Math.max(2, Math.round(1 / share)));
}

/** Held out: ids whose first 8 bytes, as a big-endian number, are a multiple of `every`; the same example always falls the same way. */
function isHeldOut(id: Oid, every: bigint): boolean {
  return BigInt(`0x${id.slice(0, 16)}`) % every === 0n;
}

function joinIds(ids: readonly Oid[]): Uint8Array {
  const bytes = new Uint8Array(ids.length * 32);
  ids.forEach((id, i) => {
    bytes.set(oidToBytes(id), i * 32);
  });
  return bytes;
}

async function storeFile(
  session: WriteSession,
  file: NewFile,
  options: DataAddOptions,
): Promise<{ stored: { path: string; id: Oid; sizeBytes: number; known: boolean }; read: ReadFile }> {
  const source = await file.open();
  try {
    const ids: Oid[] = [];
    let format = "";
    let skipped = 0;
    const readOptions = {
      ...(options.as === undefined ? {} : { as: options.as }),
      ...(options.columns === undefined ? {} : { columns: options.columns }),
      skipBad: options.skipBad === true,
      onSkip: () => void skipped++,
    };
    for await (const example of readExamples(source, path.basename(file.path), readOptions)) {
      ids.push(example.id);
      format = example.format;
    }
    const { oid, sizeBytes, known } = await session.putSource(source);
    await source.assertUnchanged();
    return { stored: { path: file.path, id: oid, sizeBytes, known }, read: { ids, format, skipped } };
  } finally {
    await source.close();
  }
}
