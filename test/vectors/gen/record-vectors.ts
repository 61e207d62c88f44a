import { type CanonicalValue, decodeCanonical, encodeCanonical } from "../../../src/base/canonical.ts";
import { encodeRecord, recordId } from "../../../src/objects/encode.ts";
import { KINDS } from "../../../src/objects/kinds.ts";
import type { AnyRecord, RecordKind } from "../../../src/objects/records.ts";
import type { Fields, Shape } from "../../../src/objects/shape.ts";
import { ALL_SAMPLES, blobId, SAMPLES } from "../../unit/objects/samples.ts";
import type { RecordCase } from "../cases.ts";
import { bytesOf, hexOf, type Noted, note } from "../notation.ts";

type Wire = { [key: string]: CanonicalValue };

function wireOf(record: AnyRecord): Wire {
  return decodeCanonical(encodeRecord(record)) as Wire;
}

/** A value that no field of the shape can hold. */
function misfitOf(shape: Shape): CanonicalValue {
  if (shape.type === "oid") return new Uint8Array(31);
  if (shape.type === "text" || shape.type === "open") return 1;
  return "x";
}

function refused(name: string, why: string, wire: CanonicalValue, field?: string, code = "integrity.record"): RecordCase {
  return { name, why, expect: code, bytes: hexOf(encodeCanonical(wire)), ...(field === undefined ? {} : { field }) };
}

/** What every kind refuses: each field missing, each field of another type, unknown fields, other versions. */
function fieldCases(kind: RecordKind): RecordCase[] {
  const wire = wireOf(SAMPLES[kind].at(-1) as AnyRecord);
  const cases: RecordCase[] = [];
  for (const [name, { shape, optional }] of Object.entries(KINDS[kind].fields as Fields)) {
    const { [name]: _dropped, ...without } = wire;
    if (!optional) cases.push(refused(`missing-${name}`, `'${name}' is required`, without, name));
    cases.push(refused(`ill-typed-${name}`, `'${name}' has one type`, { ...wire, [name]: misfitOf(shape) }, name));
  }
  cases.push(refused("unknown-field", "a field that the page does not name", { ...wire, zzz: 1 }, "zzz"));
  cases.push(refused("newer-version", "a reader stops at a version that it does not know", { ...wire, v: 2 }, undefined, "input.version"));
  return cases;
}

const id = (text: string): Uint8Array => bytesOf(blobId(text));
const entry = (path: string): Wire => ({ path, blob: id(path), sizeBytes: 1 });
const tree = (...paths: string[]): Wire => ({ kind: "tree", v: 1, entries: paths.map(entry) });
const latest = (kind: RecordKind, change: Wire): Wire => ({ ...wireOf(SAMPLES[kind].at(-1) as AnyRecord), ...change });
const edits = (...list: Wire[]): Wire => latest("operation", { edits: list });

type Special = readonly [name: string, why: string, wire: Wire, field?: string | undefined, code?: string];

