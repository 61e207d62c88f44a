import { type CanonicalValue, encodeCanonical } from "../../../src/base/canonical.ts";
import { hashBytes } from "../../../src/base/hash.ts";
import { foldPath } from "../../../src/base/paths.ts";
import type { CanonicalCase, ExampleCase, IdCase, NameCase, PathCase } from "../cases.ts";
import { bytesOf, hexOf, note } from "../notation.ts";

export function idCases(): IdCase[] {
  const lengths = [0, 1, 2, 3, 63, 64, 65, 1023, 1024, 1025, 2048, 2049, 3072, 4096, 65536, 100_000];
  const byLength = lengths.map((lengthBytes) => ({
    name: `length-${lengthBytes}`,
    why: "byte i is i mod 251, as in the vectors of BLAKE3 itself",
    expect: "ok",
    input: { lengthBytes },
    oid: hashBytes(Uint8Array.from({ length: lengthBytes }, (_, i) => i % 251)),
  }));
  const texts: readonly (readonly [string, string, string])[] = [
    ["text", "the id of a file is that of its bytes, newline included", "ingot\n"],
    ["no-newline", "another file than the one with a newline", "ingot"],
    ["json", "a file of JSON is a file: neither its layout nor its keys are looked at", '{"a": 1}'],
  ];
  return [
    ...byLength,
    ...texts.map(([name, why, text]) => ({ name, why, expect: "ok", input: { text }, oid: hashBytes(Buffer.from(text)) })),
  ];
}

const VALUES: readonly (readonly [string, string, CanonicalValue])[] = [
  ["false", "the byte c2", false],
  ["true", "the byte c3", true],
  ["zero", "positive fixint", 0],
  ["fixint-127", "the highest positive fixint", 127],
  ["uint8-128", "the lowest uint8", 128],
  ["uint8-255", "the highest uint8", 255],
  ["uint16-256", "the lowest uint16", 256],
  ["uint16-65535", "the highest uint16", 65535],
  ["uint32-65536", "the lowest uint32", 65536],
  ["uint32-4294967295", "the highest uint32", 4294967295],
  ["uint64-4294967296", "the lowest uint64; many writers make a float of it", 4294967296],
  ["uint64-max", "2^53 - 1, the highest whole number", Number.MAX_SAFE_INTEGER],
  ["negative-1", "negative fixint", -1],
  ["negative-32", "the lowest negative fixint", -32],
  ["int8-33", "the highest int8", -33],
  ["int8-128", "the lowest int8", -128],
  ["int16-129", "the highest int16", -129],
  ["int16-32768", "the lowest int16", -32768],
  ["int32-32769", "the highest int32", -32769],
  ["int32-2147483648", "the lowest int32", -2147483648],
  ["int64-2147483649", "the highest int64", -2147483649],
  ["int64-min", "-(2^53 - 1), the lowest whole number", Number.MIN_SAFE_INTEGER],
  ["float-half", "float64, although float32 could hold it", 0.5],
  ["float-tenth", "float64", 0.1],
  ["float-2-53", "whole, but beyond the range of whole numbers: float64", 2 ** 53],
  ["float-1e300", "whole and large: float64", 1e300],
  ["float-smallest", "the smallest number above 0", 5e-324],
  ["float-negative", "float64", -1.5],
  ["text-empty", "fixstr of length 0", ""],
  ["text-31", "the longest fixstr", "a".repeat(31)],
  ["text-32", "the shortest str 8", "a".repeat(32)],
  ["text-255", "the longest str 8", "a".repeat(255)],
  ["text-256", "the shortest str 16", "a".repeat(256)],
  ["text-utf8", "the length counts bytes", "\u00e9\u20ac\u{1f4b6}"],
  ["text-not-normalised", "text is kept as it is: e and a combining accent stay two", "e\u0301"],
  ["text-nul", "any code point may stand in a text", "\u0000\ufeff"],
  ["bytes-empty", "bin 8 of length 0", new Uint8Array(0)],
  ["bytes-255", "the longest bin 8", new Uint8Array(255)],
  ["bytes-256", "the shortest bin 16", new Uint8Array(256)],
  ["list-empty", "fixarray of length 0", []],
  ["list-15", "the longest fixarray", Array(15).fill(0)],
  ["list-16", "the shortest array 16", Array(16).fill(0)],
  ["map-empty", "fixmap of length 0", {}],
  ["map-sorted", "keys in the order of their bytes, a prefix first", { b: 1, a: 2, aa: 3, B: 4, "": 5 }],
  ["map-sorted-utf8", "in the order of UTF-8, not of UTF-16: U+FFFD before U+1F4B6", { "\u{1f4b6}": 1, "\ufffd": 2 }],
  ["map-16", "the shortest map 16", Object.fromEntries(Array.from({ length: 16 }, (_, i) => [String(i).padStart(2, "0"), i]))],
  ["map-proto", "`__proto__` is a key as any other", JSON.parse('{"__proto__":{"a":1},"constructor":2}')],
  ["nested", "lists and maps within each other", { a: [{ b: [1, "x", new Uint8Array([1, 2])] }], c: {} }],
  ["nested-64", "the deepest nesting", Array(63).fill(0).reduce<CanonicalValue>((inner) => [inner], [])],
];

