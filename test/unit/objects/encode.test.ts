import { describe, expect, it } from "vitest";
import { decodeCanonical, encodeCanonical } from "../../../src/base/canonical.ts";
import { hashBytes } from "../../../src/base/hash.ts";
import { decodeRecord, encodeRecord, recordId } from "../../../src/objects/encode.ts";
import type { AnyRecord } from "../../../src/objects/records.ts";
import { references } from "../../../src/objects/references.ts";
import { ALL_SAMPLES, blobId, SAMPLES } from "./samples.ts";

const named = ALL_SAMPLES.map((record, i) => [`${record.kind} ${i}`, record] as const);

describe("records", () => {
  it.each(named)("%s comes back as it was", (_name, record) => {
    const bytes = encodeRecord(record);
    expect(decodeRecord(bytes)).toEqual(record);
    expect(encodeRecord(decodeRecord(bytes))).toEqual(bytes);
    expect(recordId(record)).toBe(hashBytes(bytes));
    expect(decodeCanonical(bytes)).toMatchObject({ kind: record.kind, v: 1 });
  });

  it.each(named)("%s refuses an unknown field, both ways", (_name, record) => {
    const wire = { ...(decodeCanonical(encodeRecord(record)) as object), zzz: 1 };
    const fault = expect.objectContaining({
      code: "integrity.record",
      data: { where: "field zzz", field: "zzz" },
    });
    expect(() => decodeRecord(encodeCanonical(wire))).toThrow(fault);
    expect(() => encodeRecord({ ...record, zzz: 1 } as unknown as AnyRecord)).toThrow(
      expect.objectContaining({ code: "input.format" }),
    );
  });

  it.each(named)("%s refuses a newer format version", (_name, record) => {
    const wire = { ...(decodeCanonical(encodeRecord(record)) as object), v: 2 };
    const fault = expect.objectContaining({ code: "input.version", hint: "upgrade ingot" });
    expect(() => decodeRecord(encodeCanonical(wire))).toThrow(fault);
  });

  it("refuses a kind it does not know, also the names of what objects have themselves", () => {
    for (const kind of ["merge", "__proto__", "constructor", "toString"]) {
      const bytes = encodeCanonical({ kind, v: 1 });
      expect(() => decodeRecord(bytes)).toThrow(expect.objectContaining({ code: "input.version" }));
    }
  });

  it("takes an absent field and an undefined one for the same", () => {
    const [record] = SAMPLES.dataset;
    expect(encodeRecord({ ...record, heldOut: undefined } as never)).toEqual(
      encodeRecord(record as AnyRecord),
    );
  });

  it("keeps a free map as it is, whatever its keys", () => {
    const [record] = SAMPLES.commit;
    const recipe = JSON.parse('{"__proto__":1,"toString":{"constructor":[true]}}');
    const back = decodeRecord(encodeRecord({ ...record, recipe } as AnyRecord));
    expect(Object.keys((back as { recipe: object }).recipe)).toEqual(["__proto__", "toString"]);
  });
});

describe("references", () => {
  it("lists every id of a record with the kind it promises", () => {
    const found = (record: AnyRecord) => references(record).map(({ field, expect }) => `${field}: ${expect}`);
    expect(found(SAMPLES.tree[1] as AnyRecord)).toEqual(["entries.0.blob: blob", "entries.1.blob: blob"]);
    expect(found(SAMPLES.model[0] as AnyRecord)).toEqual(["tree: tree"]);
    expect(found(SAMPLES.adapter[0] as AnyRecord)).toEqual(["model: model", "tree: tree"]);
    expect(found(SAMPLES.dataset[1] as AnyRecord)).toEqual(["tree: tree", "train: blob", "heldOut: blob"]);
    expect(found(SAMPLES.evolution[1] as AnyRecord)).toEqual([
      "datasets.0: dataset",
      "examples: blob",
      "loss: blob",
      "confidence: blob",
      "correct: blob",
      "predictions: blob",
      "texts: blob",
    ]);
    expect(found(SAMPLES.snapshot[1] as AnyRecord)).toEqual(["base: model", "adapters.0: adapter"]);
    expect(found(SAMPLES.commit[1] as AnyRecord)).toEqual([
      "snapshot: snapshot",
      "parents.0: commit",
      "datasets.0.dataset: dataset",
      "evolution: evolution",
    ]);
    expect(found(SAMPLES.checkpoint[1] as AnyRecord)).toEqual([
      "on: commit",
      "datasets.0: dataset",
      "state.theta: blob",
      "state.m: blob",
      "state.v: blob",
      "evolution: evolution",
    ]);
    expect(found(SAMPLES.evaluation[0] as AnyRecord)).toEqual(["snapshot: snapshot", "dataset: dataset"]);
    expect(found(SAMPLES.signature[0] as AnyRecord)).toEqual(["commit: commit"]);
    expect(found(SAMPLES.operation[1] as AnyRecord)).toEqual([]);
  });

  it("misses no id: every 32 bytes that a record holds, but for operations and free maps", () => {
    for (const record of ALL_SAMPLES.filter(({ kind }) => kind !== "operation")) {
      const ids = new Set(references(record).map(({ oid }) => oid));
      const wire = decodeCanonical(encodeRecord(record)) as Record<string, unknown>;
      for (const free of ["recipe", "plan", "options", "environment", "random", "progress"])
        delete wire[free];
      const walk = (value: unknown): void => {
        if (value instanceof Uint8Array) expect(ids).toContain(Buffer.from(value).toString("hex"));
        else if (typeof value === "object" && value !== null) Object.values(value).forEach(walk);
      };
      walk(wire);
    }
    expect(blobId("")).toMatch(/^af1349b9/);
  });
});