/** What single kinds refuse beyond the types of their fields. */
const SPECIAL: { readonly [K in RecordKind]?: readonly Special[] } = {
  tree: [
    ["unsorted", "entries stand in the order of the bytes of their paths", tree("b", "a"), "entries.1.path"],
    ["path-twice", "a path stands once", tree("a", "a"), "entries.1.path"],
    ["file-and-folder", "a path is a file or a folder", tree("a", "a-b", "a/b"), "entries.2.path"],
    ["path-out", "paths stay within the tree", tree("../x"), undefined, "input.path"],
    ["path-absolute", "paths are relative", tree("/x"), undefined, "input.path"],
    ["path-repository", "no path leads into a repository", tree(".Ingot/config.toml"), undefined, "input.path"],
    ["path-device", "no path is a device on any system", tree("a/nul.onnx"), undefined, "input.path"],
    ["mode", "the format has no modes and no links", { kind: "tree", v: 1, entries: [{ ...entry("a"), mode: 0o120000 }] }, "entries.0.mode"],
    ["negative-size", "sizes are 0 or more", { kind: "tree", v: 1, entries: [{ ...entry("a"), sizeBytes: -1 }] }, "entries.0.sizeBytes"],
    ["short-id", "an id has 32 bytes", { kind: "tree", v: 1, entries: [{ ...entry("a"), blob: new Uint8Array(20) }] }, "entries.0.blob"],
    ["hex-id", "an id is bytes, not hex", { kind: "tree", v: 1, entries: [{ ...entry("a"), blob: blobId("a") }] }, "entries.0.blob"],
  ],
  model: [
    ["unknown-format", "one format so far", latest("model", { format: "gguf" }), "format"],
    ["entry-out", "the entry is a path of the tree", latest("model", { entry: "../model.onnx" }), undefined, "input.path"],
    ["entry-empty", "the entry is a path of the tree", latest("model", { entry: "" }), "entry"],
  ],
  adapter: [
    ["unknown-method", "lora or full", latest("adapter", { method: "dora" }), "method"],
    ["entry-out", "the entry is a path of the tree", latest("adapter", { entry: "/etc/passwd" }), undefined, "input.path"],
  ],
  dataset: [["format-empty", "a format has a name", latest("dataset", { format: "" }), "format"]],
  evolution: [
    ["steps-fall", "steps rise", latest("evolution", { steps: [0, 10, 10] }), "steps.2"],
    ["rates-short", "one learning rate a step", latest("evolution", { learningRates: [0] }), "learningRates"],
    ["positions-long", "one position a step", latest("evolution", { positions: [0, 1, 2, 3] }), "positions"],
    ["unknown-rule", "exact, label or threshold", latest("evolution", { rule: "vibes" }), "rule"],
    ["step-fraction", "steps are whole", latest("evolution", { steps: [0, 10, 10.5] }), "steps.2"],
  ],
  commit: [
    ["parent-twice", "a parent stands once", latest("commit", { parents: [id("p"), id("p")] }), "parents"],
    ["evolution-without-times", "the times stand with the evolution", omit(latest("commit", {}), "evolutionTimesMs"), "evolutionTimesMs"],
    ["times-without-evolution", "the times stand with the evolution", omit(latest("commit", {}), "evolution"), "evolutionTimesMs"],
    ["negative-time", "times are 0 or more", latest("commit", { timeMs: -1 }), "timeMs"],
    ["accuracy-above-1", "a share is from 0 to 1", latest("commit", { metrics: { after: { loss: 1, accuracy: 1.5, examples: 1 } } }), "metrics.after.accuracy"],
    ["unknown-role", "train or replay", latest("commit", { datasets: [{ dataset: id("d"), role: "test", tokens: 1, name: "d" }] }), "datasets.0.role"],
    ["author-unknown-field", "an author has a name and an email", latest("commit", { author: { name: "a", phone: "1" } }), "author.phone"],
    ["recipe-list", "a recipe is a map", latest("commit", { recipe: [1] }), "recipe"],
  ],
  checkpoint: [["state-partial", "three vectors or none", latest("checkpoint", { state: { theta: id("t"), m: id("m") } }), "state.v"]],
  evaluation: [["metrics-empty", "loss, accuracy and examples", latest("evaluation", { metrics: {} }), "metrics.loss"]],
  signature: [["armour-empty", "a signature has one", latest("signature", { armour: "" }), "armour"]],
  operation: [
    ["entry-0", "entries count from 1", latest("operation", { n: 0 }), "n"],
    ["first-with-previous", "entry 1 has none before it", omit(latest("operation", { n: 1 }), "undoes"), "previous"],
    ["later-without-previous", "every later entry has one before it", omit(latest("operation", {}), "previous"), "previous"],
    ["undoes-itself", "undo takes back an earlier entry", latest("operation", { undoes: 3 }), "undoes"],
    ["edit-empty", "an edit has an old or a new value", edits({ ref: "heads/main" }), "edits.0"],
    ["edit-twice", "a ref is edited once", edits({ ref: "heads/a", new: { oid: id("a") } }, { ref: "heads/a", new: { oid: id("b") } }), "edits.1.ref"],
    ["ref-out", "ref names are names", edits({ ref: "heads/../../x", new: { oid: id("a") } }), undefined, "input.name"],
    ["ref-unknown-prefix", "ref names start as the page says", edits({ ref: "refs/heads/main", new: { oid: id("a") } }), undefined, "input.name"],
    ["symbolic-branch", "only HEAD is symbolic", edits({ ref: "heads/a", new: { symbolic: "heads/b" } }), "edits.0"],
    ["symbolic-tag", "HEAD names a branch", edits({ ref: "HEAD", new: { symbolic: "tags/v1" } }), "edits.0"],
    ["symbolic-bad-name", "HEAD names a branch", edits({ ref: "HEAD", new: { symbolic: "heads/../x" } }), undefined, "input.name"],
    ["value-both", "an object or a branch", edits({ ref: "HEAD", new: { oid: id("a"), symbolic: "heads/a" } }), "edits.0.new"],
    ["value-neither", "an object or a branch", edits({ ref: "HEAD", new: {} }), "edits.0.new"],
    ["pack-twice", "a pack stands once", latest("operation", { packs: { add: [id("p"), id("p")], condemn: [], drop: [] } }), "packs.add"],
    ["counter-fraction", "counters are whole", latest("operation", { counters: { version: 1.5 } }), "counters.version"],
    ["counter-name", "counters have names", latest("operation", { counters: { "../x": 1 } }), undefined, "input.name"],
  ],
};

