/** Time as a port, so that the core reads no clock. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  nowMs(): number;
  /** Milliseconds of a clock that never goes back. */
  monotonicMs(): number;
}

/** Randomness as a port; never used for anything that enters an object's bytes. */
export interface Random {
  bytes(count: number): Uint8Array;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

export const systemRandom: Random = {
  bytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
};

/** Bytes of known length that can be read by position: a file, an object of the store, a buffer. */
export interface ByteSource {
  readonly sizeBytes: number;
  /** Reads exactly `length` bytes at `offset`; a fresh array. Throws where the source is shorter. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** A `ByteSource` over bytes in memory. */
export function bytesSource(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.length,
    read: async (offset, length) => {
      if (offset < 0 || offset + length > bytes.length)
        throw new RangeError(`read of ${length} bytes at ${offset} of ${bytes.length}`);
      return bytes.slice(offset, offset + length);
    },
  };
}

/**
 * A private folder (0700) for files that the native runtime reads or writes by path. Names are plain file names, never
 * from a model. Implemented in `storage/`, handed in by `commands/`.
 */
export interface Scratch {
  /** Absolute path of the folder. */
  readonly folder: string;
  /** Absolute path of a name in it. */
  path(name: string): string;
  /**
   * Writes a file; under its name it is there whole or not at all. `lasting`: its bytes reach the disk before its name does, so
   * that a later process can trust what it finds, even after a power cut.
   */
  write(
    name: string,
    chunks: Uint8Array | AsyncIterable<Uint8Array>,
    options?: { readonly lasting?: boolean },
  ): Promise<void>;
  /** The file as a source; undefined where it is absent. Close by `close`. */
  open(name: string): Promise<(ByteSource & { close(): Promise<void> }) | undefined>;
  remove(name: string): Promise<void>;
}
