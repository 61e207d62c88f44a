import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IngotError } from "../../../src/base/errors.ts";
import { decodeRecord, encodeRecord } from "../../../src/objects/encode.ts";
import { ALL_SAMPLES } from "./samples.ts";

const REFUSALS = ["integrity.record", "input.version", "input.path", "input.name"];

describe("records with flipped, inserted and missing bytes", () => {
  it("are refused with a known code, or are other records with exactly those bytes", () => {
    const mutation = fc.record({
      at: fc.nat(),
      kind: fc.constantFrom("flip", "set", "insert", "remove"),
      byte: fc.nat(255),
    });
    fc.assert(
      fc.property(
        fc.constantFrom(...ALL_SAMPLES),
        fc.array(mutation, { minLength: 1, maxLength: 3 }),
        (record, mutations) => {
          const mutated = Array.from(encodeRecord(record));
          for (const { at, kind, byte } of mutations) {
            const i = at % mutated.length;
            if (kind === "flip") mutated[i] = (mutated[i] as number) ^ (1 << (byte % 8));
            else if (kind === "set") mutated[i] = byte;
            else if (kind === "insert") mutated.splice(i, 0, byte);
            else mutated.splice(i, 1);
          }
          const bytes = Uint8Array.from(mutated);
          try {
            expect(encodeRecord(decodeRecord(bytes))).toEqual(bytes);
          } catch (error) {
            if (!(error instanceof IngotError)) throw error;
            expect(REFUSALS).toContain(error.code);
          }
        },
      ),
      { numRuns: 4000 },
    );
  });

  it("are refused at every length they are cut to", () => {
    for (const record of ALL_SAMPLES) {
      const bytes = encodeRecord(record);
      for (let length = 0; length < bytes.length; length++) {
        expect(() => decodeRecord(bytes.subarray(0, length))).toThrow(
          expect.objectContaining({ code: "integrity.record" }),
        );
      }
    }
  });
});