function omit(wire: Wire, key: string): Wire {
  const { [key]: _dropped, ...rest } = wire;
  return rest;
}

export function recordCases(): { [kind: string]: RecordCase[] } {
  const result: { [kind: string]: RecordCase[] } = {};
  for (const kind of Object.keys(KINDS) as RecordKind[]) {
    const good = SAMPLES[kind].map((record, i) => ({
      name: i === 0 && SAMPLES[kind].length > 1 ? "least" : i > 1 ? `full-${i}` : "full",
      why: i === 0 && SAMPLES[kind].length > 1 ? "only what is required" : "with all that it can hold",
      expect: "ok",
      bytes: hexOf(encodeRecord(record)),
      record: note(record as never) as Noted,
      oid: recordId(record),
    }));
    const special = (SPECIAL[kind] ?? []).map(([name, why, wire, field, code]) => refused(name, why, wire, field, code));
    result[kind] = [...good, ...fieldCases(kind), ...special];
  }
  return result;
}

/** What holds for records of any kind. */
export function recordFrameCases(): RecordCase[] {
  const model = wireOf(SAMPLES.model[0] as AnyRecord);
  const bytes = encodeRecord(SAMPLES.model[0] as AnyRecord);
  return [
    refused("list", "a record is a map", [1]),
    refused("text", "a record is a map", "tree"),
    refused("empty-map", "a record names its kind", {}, "kind"),
    refused("kind-missing", "a record names its kind", omit(model, "kind"), "kind"),
    refused("kind-number", "a kind is text", { ...model, kind: 1 }, "kind"),
    refused("kind-unknown", "a reader stops at a kind that it does not know", { ...model, kind: "merge" }, undefined, "input.version"),
    refused("kind-proto", "a name that objects have themselves is no kind", { kind: "constructor", v: 1 }, undefined, "input.version"),
    refused("version-missing", "a record has a version", omit(model, "v"), "v"),
    refused("version-text", "a version is a whole number", { ...model, v: "1" }, "v"),
    refused("version-0", "versions count from 1", { ...model, v: 0 }, undefined, "input.version"),
    refused("version-fraction", "a version is a whole number", { ...model, v: 1.5 }, "v"),
    { name: "after-end", why: "exactly one value", expect: "integrity.record", bytes: `${hexOf(bytes)}00` },
    { name: "truncated", why: "the last byte is missing", expect: "integrity.record", bytes: hexOf(bytes.subarray(0, -1)) },
    ...ALL_SAMPLES.filter((_, i) => i % 6 === 0).map((record, i) => ({
      name: `map16-head-${i}-${record.kind}`,
      why: "the same record with a longer head is refused",
      expect: "integrity.record",
      bytes: withLongHead(encodeRecord(record)),
    })),
  ];
}

function withLongHead(bytes: Uint8Array): string {
  const count = (bytes[0] as number) & 0x0f;
  return `de00${count.toString(16).padStart(2, "0")}${hexOf(bytes.subarray(1))}`;
}
