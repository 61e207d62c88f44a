import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hashBytes } from "../../../src/base/hash.ts";
import { splitHeldOut } from "../../../src/commands/data/held-out.ts";

const idOf = (n: number) => hashBytes(Buffer.from(`example ${n}`));
const rows = (count: number) => Array.from({ length: count }, (_, n) => idOf(n));

describe("held out by id", () => {
  it("every example falls on one side, the same in every dataset, and is held out once", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(200)), fc.constantFrom("0.1", "0.5", "0.25", "0.9"), (numbers, share) => {
        const all = numbers.map(idOf);
        const { train, heldOut } = splitHeldOut(all, share);
        expect(new Set([...train, ...heldOut])).toEqual(new Set(all));
        expect(heldOut.filter((id) => train.includes(id))).toEqual([]);
        expect(new Set(heldOut).size).toBe(heldOut.length);
        const whole = new Set(splitHeldOut(rows(201), share).heldOut);
        for (const id of heldOut) expect(whole.has(id)).toBe(true);
        for (const id of train) expect(whole.has(id)).toBe(false);
      }),
    );
  });

  it.each([
    [49, undefined, 0, 0],
    [1000, undefined, 70, 130],
    [1000, "none", 0, 0],
    [49, "0.5", 15, 34],
    [1000, "0.01", 3, 25],
  ])("of %i rows with --eval %s from %i to %i", (count, option, least, most) => {
    const { heldOut } = splitHeldOut(rows(count), option);
    expect(heldOut.length).toBeGreaterThanOrEqual(least);
    expect(heldOut.length).toBeLessThanOrEqual(most);
  });

  it.each(["0", "1", "-0.1", "half", ""])("refuses the share '%s'", (option) => {
    expect(() => splitHeldOut(rows(1), option)).toThrow(expect.objectContaining({ code: "usage.flag" }));
  });
});
