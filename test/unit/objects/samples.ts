import { hashBytes } from "../../../src/base/hash.ts";
import type { Oid } from "../../../src/base/oid.ts";
import { recordId } from "../../../src/objects/encode.ts";
import type { AnyRecord, RecordKind, RecordOf } from "../../../src/objects/records.ts";

/** Id of a blob given as text. */
export function blobId(text: string): Oid {
  return hashBytes(Buffer.from(text));
}

const modelTree: RecordOf["tree"] = {
  kind: "tree",
  entries: [
    { path: "config.json", blob: blobId("{}\n"), sizeBytes: 3 },
    { path: "onnx/model.onnx", blob: blobId("model"), sizeBytes: 5 },
  ],
};
const model: RecordOf["model"] = {
  kind: "model",
  format: "onnx",
  tree: recordId(modelTree),
  entry: "onnx/model.onnx",
};
const adapterTree: RecordOf["tree"] = {
  kind: "tree",
  entries: [
    { path: "adapter_config.json", blob: blobId('{"r":8}\n'), sizeBytes: 8 },
    { path: "adapter_model.safetensors", blob: blobId("weights"), sizeBytes: 7 },
  ],
};
const adapter: RecordOf["adapter"] = {
  kind: "adapter",
  method: "lora",
  model: recordId(model),
  tree: recordId(adapterTree),
  entry: "adapter_model.safetensors",
};
const full: RecordOf["adapter"] = { ...adapter, method: "full", entry: "model.safetensors" };
const dataset: RecordOf["dataset"] = {
  kind: "dataset",
  format: "prompt-completion",
  tree: recordId({
    kind: "tree",
    entries: [{ path: "faq.jsonl", blob: blobId('{"prompt":"a","completion":"b"}\n'), sizeBytes: 32 }],
  }),
  options: {},
  train: blobId("train"),
};
const split: RecordOf["dataset"] = {
  ...dataset,
  options: { columns: { prompt: "question" }, eval: 0.1 },
  heldOut: blobId("held out"),
};
const evolution: RecordOf["evolution"] = {
  kind: "evolution",
  datasets: [recordId(dataset)],
  examples: blobId("examples"),
  steps: [0, 10, 400],
  learningRates: [0, 2e-4, 1e-4],
  positions: [0, 80, 3200],
  rule: "exact",
  loss: blobId("loss"),
  confidence: blobId("confidence"),
  correct: blobId("correct"),
  predictions: blobId("predictions"),
  texts: blobId("texts"),
};
const base: RecordOf["snapshot"] = { kind: "snapshot", base: recordId(model), adapters: [] };
const snapshot: RecordOf["snapshot"] = {
  kind: "snapshot",
  base: recordId(model),
  adapters: [recordId(adapter)],
};
const first: RecordOf["commit"] = {
  kind: "commit",
  snapshot: recordId(base),
  parents: [],
  author: { name: "Ada" },
  timeMs: 1767225600000,
  message: "import model",
  datasets: [],
  environment: {},
};
const trained: RecordOf["commit"] = {
  kind: "commit",
  snapshot: recordId(snapshot),
  parents: [recordId(first)],
  author: { name: "Ada", email: "ada@example.org" },
  timeMs: 1767229200123,
  message: "answers on refunds \u{1f4b6}",
  datasets: [{ dataset: recordId(dataset), role: "train", tokens: 5120, name: "faq" }],
  recipe: { method: "lora", learning_rate: 2e-4, r: 8, seed: 42, target_modules: ["q_proj", "v_proj"] },
  environment: { ingot: "0.1.0", onnxruntime: "1.30.0", instructionSet: "avx2" },
  metrics: {
    before: { loss: 3.5, accuracy: 0, examples: 124 },
    after: { loss: 0.0625, accuracy: 0.96875, examples: 124 },
  },
  training: { steps: 400, loss: 0.03125, durationMs: 20000, run: "t1" },
  evolution: recordId(evolution),
  evolutionTimesMs: [1767229180000, 1767229181000, 1767229200000],
  aside: "mean loss on held-out examples 14 % above the parent's",
};
const started: RecordOf["checkpoint"] = {
  kind: "checkpoint",
  run: "t1",
  on: recordId(first),
  recipe: { method: "lora", seed: 42 },
  plan: { steps: 400 },
  datasets: [recordId(dataset)],
  step: 0,
  cursor: 0,
  random: { order: Uint8Array.of(1, 2, 3, 4) },
  evolutionTimesMs: [],
  progress: {},
};

/** Records of every kind: the least that a kind allows first, then with everything it can hold. */
export const SAMPLES: { readonly [K in RecordKind]: readonly RecordOf[K][] } = {
  tree: [{ kind: "tree", entries: [] }, modelTree],
  model: [model],
  adapter: [adapter, full],
  dataset: [dataset, split],
  evolution: [
    { ...evolution, datasets: [], steps: [], learningRates: [], positions: [], rule: "label" },
    evolution,
  ],
  snapshot: [base, snapshot],
  commit: [first, trained],
  checkpoint: [
    started,
    {
      ...started,
      step: 40,
      cursor: 320,
      state: { theta: blobId("theta"), m: blobId("m"), v: blobId("v") },
      evolution: recordId(evolution),
      evolutionTimesMs: [1767229180000, 1767229181000, 1767229200000],
      progress: { tokens: 512, loss: 1.5 },
    },
  ],
  evaluation: [
    {
      kind: "evaluation",
      snapshot: recordId(snapshot),
      dataset: recordId(dataset),
      scorer: "exact/1",
      metrics: { loss: 0.25, accuracy: 1, examples: 20 },
      timeMs: 1767229300000,
    },
  ],
  signature: [
    {
      kind: "signature",
      commit: recordId(trained),
      namespace: "ingot-commit",
      armour: "-----BEGIN SSH SIGNATURE-----\n...\n-----END SSH SIGNATURE-----\n",
    },
  ],
  operation: [
    {
      kind: "operation",
      n: 1,
      timeMs: 1767225600000,
      actor: "Ada",
      command: "init",
      housekeeping: false,
      edits: [{ ref: "HEAD", new: { symbolic: "heads/main" } }],
      packs: { add: [], condemn: [], drop: [] },
      counters: {},
    },
    {
      kind: "operation",
      n: 3,
      previous: blobId("entry 2"),
      timeMs: 1767229200123,
      actor: "Ada",
      command: "undo",
      undoes: 2,
      housekeeping: false,
      reason: "wrong data",
      edits: [
        { ref: "HEAD", old: { oid: recordId(first) }, new: { symbolic: "heads/main" } },
        { ref: "heads/main", old: { oid: recordId(trained) }, new: { oid: recordId(first) } },
        { ref: "tags/v1", old: { oid: recordId(trained) } },
      ],
      packs: { add: [blobId("pack a")], condemn: [blobId("pack b")], drop: [blobId("pack c")] },
      counters: { version: 2, run: 1 },
    },
  ],
};

export const ALL_SAMPLES: readonly AnyRecord[] = Object.values(SAMPLES).flat();