const REFUSED: readonly (readonly [string, string, string])[] = [
  ["empty", "", "no value at all"],
  ["null", "c0", "what is absent has no key"],
  ["null-in-map", "81a161c0", "what is absent has no key"],
  ["null-in-list", "91c0", "a list holds values"],
  ["never-used", "c1", "the one byte that MessagePack does not define"],
  ["float32", "ca3f000000", "all numbers that are not whole are float64"],
  ["float-whole", "cb3ff0000000000000", "1 has the encoding 01"],
  ["float-zero", "cb0000000000000000", "0 has the encoding 00"],
  ["float-minus-zero", "cb8000000000000000", "-0 is refused"],
  ["float-nan", "cb7ff8000000000000", "NaN is refused"],
  ["float-infinity", "cb7ff0000000000000", "infinity is refused"],
  ["float-minus-infinity", "cbfff0000000000000", "infinity is refused"],
  ["uint8-short", "cc7f", "127 has the encoding 7f"],
  ["uint16-short", "cd00ff", "255 has the encoding ccff"],
  ["uint32-short", "ce0000ffff", "65535 has the encoding cdffff"],
  ["uint64-short", "cf00000000ffffffff", "4294967295 has the encoding ceffffffff"],
  ["int8-short", "d0ff", "-1 has the encoding ff"],
  ["int8-positive", "d001", "1 has the encoding 01"],
  ["int16-short", "d1ff80", "-128 has the encoding d080"],
  ["int32-short", "d2ffff8000", "-32768 has the encoding d18000"],
  ["int64-short", "d3ffffffff80000000", "-2147483648 has the encoding d280000000"],
  ["int64-positive", "d30000000100000000", "4294967296 is a uint64"],
  ["uint64-2-53", "cf0020000000000000", "2^53 is beyond the range of whole numbers"],
  ["uint64-2-53-plus-1", "cf0020000000000001", "a whole number that a float64 cannot hold"],
  ["uint64-max", "cfffffffffffffffff", "a whole number that a float64 cannot hold"],
  ["int64-min", "d38000000000000000", "below the range of whole numbers"],
  ["str8-short", "d90161", "'a' has the encoding a161"],
  ["str16-short", `da0020${"61".repeat(32)}`, "32 bytes of text need a str 8"],
  ["str32-short", "db0000000161", "'a' has the encoding a161"],
  ["bin16-short", "c5000100", "one byte needs a bin 8"],
  ["bin32-short", "c60000000100", "one byte needs a bin 8"],
  ["array16-short", "dc000100", "one entry needs a fixarray"],
  ["array32-short", "dd0000000100", "one entry needs a fixarray"],
  ["map16-short", "de0001a16100", "one entry needs a fixmap"],
  ["map32-short", "df00000001a16100", "one entry needs a fixmap"],
  ["keys-unsorted", "82a16200a16100", "keys stand in the order of their bytes"],
  ["key-twice", "82a16100a16101", "a key stands once"],
  ["key-twice-proto", "82a95f5f70726f746f5f5f00a95f5f70726f746f5f5f01", "a key stands once, also this one"],
  ["key-number", "810000", "keys are text"],
  ["key-bytes", "81c4016100", "keys are text"],
  ["key-list", "819000", "keys are text"],
  ["utf8-bad-byte", "a1ff", "text is UTF-8"],
  ["utf8-truncated", "a2c3c3", "text is UTF-8"],
  ["utf8-surrogate", "a3eda080", "a surrogate is no code point"],
  ["utf8-overlong", "a2c080", "the shortest form only"],
  ["utf8-beyond", "a4f4908080", "beyond U+10FFFF"],
  ["utf8-bad-key", "81a1ff00", "keys are UTF-8 as well"],
  ["ext-timestamp", "d6ff00000000", "no extension values"],
  ["ext-record", "d47201", "no extension values, neither msgpackr's records"],
  ["ext-undefined", "d40000", "no extension values"],
  ["ext-8", "c70100aa", "no extension values"],
  ["ext-16", "c8000100aa", "no extension values"],
  ["ext-32", "c90000000100aa", "no extension values"],
  ["after-end", "0000", "exactly one value"],
  ["truncated-head", "cd00", "the bytes end within a head"],
  ["truncated-text", "a36161", "the bytes end within a text"],
  ["truncated-bytes", "c40500", "the bytes end within a byte string"],
  ["truncated-list", "9200", "the bytes end within a list"],
  ["truncated-map", "81a161", "the bytes end before the value of a key"],
  ["declares-4-GiB-list", "ddffffffff00", "a length is checked before anything is allocated"],
  ["declares-4-GiB-map", "dfffffffffa16100", "a length is checked before anything is allocated"],
  ["declares-4-GiB-text", "dbffffffff61", "a length is checked before anything is allocated"],
  ["nested-65", `${"91".repeat(64)}90`, "nested more than 64 deep"],
  ["nested-65-maps", `${"81a161".repeat(64)}80`, "nested more than 64 deep"],
];

