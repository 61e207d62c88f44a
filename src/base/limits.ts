const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

/**
 * The one table of limits on input that others wrote. A limit that enters a format (record, nesting, name, path, piece,
 * pack, delta) is part of that format and stands in `objects-spec/`; the others only protect this program.
 */
export const LIMITS = {
  /** Bytes of one record. */
  recordBytes: 16 * MiB,
  /** Maps and lists within each other, the outermost counted. */
  recordNesting: 64,
  /** Bytes of a value on its way to a hash that is never stored as a record: one example of a dataset. */
  exampleBytes: 16 * MiB,

  /** Characters of a branch, tag, dataset or remote name. */
  nameChars: 128,
  /** Characters of a whole ref name: the longest prefix, a name and a tail. */
  refChars: 320,
  pathBytes: 4096,
  pathPartBytes: 255,
  treeEntries: 200_000,

  pieceBytes: 8 * MiB,
  /** Objects above this size are cut in pieces. */
  singlePieceBytes: 64 * KiB,
  packBytes: 1 * GiB,
  deltaDepth: 4,

  /** Bytes of a JSON document that is read whole (config.json, tokenizer.json). */
  jsonBytes: 128 * MiB,
  jsonNesting: 128,
  /** Bytes of one line of JSONL. */
  lineBytes: 16 * MiB,

  safetensorsHeaderBytes: 100_000_000,
  safetensorsTensors: 200_000,
  onnxBytes: 2 * GiB - 1,
  onnxNesting: 64,
  tensorRank: 64,

  /** Refs that the other side of a push or pull may have. */
  remoteRefs: 1_000_000,
  /** Objects of one transfer. */
  transferObjects: 50_000_000,
  /** Characters of an error message of the other side that are shown. */
  remoteMessageChars: 1024,
} as const;
