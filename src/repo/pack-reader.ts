import { IngotError } from "../base/errors.ts";
import { hashBytes } from "../base/hash.ts";
import type { Oid } from "../base/oid.ts";
import type { Storage } from "../storage/port.ts";
import { decodeStored } from "./codecs.ts";
import {
  checkPackHeader,
  damaged,
  decodeTrailer,
  type EntryLocation,
  entryEnd,
  entryHeaderBytes,
  headerChecksum,
  PACK_HEADER_BYTES,
  PACK_TRAILER_BYTES,
  PackFooter,
  packKey,
} from "./pack-format.ts";

/** Reads and checks the footer of a pack. Throws `object.missing` where the pack is gone, `integrity.pack` for damage. */
export async function readFooter(storage: Storage, pack: Oid): Promise<PackFooter> {
  const key = packKey(pack);
  const fact = await storage.stat(key);
  if (fact === undefined)
    throw new IngotError("object.missing", `the pack '${pack}' is not in '${storage.location}'`, {
      hint: "ingot fsck",
      data: { where: key, pack },
    });
  if (fact.sizeBytes < PACK_HEADER_BYTES + PACK_TRAILER_BYTES) throw damaged(pack, "is cut off");
  const trailer = await storage.readRange(key, fact.sizeBytes - PACK_TRAILER_BYTES, PACK_TRAILER_BYTES);
  const footerBytes = decodeTrailer(pack, trailer, fact.sizeBytes);
  const footerAt = fact.sizeBytes - PACK_TRAILER_BYTES - footerBytes;
  return new PackFooter(pack, await storage.readRange(key, footerAt, footerBytes));
}

/** Checks what a footer alone does not show: the header, and that the entries fill the pack without a gap. */
export async function checkPackShape(storage: Storage, footer: PackFooter): Promise<void> {
  const key = packKey(footer.pack);
  checkPackHeader(footer.pack, await storage.readRange(key, 0, PACK_HEADER_BYTES), footer.transient);
  let at = PACK_HEADER_BYTES;
  for (const entry of footer.entries().sort((a, b) => a.offset - b.offset)) {
    if (entry.offset !== at) throw damaged(footer.pack, `has a gap or an overlap at byte ${at}`);
    at = entryEnd(entry);
  }
  const sizeBytes = (await storage.stat(key))?.sizeBytes ?? 0;
  const footerBytes = decodeTrailer(
    footer.pack,
    await storage.readRange(key, sizeBytes - PACK_TRAILER_BYTES, PACK_TRAILER_BYTES),
    sizeBytes,
  );
  if (at + footerBytes + PACK_TRAILER_BYTES !== sizeBytes)
    throw damaged(footer.pack, `has ${sizeBytes} bytes, which its entries do not fill`);
}

interface StoredBytes {
  readonly stored: Uint8Array;
  readonly checksum: Oid;
}

async function readAt(storage: Storage, pack: Oid, entry: EntryLocation): Promise<StoredBytes> {
  const bytes = await storage.readRange(packKey(pack), entry.offset, entryEnd(entry) - entry.offset);
  const headerBytes = entryHeaderBytes(entry);
  const checksum = headerChecksum(bytes.subarray(0, headerBytes), entry);
  if (checksum === undefined) throw damaged(pack, `has a damaged entry at byte ${entry.offset}`);
  return { stored: bytes.subarray(headerBytes), checksum };
}

/** The stored bytes of an entry, checked against their checksum. Throws `integrity.pack`. */
export async function readStored(storage: Storage, pack: Oid, entry: EntryLocation): Promise<Uint8Array> {
  const { stored, checksum } = await readAt(storage, pack, entry);
  if (hashBytes(stored) !== checksum)
    throw damaged(pack, `holds damaged bytes of '${entry.oid}' at byte ${entry.offset}`);
  return stored;
}

/**
 * The plain bytes of an entry, hashed: what comes back is what the id says. A piece list has no hash of its own; it is
 * checked against the checksum beside it, and each piece against its id when read. Throws `integrity.pack`, `integrity.blob`.
 */
export async function readEntry(storage: Storage, pack: Oid, entry: EntryLocation): Promise<Uint8Array> {
  const { stored, checksum } = await readAt(storage, pack, entry);
  if (entry.type === "list" && hashBytes(stored) !== checksum)
    throw damaged(pack, `holds a damaged piece list of '${entry.oid}'`);
  const raw = await decodeStored(entry.codec, stored, entry.rawBytes);
  if (entry.type !== "list" && hashBytes(raw) !== entry.oid) {
    throw new IngotError("integrity.blob", `the stored bytes of '${entry.oid}' are damaged`, {
      hint: "ingot fsck --deep",
      data: { where: `${packKey(pack)}, byte ${entry.offset}`, oid: entry.oid, pack },
    });
  }
  return raw;
}