export function canonicalCases(): CanonicalCase[] {
  const good = VALUES.map(([name, why, value]) => {
    const bytes = encodeCanonical(value);
    return { name, why, expect: "ok", bytes: hexOf(bytes), value: note(value), oid: hashBytes(bytes) };
  });
  const bad = REFUSED.map(([name, bytes, why]) => ({ name: `refused-${name}`, why, expect: "integrity.record", bytes }));
  return [...good, ...bad];
}

const EXAMPLES: readonly (readonly [string, string, CanonicalValue])[] = [
  ["prompt-completion", "the fields that the format knows, and no others", { prompt: "How do I list branches?", completion: "git branch" }],
  [
    "chat",
    "a weight of 1 is the default and left out",
    {
      messages: [
        { role: "user", content: "hi" },
        { role: "assistant", content: "hello" },
      ],
    },
  ],
  ["chat-weight-0", "a weight of 0 is part of the example", { messages: [{ role: "assistant", content: "x", weight: 0 }] }],
  ["text", "every byte of the text counts", { text: "caf\u00e9\n" }],
  ["text-composed", "another example than the one before: text is not normalised", { text: "cafe\u0301\n" }],
  ["text-label-name", "a class by name", { text: "good", label: "positive" }],
  ["text-label-number", "a class by number; 1 and 1.0 in JSON are the same number", { text: "good", label: 1 }],
  ["text-label-text-1", "the text 1 is another label than the number 1", { text: "good", label: "1" }],
  ["text-label-regression", "a number to regress to", { text: "good", label: 0.75 }],
  ["tokens", "labels of -100 are not trained", { input_ids: [1, 2, 3], labels: [-100, 2, 3] }],
  [
    "tensors",
    "one row of a safetensors file",
    {
      input: { dtype: "float32", shape: [2], data: new Uint8Array([0, 0, 128, 63, 0, 0, 0, 64]) },
      labels: { dtype: "int64", shape: [], data: new Uint8Array([3, 0, 0, 0, 0, 0, 0, 0]) },
    },
  ],
  ["instruction", "an empty input is the same as none", { instruction: "Say hi", output: "hi" }],
];

