import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IngotError } from "../../../src/base/errors.ts";
import { bytesSource } from "../../../src/base/ports.ts";
import type { DType, Tensor } from "../../../src/onnx/model.ts";
import { encodeSafetensors, parseSafetensorsHeader, readTensor } from "../../../src/onnx/safetensors.ts";
import { tensorBytes } from "../../../src/onnx/tensors.ts";
import { floats, ints } from "../../support/onnx-builder.ts";

/** A file from the text of its header and the number of bytes after it. */
function file(header: string | Uint8Array, dataBytes = 0, lengthField?: bigint): Uint8Array {
  const json = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, lengthField ?? BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

async function failure(bytes: Uint8Array): Promise<IngotError | undefined> {
  try {
    await parseSafetensorsHeader(bytesSource(bytes));
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(IngotError);
    return error as IngotError;
  }
}

function entry(dtype: string, shape: string, offsets: string): string {
  return `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`;
}

const one = entry("F32", "[1]", "[0,4]");

describe("encode, then parse", () => {
  it("gives the same tensors and metadata", async () => {
    const dtypes: DType[] = [
      "float32",
      "float64",
      "float16",
      "bfloat16",
      "int8",
      "int16",
      "int32",
      "int64",
      "uint8",
      "uint16",
      "uint32",
      "uint64",
      "bool",
    ];
    const tensor = fc
      .tuple(fc.constantFrom(...dtypes), fc.array(fc.nat(4), { maxLength: 4 }))
      .chain(([dtype, dims]) => {
        const length = tensorBytes(dtype, dims)!;
        return fc
          .uint8Array({ minLength: length, maxLength: length })
          .map((bytes): Tensor => ({ dtype, dims, data: { at: "memory", bytes } }));
      });
    const name = fc.string({ unit: "grapheme", maxLength: 12 }).filter((text) => text !== "__metadata__");
    const entries = fc.uniqueArray(fc.tuple(name, tensor), { selector: ([key]) => key, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(
        entries,
        fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }),
        async (list, metadata) => {
          const notes = new Map(Object.entries(metadata));
          const bytes = encodeSafetensors(new Map(list), notes);
          expect(encodeSafetensors(new Map([...list].reverse()), notes)).toEqual(bytes);
          const source = bytesSource(bytes);
          const header = await parseSafetensorsHeader(source);
          expect(header.metadata).toEqual(notes);
          expect(header.tensors.size).toBe(list.length);
          for (const [key, expected] of list) expect(await readTensor(source, header, key)).toEqual(expected);
        },
      ),
    );
  });

  it("writes the header that other tools write", () => {
    const bytes = encodeSafetensors(
      new Map([
        ["b", ints([7])],
        ["a", floats([1, 2])],
      ]),
      { format: "pt" },
    );
    const header =
      '{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"b":{"dtype":"I64","shape":[1],"data_offsets":[8,16]}}';
    expect(new DataView(bytes.buffer).getBigUint64(0, true) % 8n).toBe(0n);
    expect(new TextDecoder().decode(bytes.subarray(8, 8 + header.length))).toBe(header);
  });

  it("refuses types that the format lacks", () => {
    expect(() =>
      encodeSafetensors(
        new Map([["t", { dtype: "int4", dims: [2], data: { at: "memory", bytes: new Uint8Array(1) } }]]),
      ),
    ).toThrow(/int4/);
  });
});

