import { IngotError } from "../base/errors.ts";
import { OID_BYTES, type Oid, oidFromBytes, oidToBytes } from "../base/oid.ts";
import type { Repository } from "../repo/repository.ts";

/** Bytes of one list of ids that are read: some 33 million examples. */
const MAX_BYTES = 1 << 30;

/** The bytes of a blob that lists ids, 32 bytes each. */
export function encodeIds(ids: readonly Oid[]): Uint8Array {
  const bytes = new Uint8Array(ids.length * OID_BYTES);
  ids.forEach((id, i) => {
    bytes.set(oidToBytes(id), i * OID_BYTES);
  });
  return bytes;
}

/**
 * The first `most` ids that a blob lists; none where there is no blob. Throws `integrity.blob` for a length that no list has,
 * `limit.size` for more than is read.
 */
export async function readIds(
  repo: Repository,
  blob: Oid | undefined,
  most = Number.POSITIVE_INFINITY,
): Promise<readonly Oid[]> {
  if (blob === undefined) return [];
  const source = await repo.openObject(blob);
  const count = Math.min(most, countOf(blob, source.sizeBytes));
  if (count * OID_BYTES > MAX_BYTES)
    throw new IngotError("limit.size", `the list '${blob}' holds ${count} ids`, {
      hint: `at most ${MAX_BYTES / OID_BYTES} are read: split the dataset`,
    });
  const bytes = await source.read(0, count * OID_BYTES);
  return Array.from({ length: count }, (_, i) =>
    oidFromBytes(bytes.subarray(i * OID_BYTES, (i + 1) * OID_BYTES)),
  );
}

/** How many ids a blob lists. Throws as `readIds`. */
export async function countIds(repo: Repository, blob: Oid | undefined): Promise<number> {
  return blob === undefined ? 0 : countOf(blob, (await repo.openObject(blob)).sizeBytes);
}

function countOf(blob: Oid, sizeBytes: number): number {
  if (sizeBytes % OID_BYTES === 0) return sizeBytes / OID_BYTES;
  throw new IngotError("integrity.blob", `a list of ids has ${sizeBytes} bytes`, {
    hint: "ingot fsck",
    data: { where: blob },
  });
}
