import type { CanonicalValue } from "../../src/base/canonical.ts";

/** How a vector writes a value: JSON, with bytes as `{"$bytes": "<hex>"}`. */
export type Noted = boolean | number | string | readonly Noted[] | { readonly [key: string]: Noted };

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

export function bytesOf(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex"));
}

/** A value as a vector writes it. */
export function note(value: CanonicalValue): Noted {
  if (value instanceof Uint8Array) return { $bytes: hexOf(value) };
  if (Array.isArray(value)) return value.map(note);
  if (typeof value !== "object") return value as Noted;
  const noted: Record<string, Noted> = Object.create(null);
  for (const [key, inner] of Object.entries(value)) noted[key] = note(inner as CanonicalValue);
  return noted;
}

/** The value that a vector writes. */
export function read(noted: Noted): CanonicalValue {
  if (Array.isArray(noted)) return noted.map(read);
  if (typeof noted !== "object") return noted as CanonicalValue;
  const entries = Object.entries(noted);
  const [first] = entries;
  if (first !== undefined && entries.length === 1 && first[0] === "$bytes") return bytesOf(first[1] as string);
  const value: Record<string, CanonicalValue> = Object.create(null);
  for (const [key, inner] of entries) value[key] = read(inner as Noted);
  return value;
}
