import { IngotError } from "../base/errors.ts";

const PART = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$/;
const MAX_PARTS = 8;

/** Checks one key before it can become part of a path. Throws `input.path`. */
export function assertKey(key: string): void {
  const parts = key.split("/");
  if (parts.length > MAX_PARTS || !parts.every((part) => PART.test(part) && !part.includes(".."))) {
    throw new IngotError("input.path", `'${key.slice(0, 200)}' is not a storage key`, {
      data: { where: key.slice(0, 200) },
    });
  }
}

/** Checks a prefix: empty, or a folder with its `/` at the end. Throws `input.path`. */
export function assertPrefix(prefix: string): void {
  if (prefix === "") return;
  if (!prefix.endsWith("/"))
    throw new IngotError("input.path", `'${prefix.slice(0, 200)}' is not a folder of keys`);
  assertKey(prefix.slice(0, -1));
}
