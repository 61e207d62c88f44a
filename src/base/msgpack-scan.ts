import { LIMITS } from "./limits.ts";

/** Why bytes are not one MessagePack value of the kinds that a record may hold, and where. */
export interface ScanFault {
  readonly byte: number;
  readonly reason: string;
}

/** How a head byte is followed: by `size` bytes of length or number. */
interface Head {
  readonly kind: "number" | "text" | "binary" | "list" | "map";
  readonly size: number;
}

const HEADS: Readonly<Record<number, Head>> = {
  196: { kind: "binary", size: 1 },
  197: { kind: "binary", size: 2 },
  198: { kind: "binary", size: 4 },
  203: { kind: "number", size: 8 },
  204: { kind: "number", size: 1 },
  205: { kind: "number", size: 2 },
  206: { kind: "number", size: 4 },
  207: { kind: "number", size: 8 },
  208: { kind: "number", size: 1 },
  209: { kind: "number", size: 2 },
  210: { kind: "number", size: 4 },
  211: { kind: "number", size: 8 },
  217: { kind: "text", size: 1 },
  218: { kind: "text", size: 2 },
  219: { kind: "text", size: 4 },
  220: { kind: "list", size: 2 },
  221: { kind: "list", size: 4 },
  222: { kind: "map", size: 2 },
  223: { kind: "map", size: 4 },
};

const REFUSED: Readonly<Record<number, string>> = {
  192: "holds null; what is absent has no key",
  193: "holds the byte c1, which MessagePack never uses",
  202: "holds a float32; numbers are whole or float64",
};

function headOf(
  byte: number,
): Head | { readonly kind: "fix"; readonly of: Head["kind"]; readonly count: number } | undefined {
  if (byte < 0x80 || byte >= 0xe0 || byte === 0xc2 || byte === 0xc3)
    return { kind: "fix", of: "number", count: 0 };
  if (byte < 0x90) return { kind: "fix", of: "map", count: byte & 0x0f };
  if (byte < 0xa0) return { kind: "fix", of: "list", count: byte & 0x0f };
  if (byte < 0xc0) return { kind: "fix", of: "text", count: byte & 0x1f };
  return HEADS[byte];
}

/**
 * Walks one MessagePack value without building it: bounds, nesting, kinds of values and of keys, nothing after the end.
 * Iterative, allocates nothing that the bytes declare. Undefined where the bytes may be decoded.
 */
export function scanMessagePack(bytes: Uint8Array): ScanFault | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Values still to come in each open list or map; a map counts keys and values, and its key is due at even counts.
  const remaining: number[] = [];
  const isMap: boolean[] = [];
  let at = 0;

  for (;;) {
    while (remaining.length > 0 && remaining.at(-1) === 0) {
      remaining.pop();
      isMap.pop();
    }
    if (remaining.length === 0 && at > 0) break;
    if (at >= bytes.length) return { byte: at, reason: "ends in the middle of a value" };

    const start = at;
    const byte = bytes[at] as number;
    const head = headOf(byte);
    if (head === undefined) return { byte: start, reason: REFUSED[byte] ?? "holds an extension value" };
    at += 1;

    let kind: Head["kind"];
    let count: number;
    if (head.kind === "fix") {
      kind = head.of;
      count = head.count;
    } else {
      kind = head.kind;
      if (at + head.size > bytes.length) return { byte: start, reason: "ends in the middle of a value" };
      count = kind === "number" ? head.size : readCount(view, at, head.size);
      if (kind !== "number") at += head.size;
    }

    const top = remaining.length - 1;
    if (top >= 0) {
      if (isMap[top] && (remaining[top] as number) % 2 === 0 && kind !== "text")
        return { byte: start, reason: "has a key that is not text" };
      remaining[top] = (remaining[top] as number) - 1;
    }

    if (kind === "list" || kind === "map") {
      if (remaining.length >= LIMITS.recordNesting)
        return { byte: start, reason: `is nested more than ${LIMITS.recordNesting} deep` };
      const values = kind === "map" ? count * 2 : count;
      if (values > bytes.length - at)
        return { byte: start, reason: `declares ${count} entries where ${bytes.length - at} bytes follow` };
      remaining.push(values);
      isMap.push(kind === "map");
    } else {
      if (count > bytes.length - at)
        return { byte: start, reason: `declares ${count} bytes where ${bytes.length - at} follow` };
      at += count;
    }
  }
  return at === bytes.length
    ? undefined
    : { byte: at, reason: `has ${bytes.length - at} bytes after its end` };
}

function readCount(view: DataView, at: number, size: number): number {
  if (size === 1) return view.getUint8(at);
  return size === 2 ? view.getUint16(at) : view.getUint32(at);
}
