import { IngotError } from "../base/errors.ts";
import { hashBytes } from "../base/hash.ts";

/** The file `format`: what a program must know to read or write the repository; `objects-spec/repository.md`. */
export interface RepositoryFormat {
  /** Random, shared by clones: 32 digits of hex. */
  readonly id: string;
  /** False where a newer program is needed to write. */
  readonly writable: boolean;
}

export const FORMAT_KEY = "format";
const VERSION = 1;
const ID = /^[0-9a-f]{32}$/;
const MAX_BYTES = 4096;

/** Text of the format file of a new repository. */
export function encodeFormat(id: string): Uint8Array {
  if (!ID.test(id))
    throw new IngotError("input.format", `'${id.slice(0, 40)}' is not the id of a repository`);
  const body = `ingot ${VERSION} blake3\nrepository ${id}\nreader ${VERSION}\nwriter ${VERSION}\n`;
  return Buffer.from(`${body}check ${checkOf(body)}\n`);
}

function checkOf(body: string): string {
  return hashBytes(Buffer.from(body, "latin1")).slice(0, 16);
}

/** Reads a format file. Throws `input.version` where this program must not read the repository, `input.format` where it is none. */
export function decodeFormat(bytes: Uint8Array, location: string): RepositoryFormat {
  const refuse = (what: string) =>
    new IngotError("input.version", `the repository in '${location}' ${what}`, {
      hint: "upgrade ingot",
      data: { where: `${location}/${FORMAT_KEY}` },
    });
  const bad = (what: string) =>
    new IngotError("input.format", `the format file of '${location}' ${what}`, {
      hint: "take it from a copy of the repository",
      data: { where: `${location}/${FORMAT_KEY}` },
    });
  if (bytes.length > MAX_BYTES) throw bad("is too long");
  const text = Buffer.from(bytes).toString("latin1");
  const [first = "", ...lines] = text.split("\n");
  const version = /^ingot ([0-9]{1,9}) ([a-z0-9]+)$/.exec(first);
  if (version === null) throw bad("does not start with 'ingot'");
  if (Number(version[1]) !== VERSION) throw refuse(`has format ${version[1]}`);
  if (version[2] !== "blake3") throw refuse(`uses the hash '${version[2]}'`);
  const checkAt = text.lastIndexOf("check ");
  if (checkAt < 0 || text.slice(checkAt) !== `check ${checkOf(text.slice(0, checkAt))}\n`)
    throw bad("does not match its check");
  const facts = new Map(
    lines
      .filter((line) => line !== "")
      .map((line) => [line.split(" ", 1)[0] as string, line.slice(line.indexOf(" ") + 1)]),
  );
  if (facts.has("require")) throw refuse(`requires '${facts.get("require")?.slice(0, 40)}'`);
  const id = facts.get("repository") ?? "";
  if (!ID.test(id)) throw bad("names no repository id");
  const level = (key: string): number =>
    /^[0-9]{1,9}$/.test(facts.get(key) ?? "") ? Number(facts.get(key)) : Number.POSITIVE_INFINITY;
  if (level("reader") > VERSION) throw refuse("needs a newer program to read");
  return { id, writable: level("writer") <= VERSION };
}
