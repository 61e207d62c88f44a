import { IngotError } from "./errors.ts";
import { LIMITS } from "./limits.ts";

/**
 * The one validator of paths inside trees. What it refuses is refused on every system, because a tree made on one is
 * written on another: names that Windows, macOS or a tool reads as something else.
 */

const ASCII = /^[\u0000-\u007f]*$/;
const LONE_SURROGATE = /\p{Surrogate}/u;
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
const SPECIAL = /[\\:<>"|?*]/;
const DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3])$/;
const METADATA = /^(\.ingot|\.git|(ingot|git)~[0-9]+)$/;

/** Code points that some file systems or programs drop from names; a fixed list, so that every version agrees. */
const IGNORED: readonly (readonly [first: number, last: number])[] = [
  [0x00ad, 0x00ad],
  [0x034f, 0x034f],
  [0x061c, 0x061c],
  [0x115f, 0x1160],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x200b, 0x200f],
  [0x202a, 0x202e],
  [0x2060, 0x206f],
  [0x3164, 0x3164],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff0, 0xfff8],
  [0x1bca0, 0x1bca3],
  [0x1d173, 0x1d17a],
  [0xe0000, 0xe0fff],
];

function isIgnored(character: string): boolean {
  const code = character.codePointAt(0) as number;
  return IGNORED.some(([first, last]) => code >= first && code <= last);
}

function dropIgnored(text: string): string {
  return [...text].filter((character) => !isIgnored(character)).join("");
}

/**
 * Key under which two paths meet on some file system: compatibility composition, case folding, ignorable code points
 * dropped. `Model.onnx` and `model.onnx`, composed and decomposed letters, sharp s and `ss` fold to one key.
 */
export function foldPath(path: string): string {
  if (ASCII.test(path)) return path.toLowerCase();
  const visible = dropIgnored(path.normalize("NFKC"));
  return visible.toLowerCase().toUpperCase().toLowerCase().normalize("NFKC");
}

/**
 * Checks one relative path of a tree, `/`-separated. Throws `input.path` naming the path and what is wrong with it.
 */
export function assertTreePath(path: string): void {
  const fault = pathFault(path);
  if (fault !== undefined) throw badPath(path, fault);
}

/** Why a text is no path of a tree; undefined where it is one. */
export function pathFault(path: string): string | undefined {
  if (path === "") return "is empty";
  if (LONE_SURROGATE.test(path)) return "holds a lone surrogate";
  if (Buffer.byteLength(path) > LIMITS.pathBytes) return `is longer than ${LIMITS.pathBytes} bytes`;
  if (path.startsWith("/")) return "is absolute";
  for (const part of path.split("/")) {
    const fault = partFault(part);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function partFault(part: string): string | undefined {
  if (part === "") return "has an empty part";
  if (part === "." || part === "..") return `has a part '${part}'`;
  if (Buffer.byteLength(part) > LIMITS.pathPartBytes)
    return `has a part of more than ${LIMITS.pathPartBytes} bytes`;
  if (CONTROL.test(part)) return "holds a control character";
  const special = SPECIAL.exec(part);
  if (special !== null) return `holds '${special[0]}'`;
  if (part.endsWith(".") || part.endsWith(" ")) return "has a part that ends in a dot or a space";
  const folded = foldPath(part).replace(/[. ]+$/, "");
  if (folded === "") return "has a part of nothing but dots and invisible characters";
  if (METADATA.test(folded)) return `has a part that reads as '${folded}'`;
  const stem = (folded.split(".")[0] ?? "").trimEnd();
  if (DEVICE.test(stem)) return `has a part named like the device '${stem}'`;
  return undefined;
}

function badPath(path: string, fault: string, other?: string): IngotError {
  return new IngotError("input.path", `the path '${path.slice(0, 200)}' ${fault}`, {
    hint: "rename the file",
    data: { where: path.slice(0, 200), ...(other === undefined ? {} : { other }) },
  });
}

/**
 * Checks that all paths can lie in one folder on every file system: each by itself, none twice, none that folds to
 * another's key, none that is a folder of another. Throws `input.path`. A tree that fails here is never written to a disk.
 */
export function assertTreePaths(paths: Iterable<string>): void {
  const files = new Map<string, string>();
  const folders = new Map<string, string>();
  for (const path of paths) {
    assertTreePath(path);
    const parts = path.split("/");
    let spelled = "";
    let key = "";
    for (const part of parts.slice(0, -1)) {
      spelled += `${part}/`;
      key += `${foldPath(part)}/`;
      const known = folders.get(key);
      if (known !== undefined && known !== spelled)
        throw badPath(path, `meets '${known}' on some file systems`, known);
      folders.set(key, spelled);
    }
    const fileKey = key + foldPath(parts.at(-1) as string);
    const known = files.get(fileKey);
    if (known === path) throw badPath(path, "stands twice");
    if (known !== undefined) throw badPath(path, `meets '${known}' on some file systems`, known);
    files.set(fileKey, path);
  }
  for (const [key, folder] of folders) {
    const file = files.get(key.slice(0, -1));
    if (file !== undefined) throw badPath(file, `is a file and the folder '${folder}'`, folder);
  }
}
