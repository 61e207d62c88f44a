import path from "node:path";
import { IngotError } from "../../base/errors.ts";
import type { Oid } from "../../base/oid.ts";
import { bytesSource } from "../../base/ports.ts";
import type { WriteSession } from "../../repo/repository.ts";
import { openUserFile, type UserFile, userPathKind } from "../../storage/files.ts";
import { listUserFolder } from "../../storage/user-folder.ts";
import { type ColumnNames, readExamples } from "../../text/dataset-file.ts";

/** A file to add, and the path that it gets in the dataset's tree. */
export interface NewFile {
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

/** The file at a path, or the files in the folder there; `-` is what `stdin` gives. Throws `file.missing`. */
export function filesAt(
  cwd: string,
  given: string,
  stdin: (() => Promise<Uint8Array>) | undefined,
): readonly NewFile[] {
  if (given === STDIN && stdin !== undefined) return [{ open: openInput(stdin), path: STDIN_NAME }];
  const target = path.resolve(cwd, given);
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

/** How rows are read. */
interface Reading {
  readonly as?: string | undefined;
  readonly columns?: ColumnNames | undefined;
  readonly skipBad?: boolean | undefined;
}

/** A file as it was stored and read. */
export interface StoredFile {
  readonly path: string;
  readonly id: Oid;
  readonly sizeBytes: number;
  /** True where the repository held these bytes before. */
  readonly known: boolean;
  /** Ids of its examples, in the order of the rows. */
  readonly ids: readonly Oid[];
  readonly format: string;
  /** Rows left out because they could not be read. */
  readonly skipped: number;
}

/** Reads the examples of a file and stores its bytes as they are. Throws `input.changed` where they changed meanwhile. */
export async function storeFile(session: WriteSession, file: NewFile, reading: Reading): Promise<StoredFile> {
  const source = await file.open();
  try {
    const ids: Oid[] = [];
    let format = "";
    let skipped = 0;
    const options = {
      ...(reading.as === undefined ? {} : { as: reading.as }),
      ...(reading.columns === undefined ? {} : { columns: reading.columns }),
      skipBad: reading.skipBad === true,
      onSkip: () => void skipped++,
    };
    for await (const example of readExamples(source, path.basename(file.path), options)) {
      ids.push(example.id);
      format = example.format;
    }
    const { oid, sizeBytes, known } = await session.putSource(source);
    await source.assertUnchanged();
    return { path: file.path, id: oid, sizeBytes, known, ids, format, skipped };
  } finally {
    await source.close();
  }
}
