import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { permutation, RowStream, rowsPerEpoch } from "../../../src/train/stream.ts";

const streams = fc.record({
  newRows: fc.integer({ min: 1, max: 40 }),
  earlierRows: fc.integer({ min: 0, max: 40 }),
  replay: fc.constantFrom(0, 0.25, 0.5, 1, 3),
  seed: fc.nat(2 ** 31),
  order: fc.constantFrom("shuffled" as const, "sequential" as const),
});

describe("permutation", () => {
  it("holds every number once, and is a function of seed, stream and epoch", () => {
    fc.assert(
      fc.property(fc.nat(300), fc.nat(), fc.nat(5), fc.nat(1000), (n, seed, stream, epoch) => {
        const order = permutation(n, seed, stream, epoch);
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
        expect(permutation(n, seed, stream, epoch)).toEqual(order);
      }),
    );
  });

  it("differs from epoch to epoch, from seed to seed and from stream to stream", () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 5; seed++)
      for (let stream = 0; stream < 3; stream++)
        for (let epoch = 0; epoch < 10; epoch++) seen.add(permutation(20, seed, stream, epoch).join());
    expect(seen.size).toBe(150);
  });

  it("puts every row at every place about equally often", () => {
    const counts = Array.from({ length: 5 }, () => new Array<number>(5).fill(0));
    for (let epoch = 0; epoch < 2000; epoch++)
      permutation(5, 42, 1, epoch).forEach((row, place) => {
        counts[place]![row]!++;
      });
    // 400 expected, standard deviation 18.
    for (const row of counts) for (const count of row) expect(Math.abs(count - 400)).toBeLessThan(90);
  });
});

describe("the stream of rows", () => {
  it("holds every new row once an epoch, and the earlier rows that replay asks for, none twice", () => {
    fc.assert(
      fc.property(streams, fc.nat(20), (options, epoch) => {
        const stream = new RowStream(options);
        const rows = stream.at(epoch * stream.rowsPerEpoch, stream.rowsPerEpoch);
        const of = (from: string) => rows.filter((r) => r.from === from).map((r) => r.index);
        expect(of("new").sort((a, b) => a - b)).toEqual(Array.from({ length: options.newRows }, (_, i) => i));
        const earlier = of("earlier");
        expect(earlier).toHaveLength(
          Math.min(options.earlierRows, Math.round(options.newRows * options.replay)),
        );
        expect(new Set(earlier).size).toBe(earlier.length);
        for (const index of earlier) expect(index).toBeLessThan(options.earlierRows);
        expect(rows).toHaveLength(rowsPerEpoch(options.newRows, options.earlierRows, options.replay));
      }),
    );
  });

  it("is a function of the position alone: any way of cutting it reads the same rows", () => {
    fc.assert(
      fc.property(
        streams,
        fc.nat(200),
        fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 8 }),
        (options, start, cuts) => {
          const whole = new RowStream(options);
          const fresh = () => new RowStream(options);
          let position = start;
          const pieces = cuts.flatMap((count) => {
            const piece = fresh().at(position, count);
            position += count;
            return piece;
          });
          expect(whole.at(start, position - start)).toEqual(pieces);
        },
      ),
    );
  });

  it("draws the replayed rows anew every epoch, until all have been seen", () => {
    const stream = new RowStream({ newRows: 20, earlierRows: 100, replay: 0.5, seed: 7, order: "shuffled" });
    const drawn = Array.from({ length: 80 }, (_, epoch) =>
      stream
        .at(epoch * 30, 30)
        .filter((r) => r.from === "earlier")
        .map((r) => r.index)
        .sort((a, b) => a - b)
        .join(),
    );
    expect(new Set(drawn).size).toBe(80);
    expect(new Set(drawn.flatMap((d) => d.split(","))).size).toBe(100);
  });

  it("in order: micro-batch k holds rows (k B + j) mod N", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 9 }), fc.nat(50), (n, b, k) => {
        const stream = new RowStream({ newRows: n, earlierRows: 9, replay: 0, seed: k, order: "sequential" });
        expect(stream.at(k * b, b)).toEqual(
          Array.from({ length: b }, (_, j) => ({ from: "new", index: (k * b + j) % n })),
        );
      }),
    );
  });
});
