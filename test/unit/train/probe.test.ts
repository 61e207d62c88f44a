import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chooseProbe } from "../../../src/train/probe.ts";

const ids = (max: number) =>
  fc.array(
    fc.nat(200).map((n) => n.toString(16).padStart(4, "0")),
    { maxLength: max },
  );
const sources = fc.record({ fresh: ids(40), earlier: ids(40), heldOut: ids(8), regressed: ids(8) });

describe("the probe", () => {
  it("is sorted, without repeats, of known examples, and always holds what is held out or has regressed", () => {
    fc.assert(
      fc.property(sources, fc.integer({ min: 1, max: 60 }), (from, limit) => {
        const probe = chooseProbe(from, limit);
        expect(probe).toEqual([...new Set(probe)].sort());
        const trained = new Set([...from.fresh, ...from.earlier]);
        for (const id of probe) expect(trained.has(id) || from.heldOut.includes(id)).toBe(true);
        for (const id of from.heldOut) expect(probe).toContain(id);
        for (const id of from.regressed) if (trained.has(id)) expect(probe).toContain(id);
      }),
    );
  });

  it("is everything where there is no more than the limit, else exactly the limit, half of it earlier", () => {
    fc.assert(
      fc.property(sources, fc.integer({ min: 1, max: 60 }), ({ fresh, earlier }, limit) => {
        const probe = chooseProbe({ fresh, earlier, heldOut: [], regressed: [] }, limit);
        const now = new Set(fresh);
        const before = new Set(earlier.filter((id) => !now.has(id)));
        expect(probe).toHaveLength(Math.min(limit, now.size + before.size));
        const fromBefore = probe.filter((id) => before.has(id));
        const half = Math.floor(limit / 2);
        if (now.size + before.size > limit && now.size >= limit - half && before.size >= half)
          expect(fromBefore).toHaveLength(half);
        const lowest = (of: Iterable<string>, count: number) => [...of].sort().slice(0, count);
        expect(fromBefore).toEqual(lowest(before, fromBefore.length));
        expect(probe.filter((id) => now.has(id))).toEqual(lowest(now, probe.length - fromBefore.length));
      }),
    );
  });
});
