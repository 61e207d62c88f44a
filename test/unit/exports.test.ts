import fs from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import * as library from "../../src/index.ts";

const SOURCE = fs.readFileSync(fileURLToPath(new URL("../../src/index.ts", import.meta.url)), "utf8");

const VALUES = [
  "IngotError",
  "addData",
  "checkoutFiles",
  "evolution",
  "hashBytes",
  "importPath",
  "init",
  "log",
  "openContext",
  "openRepository",
  "parseOid",
  "processEngineLauncher",
  "reproduce",
  "runVersion",
  "train",
];

const TYPES = [
  "AnyRecord",
  "CommitRecord",
  "Context",
  "ErrorCode",
  "Oid",
  "RecordKind",
  "Repository",
  "TrainEvent",
  "TrainPlan",
];

/** Names of types that the library gives out: they leave no trace in what is loaded. */
function typesOf(source: string): readonly string[] {
  const names = [...source.matchAll(/export (type )?\{([^}]*)\}/g)].flatMap(([, all, list = ""]) =>
    list
      .split(",")
      .map((name) => name.trim())
      .filter((name) => all !== undefined || name.startsWith("type "))
      .map((name) => name.replace(/^type /, "")),
  );
  return names.filter((name) => name !== "").sort();
}

// A name that is gone or another breaks programs: it is a line in CHANGELOG.md.
describe("the library", () => {
  it("gives these functions", () => {
    expect(Object.keys(library).sort()).toEqual(VALUES);
  });

  it("gives these types", () => {
    expect(typesOf(SOURCE)).toEqual(TYPES);
  });
});