export function exampleCases(): ExampleCase[] {
  return EXAMPLES.map(([name, why, fields]) => {
    const bytes = encodeCanonical(fields);
    return { name, why, expect: "ok", fields: note(fields), bytes: hexOf(bytes), oid: hashBytes(bytes) };
  });
}

const ID = hexOf(hashBytesOf("x"));
function hashBytesOf(text: string): Uint8Array {
  return bytesOf(hashBytes(Buffer.from(text)));
}

const NAMES: readonly string[] = ["main", "eu/refunds", "a.b-c_d", "_x", "0", "V1", "v01", "t", "head", "a".repeat(128)];
const BAD_NAMES: readonly (readonly [string, string])[] = [
  ["", "a name has a character"],
  ["-rf", "a name is no option"],
  ["../../x", "a name is no path out"],
  ["a..b", "'..' means a range"],
  ["a.lock", "'.lock' at the end is refused, as in git"],
  ["a@{1}", "'@' means an earlier value"],
  ["HEAD", "taken"],
  ["latest", "taken"],
  ["base", "taken"],
  ["production", "taken: a tag of this name would be found before the ref"],
  ["staging", "taken"],
  ["v0", "versions are given by the repository"],
  ["v12", "versions are given by the repository"],
  ["t3", "runs are given by the repository"],
  ["e:4f2a91", "examples are written so"],
  ["x\n y", "one line"],
  ["main\r", "one line"],
  ["a//b", "an empty part"],
  ["a/", "an empty part"],
  ["/a", "an empty part"],
  [".a", "does not start with a dot"],
  ["a".repeat(129), "longer than 128"],
  ["\u{1f680}", "ASCII only"],
  ["caf\u00e9", "ASCII only"],
  ["a b", "no space"],
  ["a\\b", "no backslash"],
  ["a~1", "'~' means an ancestor"],
  ["a^", "'^' means a parent"],
  [ID, "an id"],
];
const REFS: readonly string[] = [
  "HEAD",
  "heads/main",
  "heads/eu/refunds",
  "tags/v0",
  "tags/gold",
  "production",
  "staging",
  "canary",
  "data/faq/v1",
  "data/eu/faq/v12",
  "runs/t5/1200",
  `about/${ID}/${ID}`,
  "dropped/v3",
  "remotes/origin/heads/main",
  "remotes/origin/tags/v3",
  "remotes/origin/HEAD",
];
const BAD_REFS: readonly (readonly [string, string])[] = [
  ["heads", "a prefix alone"],
  ["heads/", "nothing after the prefix"],
  ["heads/v1", "a taken name"],
  ["heads/../x", "a name is no path out"],
  ["tags/latest", "a taken name"],
  ["data/faq", "no version"],
  ["data/v1", "no name"],
  ["runs/t5", "no step"],
  ["runs/t05/1", "numbers have no leading zero"],
  ["runs/5/1", "a run is written t<N>"],
  [`about/${ID}`, "two ids"],
  [`about/${ID.toUpperCase()}/${ID}`, "ids are lower case"],
  ["dropped/3", "a version is written v<N>"],
  ["remotes/origin", "no ref after the remote"],
  ["remotes/a/remotes/b/HEAD", "a remote within a remote"],
  ["refs/heads/main", "no such prefix"],
  ["foo/bar", "no such prefix"],
  ["latest", "a word, not a ref"],
  ["v3", "a word, not a ref"],
];

