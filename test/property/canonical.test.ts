import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type CanonicalValue,
  compareText,
  decodeCanonical,
  encodeCanonical,
} from "../../src/base/canonical.ts";
import { IngotError } from "../../src/base/errors.ts";

const text = fc.string({ unit: "binary", maxLength: 40 });
const number = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => (Object.is(x, -0) ? 0 : x)),
);
const bytes = fc.uint8Array({ maxLength: 300 });
const value = fc.letrec<{ value: CanonicalValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.boolean(),
    number,
    text,
    bytes,
    fc.array(tie("value"), { maxLength: 20 }),
    fc.dictionary(fc.oneof(text, fc.constantFrom("__proto__", "constructor", "toString")), tie("value"), {
      maxKeys: 20,
      noNullPrototype: false,
    }),
  ),
})).value;

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** The value with every object rebuilt without prototype, so that deep equality ignores prototypes. */
function plain(x: CanonicalValue): unknown {
  if (x instanceof Uint8Array) return { bytes: hex(x) };
  if (Array.isArray(x)) return x.map(plain);
  if (typeof x === "object")
    return new Map(
      Object.entries(x)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([k, v]) => [k, plain(v)]),
    );
  return x;
}

function refused(action: () => unknown): boolean {
  try {
    action();
    return false;
  } catch (error) {
    if (error instanceof IngotError && error.code === "integrity.record") return true;
    throw error;
  }
}

describe("canonical encoding", () => {
  it("decodes what it encodes", () => {
    fc.assert(
      fc.property(value, (x) => {
        expect(plain(decodeCanonical(encodeCanonical(x)))).toEqual(plain(x));
      }),
      { numRuns: 1000 },
    );
  });

  it("gives equal values equal bytes, whatever the order of their keys", () => {
    fc.assert(
      fc.property(fc.dictionary(text, value, { maxKeys: 20 }), fc.infiniteStream(fc.nat()), (x, ranks) => {
        const shuffled = Object.entries(x)
          .map((entry) => ({ entry, rank: ranks.next().value as number }))
          .sort((a, b) => a.rank - b.rank)
          .map(({ entry }) => entry);
        const other: Record<string, CanonicalValue> = Object.create(null);
        for (const [k, v] of shuffled) other[k] = v;
        expect(hex(encodeCanonical(other))).toBe(hex(encodeCanonical(x)));
      }),
    );
  });

  it("refuses a mutated encoding or decodes it to a value with exactly those bytes", () => {
    const mutation = fc.record({
      at: fc.nat(),
      kind: fc.constantFrom("set", "insert", "remove", "cut", "double"),
      byte: fc.oneof(
        fc.nat(255),
        fc.constantFrom(0xc0, 0xc1, 0xca, 0xcb, 0xcf, 0xd4, 0xd9, 0xdc, 0xde, 0xdf, 0x72),
      ),
    });
    fc.assert(
      fc.property(value, fc.array(mutation, { minLength: 1, maxLength: 4 }), (x, mutations) => {
        let mutated = Array.from(encodeCanonical(x));
        for (const { at, kind, byte } of mutations) {
          const i = mutated.length === 0 ? 0 : at % mutated.length;
          if (kind === "set") mutated[i] = byte;
          else if (kind === "insert") mutated.splice(i, 0, byte);
          else if (kind === "remove") mutated.splice(i, 1);
          else if (kind === "cut") mutated = mutated.slice(0, i);
          else mutated = mutated.concat(mutated.slice(i));
        }
        const input = Uint8Array.from(mutated);
        if (refused(() => decodeCanonical(input))) return;
        expect(hex(encodeCanonical(decodeCanonical(input)))).toBe(hex(input));
      }),
      { numRuns: 5000 },
    );
  });

  it("refuses arbitrary bytes or finds them canonical", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (input) => {
        if (refused(() => decodeCanonical(input))) return;
        expect(hex(encodeCanonical(decodeCanonical(input)))).toBe(hex(input));
      }),
      { numRuns: 5000 },
    );
  });

  it("orders text as its UTF-8 bytes", () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareText(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
      { numRuns: 2000 },
    );
  });
});
