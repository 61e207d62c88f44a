import { IngotError, redact } from "../base/errors.ts";

/** Where a remote is. Folders on a disk so far; the other schemes are known so that they are never taken for a folder. */
export interface Address {
  readonly kind: "directory";
  readonly path: string;
}

const SCHEME = /^([a-z][a-z0-9+.-]+):/i;
const CONTROL = /[\u0000-\u001f\u007f]/;

/**
 * Reads the address of a remote. Throws `remote.address` for everything but a plain path: other schemes, options
 * (`-oProxyCommand`), programs (`ext::`), control characters.
 */
export function parseAddress(text: string): Address {
  if (text === "") throw refuse(text, "is empty");
  if (CONTROL.test(text)) throw refuse(text, "holds a control character");
  if (text.startsWith("-")) throw refuse(text, "starts with '-'");
  const scheme = SCHEME.exec(text)?.[1];
  if (scheme !== undefined)
    throw refuse(text, `has the scheme '${scheme.toLowerCase()}', which this version cannot reach`);
  return { kind: "directory", path: text };
}

function refuse(text: string, why: string): IngotError {
  return new IngotError("remote.address", `the address '${redact(text).slice(0, 200)}' ${why}`, {
    hint: "give the path of a folder that holds a repository",
  });
}
