const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

/**
 * Limits on input that others wrote, where several parts share them. A limit that enters a format (record, nesting, name,
 * path, piece, pack) is part of that format and stands in `objects-spec/`; the others only protect this program. What one
 * reader alone refuses (of ONNX, of safetensors, of a chat template) stands with that reader.
 */
export const LIMITS = {
  /** Bytes of one record. */
  recordBytes: 16 * MiB,
  /** Maps and lists within each other, the outermost counted. */
  recordNesting: 64,

  /** Characters of a branch, tag, dataset or remote name. */
  nameChars: 128,
  /** Characters of a whole ref name: the longest prefix, a name and a tail. */
  refChars: 320,
  pathBytes: 4096,
  pathPartBytes: 255,
  treeEntries: 200_000,

  pieceBytes: 8 * MiB,
  packBytes: 1 * GiB,

  /** Bytes of a JSON document that is read whole (config.json, tokenizer.json). */
  jsonBytes: 128 * MiB,
  jsonNesting: 128,
  /** Bytes of one line of JSONL. */
  lineBytes: 16 * MiB,

  /** Refs that the other side of a push or pull may have. */
  remoteRefs: 1_000_000,
} as const;
