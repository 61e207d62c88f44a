import path from "node:path";
import { compareText } from "../../base/canonical.ts";
import { bug, IngotError } from "../../base/errors.ts";
import { assertName } from "../../base/names.ts";
import type { Oid } from "../../base/oid.ts";
import type { Plain } from "../../objects/records.ts";
import type { RefTable, Repository, WriteSession } from "../../repo/repository.ts";
import { openUserFile, userPathKind } from "../../storage/files.ts";
import type { ColumnNames } from "../../text/dataset-file.ts";
import type { Context } from "../context.ts";
import { encodeIds, readIds } from "../id-lists.ts";
import { countTokens } from "./count-tokens.ts";
import { holdOutEvery, type Split, splitHeldOut } from "./held-out.ts";
import { filesAt, type NewFile, type StoredFile, storeFile } from "./new-files.ts";
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
  /** All of them: `train` and `heldOut`. */
  readonly examples: number;
  readonly train: number;
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

/** Registers files as a version of a dataset: bytes as they are, an id for every example, what is known already told. */
export async function addData(context: Context, options: DataAddOptions): Promise<DataAddResult> {
  const repo = await context.openRepository();
  const files = options.paths.flatMap((given) => filesAt(context.cwd, given, options.stdin));
  const name = options.name ?? defaultName(options.paths[0] ?? bug("no path"));
  assertName(name, "typed");
  const heldOutFile = findHeldOutFile(context, options.heldOut);
  // A share that is none is refused before any file is read.
  if (heldOutFile === undefined) holdOutEvery(options.heldOut);

  const session = await repo.begin();
  try {
    const read: StoredFile[] = [];
    for (const file of files) read.push(await storeFile(session, file, options));
    const format = oneFormat(read);
    const all = read.flatMap((file) => file.ids);
    const distinct = new Set(all);
    const rows = options.dedupe === true ? [...distinct] : all;
    const apart = heldOutFile && (await storeFile(session, heldOutFile, options));
    const split =
      apart === undefined ? splitHeldOut(rows, options.heldOut) : { train: rows, heldOut: apart.ids };
    if (split.train.length === 0)
      throw new IngotError("input.format", "no training example is left", {
        hint: "hold out less with --eval",
        data: { where: options.paths.join(", ") },
      });
    const stored = apart === undefined ? read : [...read, apart];
    const dataset = await putDataset(session, { format, stored, split, options });
    const seen = await seenBefore(repo, distinct);
    const registered = await register(context, repo, session, { name, dataset });
    return {
      dataset,
      name,
      ...registered,
      format,
      examples: split.train.length + split.heldOut.length,
      train: split.train.length,
      heldOut: split.heldOut.length,
      duplicates: all.length - distinct.size,
      skipped: read.reduce((sum, file) => sum + file.skipped, 0),
      ...(await countTokens(context, dataset)),
      files: stored.map(({ path: file, id, sizeBytes, known }) => ({ path: file, id, sizeBytes, known })),
      seen,
    };
  } catch (error) {
    await session.abort();
    throw error;
  }
}

/** The file of held-out rows, where the option names one. */
function findHeldOutFile(context: Context, option: string | undefined): NewFile | undefined {
  if (option === undefined) return undefined;
  const file = path.resolve(context.cwd, option);
  if (userPathKind(file) !== "file") return undefined;
  return { open: () => openUserFile(file), path: `heldout/${path.basename(file)}` };
}

/** The format that all files have. Throws `input.format` where they differ. */
function oneFormat(files: readonly StoredFile[]): string {
  const [format, ...others] = new Set(files.map((file) => file.format));
  if (others.length > 0)
    throw new IngotError(
      "input.format",
      `the files have different formats: ${[format, ...others].join(", ")}`,
      {
        hint: "add them as datasets of their own",
      },
    );
  return format ?? bug("no file");
}

interface NewDataset {
  readonly format: string;
  readonly stored: readonly StoredFile[];
  readonly split: Split;
  readonly options: DataAddOptions;
}

async function putDataset(
  session: WriteSession,
  { format, stored, split, options }: NewDataset,
): Promise<Oid> {
  const entries = stored
    .map((file) => ({ path: file.path, blob: file.id, sizeBytes: file.sizeBytes }))
    .sort((a, b) => compareText(a.path, b.path));
  const tree = await session.putRecord({ kind: "tree", entries });
  const readOptions: Record<string, Plain> = {};
  if (options.as !== undefined) readOptions.as = options.as;
  if (options.columns !== undefined && Object.keys(options.columns).length > 0)
    readOptions.columns = options.columns as Plain;
  if (options.skipBad === true) readOptions.skip_bad = true;
  return session.putRecord({
    kind: "dataset",
    format,
    tree,
    options: readOptions,
    train: await session.putBytes(encodeIds(split.train)),
    ...(split.heldOut.length === 0 ? {} : { heldOut: await session.putBytes(encodeIds(split.heldOut)) }),
  });
}

/** Registered datasets that hold some of these examples already. */
async function seenBefore(repo: Repository, examples: ReadonlySet<Oid>): Promise<DataAddResult["seen"]> {
  const seen = [];
  for (const { name, version, oid } of registeredDatasets(await repo.refs())) {
    const known = await repo.readRecord(oid, "dataset");
    const ids = new Set([...(await readIds(repo, known.train)), ...(await readIds(repo, known.heldOut))]);
    const shared = [...examples].filter((id) => ids.has(id)).length;
    if (shared > 0) seen.push({ name: `${name}:v${version}`, dataset: oid, examples: shared });
  }
  return seen;
}

/** Gives a dataset the next version of its name; the version that it has where it is registered so already. */
async function register(
  context: Context,
  repo: Repository,
  session: WriteSession,
  { name, dataset }: { readonly name: string; readonly dataset: Oid },
): Promise<{ readonly version: number; readonly unchanged: boolean }> {
  const versionsOf = (refs: RefTable) => registeredDatasets(refs).filter((d) => d.name === name);
  const nextOf = (refs: RefTable): number => (versionsOf(refs).at(-1)?.version ?? 0) + 1;
  const refs = await repo.refs();
  const same = versionsOf(refs).find((d) => d.oid === dataset);
  if (same !== undefined) {
    await session.abort();
    return { version: same.version, unchanged: true };
  }
  const version = nextOf(refs);
  await session.publish((now) => {
    if (nextOf(now) !== version)
      throw new IngotError("conflict.ref", `dataset '${name}' was added by somebody else meanwhile`, {
        hint: "run the command again",
      });
    return {
      command: context.commandLine,
      edits: [{ ref: `data/${name}/v${version}`, new: { oid: dataset } }],
    };
  });
  return { version, unchanged: false };
}

/** Name of a file without its ending, with what a ref name cannot hold replaced. */
function defaultName(file: string): string {
  const stem = path.basename(file).replace(/(\.(jsonl?|csv|tsv|txt|md|safetensors|parquet))?(\.gz)?$/i, "");
  return stem.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[-.]+/, "") || "data";
}
