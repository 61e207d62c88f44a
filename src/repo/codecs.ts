import { IngotError } from "../base/errors.ts";
import { loadZstd } from "./zstd.ts";

/** How the bytes of an entry are stored. Ids are for ever: a number is never given to another codec. */
interface Codec {
  readonly name: string;
  readonly decode: (stored: Uint8Array, rawBytes: number) => Uint8Array | Promise<Uint8Array>;
}

export const CODEC_RAW = 0;
export const CODEC_ZSTD = 1;

const CODECS: readonly Codec[] = [
  { name: "raw", decode: (stored) => stored },
  { name: "zstd", decode: async (stored, rawBytes) => (await loadZstd()).decompress(stored, rawBytes) },
];

const ZSTD_LEVEL = 3;
/** Below this a frame saves less than loading a decoder costs whoever reads it. */
const MIN_BYTES = 4096;
const SAMPLE_BYTES = 16 << 10;
/**
 * A compressed size above this share of the raw one is not worth its decoding. Float weights stay above it (bfloat16 at
 * 0.78, float32 at 0.93), so that they are stored as they are.
 */
const WORTH = 0.7;

/** Chooses how to store bytes: zstd where a sample of them shrinks well, else as they are. */
export async function encodeStored(
  raw: Uint8Array,
): Promise<{ readonly codec: number; readonly stored: Uint8Array }> {
  const plain = { codec: CODEC_RAW, stored: raw };
  if (raw.length < MIN_BYTES) return plain;
  const zstd = await loadZstd();
  if (raw.length > 4 * SAMPLE_BYTES) {
    const sample = sampleOf(raw);
    if (zstd.compress(sample, 1).length > sample.length * WORTH) return plain;
  }
  const stored = zstd.compress(raw, ZSTD_LEVEL);
  return stored.length > raw.length * WORTH ? plain : { codec: CODEC_ZSTD, stored };
}

function sampleOf(raw: Uint8Array): Uint8Array {
  const sample = new Uint8Array(3 * SAMPLE_BYTES);
  const last = raw.length - SAMPLE_BYTES;
  for (const [i, start] of [0, last >>> 1, last].entries()) {
    sample.set(raw.subarray(start, start + SAMPLE_BYTES), i * SAMPLE_BYTES);
  }
  return sample;
}

/** Decodes stored bytes. Throws `input.version` for a codec that this program does not know, `integrity.pack` for damage. */
export async function decodeStored(codec: number, stored: Uint8Array, rawBytes: number): Promise<Uint8Array> {
  const known = CODECS[codec];
  if (known === undefined)
    throw new IngotError(
      "input.version",
      `stored bytes of codec ${codec}, which this program does not know`,
      { hint: "upgrade ingot" },
    );
  const raw = await known.decode(stored, rawBytes);
  if (raw.length !== rawBytes)
    throw new IngotError(
      "integrity.pack",
      `stored bytes decode to ${raw.length} bytes, expected ${rawBytes}`,
      { hint: "ingot fsck --deep" },
    );
  return raw;
}
