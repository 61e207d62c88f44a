/** One text for one plain value, whatever the order of its keys; for comparing, never for hashing. */
export function canonicalText(value: unknown): string {
  if (value === undefined) return "";
  return JSON.stringify(value, (_, inner) => {
    if (inner instanceof Uint8Array) return Buffer.from(inner).toString("hex");
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(
      Object.entries(inner as Record<string, unknown>).sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  });
}
