import zlib from "node:zlib";
import { bug, IngotError } from "../base/errors.ts";

/** One zstd frame with its content size, both ways. */
export interface Zstd {
  compress(bytes: Uint8Array, level: number): Uint8Array;
  /** Throws where the frame does not hold exactly `rawBytes`. */
  decompress(bytes: Uint8Array, rawBytes: number): Uint8Array;
}

const MAGIC = 0xfd2fb528;

type BuiltIn = typeof zlib & {
  zstdCompressSync?: (bytes: Uint8Array, options: object) => Buffer;
  zstdDecompressSync?: (bytes: Uint8Array, options: object) => Buffer;
  constants: { ZSTD_c_compressionLevel?: number };
};

let loading: Promise<Zstd> | undefined;

/** The zstd of Node where it has one, else the WebAssembly build; loaded at first use, as few commands need it. */
export function loadZstd(): Promise<Zstd> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Zstd> {
  const { zstdCompressSync, zstdDecompressSync, constants } = zlib as BuiltIn;
  if (
    zstdCompressSync !== undefined &&
    zstdDecompressSync !== undefined &&
    constants.ZSTD_c_compressionLevel !== undefined
  ) {
    const levelKey = constants.ZSTD_c_compressionLevel;
    return checked({
      // A one-shot frame announces its size only if told to.
      compress: (bytes, level) =>
        zstdCompressSync(bytes, { params: { [levelKey]: level }, pledgedSrcSize: bytes.length }),
      decompress: (bytes, rawBytes) => zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, rawBytes) }),
    });
  }
  const loaded = await import("@bokuweb/zstd-wasm");
  // A bundler hands a CommonJS module over as its default export alone.
  const wasm = "init" in loaded ? loaded : (loaded as unknown as { readonly default: typeof loaded }).default;
  await wasm.init();
  return checked({
    compress: (bytes, level) => wasm.compress(bytes, level),
    decompress: (bytes, rawBytes) => wasm.decompress(bytes, { defaultHeapSize: rawBytes }),
  });
}

function checked(zstd: Zstd): Zstd {
  const refuse = (cause?: unknown) =>
    new IngotError("integrity.pack", "stored bytes that zstd cannot decode", {
      hint: "ingot fsck --deep",
      cause,
    });
  return {
    compress: (bytes, level) => {
      const frame = zstd.compress(bytes, level);
      if (contentSize(frame) !== bytes.length) bug("zstd made a frame without its content size");
      return frame;
    },
    decompress: (bytes, rawBytes) => {
      // Both libraries make room for what a frame announces: look at it first.
      if (contentSize(bytes) !== rawBytes) throw refuse();
      let raw: Uint8Array;
      try {
        raw = zstd.decompress(bytes, rawBytes);
      } catch (cause) {
        throw refuse(cause);
      }
      if (raw.length !== rawBytes) throw refuse();
      return raw;
    },
  };
}

/**
 * Content size of bytes that are exactly one zstd frame announcing it (RFC 8878, 3.1.1); undefined for others. The libraries differ in
 * what they do with bytes behind a frame, so the frame is followed to its end here.
 */
function contentSize(bytes: Uint8Array): number | undefined {
  if (bytes.length < 6) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) return undefined;
  const descriptor = view.getUint8(4);
  const single = (descriptor >> 5) & 1;
  const sizeFlag = descriptor >> 6;
  const at = 5 + (1 - single) + ([0, 1, 2, 4][descriptor & 3] as number);
  const width = sizeFlag === 0 ? single : 1 << sizeFlag;
  const checksumBytes = (descriptor >> 2) & 1 ? 4 : 0;
  if (width === 0 || blocksEnd(view, at + width) + checksumBytes !== bytes.length) return undefined;
  if (width === 1) return view.getUint8(at);
  if (width === 2) return view.getUint16(at, true) + 256;
  if (width === 4) return view.getUint32(at, true);
  return Number(view.getBigUint64(at, true));
}

/** Where the last block of a frame ends; beyond the bytes where they end before it. */
function blocksEnd(view: DataView, start: number): number {
  for (let at = start; at + 3 <= view.byteLength; ) {
    const head = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    const isRunLength = ((head >> 1) & 3) === 1;
    at += 3 + (isRunLength ? 1 : head >> 3);
    if ((head & 1) === 1) return at;
  }
  return Number.POSITIVE_INFINITY;
}
