import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { decodeCanonical, encodeCanonical } from "../../src/base/canonical.ts";
import { hashBytes, openHasher } from "../../src/base/hash.ts";
import { assertName, assertRefName } from "../../src/base/names.ts";
import { assertTreePaths, foldPath } from "../../src/base/paths.ts";
import { decodeRecord, encodeRecord, recordId } from "../../src/objects/encode.ts";
import { KINDS } from "../../src/objects/kinds.ts";
import type { AnyRecord } from "../../src/objects/records.ts";
import type { CanonicalCase, ExampleCase, IdCase, NameCase, PathCase, RecordCase, VectorFile } from "./cases.ts";
import { bytesOf, hexOf, note, read } from "./notation.ts";

const FOLDER = new URL("../../objects-spec/vectors/", import.meta.url);

function load<C>(name: string): readonly C[] {
  return (JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), "utf8")) as VectorFile<C>).cases;
}

function each<C extends { readonly name: string }>(name: string, check: (vector: C) => void): void {
  describe(name, () => {
    it.each(load<C>(name).map((vector) => [vector.name, vector] as const))("%s", (_name, vector) => check(vector));
  });
}

/** Runs an action that must end as the vector says. */
function ends(expected: string, action: () => void, data: object = {}): void {
  if (expected === "ok") action();
  else expect(action).toThrow(expect.objectContaining({ code: expected, data: expect.objectContaining(data) }));
}

each<IdCase>("id", ({ input, oid }) => {
  const bytes = "text" in input ? Buffer.from(input.text) : Uint8Array.from({ length: input.lengthBytes }, (_, i) => i % 251);
  expect(hashBytes(bytes)).toBe(oid);
  const hasher = openHasher();
  for (let at = 0; at < bytes.length; at += 700) hasher.update(bytes.subarray(at, at + 700));
  expect(hasher.finish()).toBe(oid);
});

each<CanonicalCase>("canonical", ({ expect: expected, bytes, value, oid }) => {
  ends(expected, () => {
    expect(note(decodeCanonical(bytesOf(bytes)))).toEqual(value);
    expect(hexOf(encodeCanonical(read(value!)))).toBe(bytes);
    expect(hashBytes(bytesOf(bytes))).toBe(oid);
  });
});

each<ExampleCase>("example", ({ fields, bytes, oid }) => {
  expect(hexOf(encodeCanonical(read(fields)))).toBe(bytes);
  expect(hashBytes(bytesOf(bytes))).toBe(oid);
});

for (const kind of Object.keys(KINDS)) {
  each<RecordCase>(kind, ({ expect: expected, bytes, record, oid, field }) => {
    ends(
      expected,
      () => {
        expect(note(decodeRecord(bytesOf(bytes)) as never)).toEqual(record);
        expect(hexOf(encodeRecord(read(record!) as unknown as AnyRecord))).toBe(bytes);
        expect(recordId(read(record!) as unknown as AnyRecord)).toBe(oid);
      },
      field === undefined ? {} : { field },
    );
  });
}

each<RecordCase>("record", ({ expect: expected, bytes, field }) => {
  ends(expected, () => decodeRecord(bytesOf(bytes)), field === undefined ? {} : { field });
});

each<NameCase>("name", ({ expect: expected, as, text }) => {
  const check = as === "name" ? assertName : assertRefName;
  ends(expected, () => check(text, "record"));
  if (expected !== "ok") expect(() => check(text, "typed")).toThrow(expect.objectContaining({ code: "usage.name" }));
});

each<PathCase>("path", ({ expect: expected, paths, folded }) => {
  ends(expected, () => assertTreePaths(paths));
  if (folded !== undefined) expect(paths.map(foldPath)).toEqual(folded);
});

it("every kind of record has vectors of success, of every missing and every ill-typed field", () => {
  for (const [kind, { fields }] of Object.entries(KINDS)) {
    const names = new Set(load<RecordCase>(kind).map(({ name }) => name));
    for (const [name, { optional }] of Object.entries(fields)) {
      if (!optional) expect(names).toContain(`missing-${name}`);
      expect(names).toContain(`ill-typed-${name}`);
    }
    expect(load<RecordCase>(kind).filter(({ expect: expected }) => expected === "ok").length).toBeGreaterThan(0);
  }
});

it("names of scenarios are unique and every one says why", () => {
  for (const file of readdirSync(FOLDER).filter((name) => name.endsWith(".json"))) {
    const cases = load<{ name: string; why: string }>(file.slice(0, -5));
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
    for (const { why } of cases) expect(why).not.toBe("");
  }
});
