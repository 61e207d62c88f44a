import { describe, expect, it } from "vitest";
import { encodeCanonical } from "../../../src/base/canonical.ts";
import { hashBytes } from "../../../src/base/hash.ts";
import type { Oid } from "../../../src/base/oid.ts";
import { bytesSource } from "../../../src/base/ports.ts";
import { readEvolution, storeEvolution } from "../../../src/commands/train/evolution-store.ts";
import type { EvolutionRecord } from "../../../src/objects/records.ts";
import type { Repository, WriteSession } from "../../../src/repo/repository.ts";
import type { EvolutionTable } from "../../../src/train/evolution.ts";

const TABLE: EvolutionTable = {
  examples: ["1".repeat(64), "2".repeat(64)],
  steps: [0, 10],
  learningRates: [0, 1e-3],
  positions: [0, 80],
  timesMs: [1, 2],
  loss: Float32Array.of(1, 2, 0.5, 0.25),
  confidence: Float32Array.of(0.5, 0.5, 1, 1),
  correct: Uint8Array.of(0, 0, 1, 1),
  predictions: Uint32Array.of(0, 0, 1, 0),
  texts: ["a", "b"],
};

async function store(): Promise<{ blobs: Map<Oid, Uint8Array>; record: EvolutionRecord }> {
  const blobs = new Map<Oid, Uint8Array>();
  let record: EvolutionRecord | undefined;
  const session = {
    putBytes: async (bytes: Uint8Array) => {
      const oid = hashBytes(bytes);
      blobs.set(oid, bytes);
      return oid;
    },
    putRecord: async (value: EvolutionRecord) => {
      record = value;
      return "e".repeat(64);
    },
  } as unknown as WriteSession;
  await storeEvolution(session, TABLE, [], "exact");
  return { blobs, record: record as EvolutionRecord };
}

const repositoryOf = (blobs: ReadonlyMap<Oid, Uint8Array>, record: EvolutionRecord): Repository =>
  ({
    readRecord: async () => record,
    readBytes: async (oid: Oid) => blobs.get(oid),
    openObject: async (oid: Oid) => bytesSource(blobs.get(oid) as Uint8Array),
  }) as unknown as Repository;

const DAMAGE: readonly (readonly [name: keyof EvolutionRecord, bytes: Uint8Array, what: RegExp])[] = [
  ["examples", new Uint8Array(33), /33 bytes/],
  ["examples", new Uint8Array(32), /predictions has 16 bytes where 8 belong/],
  ["loss", new Uint8Array(15), /loss has 15 bytes where 16 belong/],
  ["confidence", new Uint8Array(20), /confidence/],
  ["correct", new Uint8Array(5), /correct/],
  ["predictions", Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0), /a prediction has no text/],
  ["texts", encodeCanonical({ a: 1 }), /no list of texts/],
  ["texts", encodeCanonical(["a", 1]), /no list of texts/],
];

describe("a stored evolution", () => {
  it("comes back as it went", async () => {
    const { blobs, record } = await store();
    const table = await readEvolution(repositoryOf(blobs, record), "e".repeat(64) as Oid, TABLE.timesMs);
    expect(table).toEqual({ ...TABLE, rule: "exact", datasets: [] });
  });

  it.each(DAMAGE)("is refused where its %s is damaged", async (name, bytes, what) => {
    const { blobs, record } = await store();
    blobs.set(record[name] as Oid, bytes);
    const reading = readEvolution(repositoryOf(blobs, record), "e".repeat(64) as Oid);
    await expect(reading).rejects.toMatchObject({
      code: "integrity.blob",
      message: expect.stringMatching(what),
    });
  });
});