describe("refuses", () => {
  it.each([
    ["an empty file", new Uint8Array()],
    ["seven bytes", new Uint8Array(7)],
    ["a header length of 2^63", file("{}", 0, 2n ** 63n)],
    ["a header length of 2^64 - 1", file("{}", 0, 2n ** 64n - 1n)],
    ["a header longer than the file", file("{}", 0, 3n)],
    ["a header above the cap", file("{}", 0, 100_000_001n)],
    [
      "overlapping tensors",
      file(`{"a":${entry("F32", "[2]", "[0,8]")},"b":${entry("F32", "[1]", "[4,8]")}}`, 8),
    ],
    ["a hole", file(`{"a":${one},"b":${entry("F32", "[1]", "[8,12]")}}`, 12)],
    ["bytes before the first tensor", file(`{"a":${entry("F32", "[1]", "[4,8]")}}`, 8)],
    ["bytes after the last tensor", file(`{"a":${one}}`, 5)],
    ["no tensors but bytes", file("{}", 4)],
    ["a tensor beyond the file", file(`{"a":${one}}`, 3)],
    ["offsets reversed", file(`{"a":${entry("F32", "[1]", "[4,0]")}}`, 4)],
    ["a negative offset", file(`{"a":${entry("F32", "[1]", "[-4,0]")}}`, 4)],
    ["an offset above 2^53", file(`{"a":${entry("F32", "[0]", "[9007199254740993,9007199254740993]")}}`, 4)],
    ["an offset in floating point", file(`{"a":${entry("F32", "[1]", "[0,4e0]")}}`, 4)],
    ["an offset 4.0", file(`{"a":${entry("F32", "[1]", "[0,4.0]")}}`, 4)],
    ["an offset as text", file(`{"a":${entry("F32", "[1]", '["0",4]')}}`, 4)],
    ["a leading zero", file(`{"a":${entry("F32", "[01]", "[0,4]")}}`, 4)],
    ["three offsets", file(`{"a":${entry("F32", "[1]", "[0,4,4]")}}`, 4)],
    [
      "a shape whose product overflows",
      file(`{"a":${entry("F32", "[4194305,4194305,211106198978564]", "[0,4]")}}`, 4),
    ],
    ["a shape that does not fit its bytes", file(`{"a":${entry("F32", "[2]", "[0,4]")}}`, 4)],
    ["a tensor twice", file(`{"a":${one},"a":${one}}`, 4)],
    ["a tensor twice, once escaped", file(`{"a":${one},"\\u0061":${one}}`, 4)],
    ["a key twice", file('{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4)],
    ["an unknown key", file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}', 4)],
    ["a missing key", file('{"a":{"dtype":"F32","shape":[1]}}', 4)],
    ["a blank before the brace", file(` {"a":${one}}`, 4)],
    ["a byte order mark", file(new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d]))],
    ["invalid UTF-8", file(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x7b, 0x7d, 0x7d]))],
    ["nesting", file(`${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`)],
    ["an unknown type", file(`{"a":${entry("F4", "[1]", "[0,4]")}}`, 4)],
    ["metadata that is no text", file('{"__metadata__":{"a":1}}')],
    ["metadata twice", file('{"__metadata__":{},"__metadata__":{}}')],
    ["a second value", file("{}{}")],
    ["a control character in a name", file('{"a\u0001":1}')],
    ["a text without an end", file('{"abc')],
    ["a text that ends in a backslash", file('{"abc\\')],
  ])("%s", async (_name, bytes) => {
    const error = await failure(bytes);
    expect(error?.code).toBe("input.safetensors");
    expect(error?.data.where).toBeTypeOf("string");
    expect(error?.hint).toBeTypeOf("string");
  });

  it("more tensors than the limit, soon", async () => {
    const header = `{${Array.from({ length: 200_001 }, (_, i) => `"${i}":${entry("F32", "[0]", "[0,0]")}`).join(",")}}`;
    expect((await failure(file(header)))?.code).toBe("limit.size");
  });

  it("nothing of what a name may be", async () => {
    const names = ["__proto__", "constructor", "../../x", "a\u0000b", "\u001b]0;x", "x".repeat(1_000_000)];
    const bytes = encodeSafetensors(new Map(names.map((name) => [name, floats([1], [Number.NaN])])));
    const header = await parseSafetensorsHeader(bytesSource(bytes));
    expect([...header.tensors.keys()].sort()).toEqual([...names].sort());
    expect(({} as Record<string, unknown>).dtype).toBeUndefined();
  });
});

describe("hostile bytes", () => {
  const bytes = encodeSafetensors(
    new Map([
      ["model.a", floats([2, 3])],
      ["b", ints([1, 2])],
    ]),
    { format: "pt" },
  );

  it("truncated anywhere are refused", async () => {
    for (let length = 0; length < bytes.length; length++)
      expect(await failure(bytes.slice(0, length))).toBeDefined();
  });

  it("changed anywhere never end in anything but an error of ours", async () => {
    const edit = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }));
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 6 }), async (edits) => {
        const changed = bytes.slice();
        for (const [at, value] of edits) changed[at] = value;
        await failure(changed);
      }),
      { numRuns: 3000 },
    );
  });
});