export function nameCases(): NameCase[] {
  const ok = (as: "name" | "ref") => (text: string) => ({ name: `${as} ${text.slice(0, 24)}`, why: "allowed", expect: "ok", as, text });
  const bad =
    (as: "name" | "ref") =>
    ([text, why]: readonly [string, string]) => ({
      name: `${as} refused ${text.length > 24 ? `${text.slice(0, 24)} (${text.length})` : text}`,
      why,
      expect: "input.name",
      as,
      text,
    });
  return [...NAMES.map(ok("name")), ...BAD_NAMES.map(bad("name")), ...REFS.map(ok("ref")), ...BAD_REFS.map(bad("ref"))];
}

const PATHS: readonly string[] = [
  "model.onnx",
  "onnx/model.onnx",
  "a b/c",
  ".gitattributes",
  "..a",
  "a..b",
  "caf\u00e9/\u65e5\u672c.json",
  "console.txt",
  "com10",
  "a".repeat(255),
  "__proto__",
];
const BAD_PATHS: readonly (readonly [string, string])[] = [
  ["", "empty"],
  ["..", "out of the tree"],
  ["a/../../b", "out of the tree"],
  ["/x", "absolute"],
  ["a//b", "an empty part"],
  ["./a", "a part '.'"],
  ["a/", "an empty part"],
  [".ingot/config.toml", "the repository itself"],
  [".INGOT", "the repository itself, where case does not count"],
  [".ingot.", "Windows drops the dot"],
  [".ingot ", "Windows drops the space"],
  ["INGOT~1", "a short name of Windows"],
  [".i\u200cngot", "macOS drops U+200C"],
  [".git", "another repository's hooks"],
  ["git~1", "a short name of Windows"],
  ["CON", "a device of Windows"],
  ["nul.onnx", "a device of Windows"],
  ["a/com\u00b9.txt", "a device of Windows"],
  ["a:b", "a stream of Windows"],
  ["a\\b", "a folder on Windows"],
  ["a.", "Windows drops the dot"],
  ["a ", "Windows drops the space"],
  ["a?", "not allowed on Windows"],
  ["a\u0000b", "a control character"],
  ["a\nb", "a control character"],
  ["a\u0085b", "a control character"],
  ["a".repeat(256), "a part of more than 255 bytes"],
  ["\u00e9".repeat(128), "256 bytes in 128 characters"],
  [`${"a/".repeat(2048)}a`, "more than 4096 bytes"],
  ["\u200b", "nothing visible"],
];
const CLASHES: readonly (readonly [string, string, string])[] = [
  ["Model.onnx", "model.onnx", "case does not count on macOS and Windows"],
  ["caf\u00e9", "cafe\u0301", "composition does not count on macOS"],
  ["stra\u00dfe", "strasse", "full case folding"],
  ["\ufb01le", "file", "compatibility composition"],
  ["a\u200bb", "ab", "ignorable code points"],
  ["a", "a/b", "a file and a folder"],
  ["A/b", "a", "a file and a folder, where case does not count"],
  ["A/b", "a/c", "two folders that are one, where case does not count"],
];

export function pathCases(): PathCase[] {
  const ok = PATHS.map((path) => ({ name: `path ${path.slice(0, 32)}`, why: "allowed", expect: "ok", paths: [path], folded: [foldPath(path)] }));
  const bad = BAD_PATHS.map(([path, why]) => ({
    name: `refused ${path.length > 32 ? `${path.slice(0, 32)} (${path.length})` : path}`,
    why,
    expect: "input.path",
    paths: [path],
  }));
  const clashes = CLASHES.map(([a, b, why]) => ({ name: `clash ${a} ${b}`, why, expect: "input.path", paths: [a, b], folded: [a, b].map(foldPath) }));
  return [...ok, ...bad, ...clashes];
}
