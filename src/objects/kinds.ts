import type { RecordKind, RecordOf } from "./records.ts";
import { commitRule, entryRule, evolutionRule, operationRule, type Rule, treeRule } from "./rules.ts";
import {
  boolean,
  choice,
  type Field,
  label,
  list,
  map,
  may,
  must,
  named,
  number,
  oid,
  oneOf,
  open,
  positive,
  share,
  text,
  whole,
  wholeFrom,
} from "./shape.ts";

type FieldsOf<R> = { readonly [F in Exclude<keyof R, "kind">]-?: Field };

/** A kind of record: its format version, its fields, and what they must satisfy together. */
export interface Kind<R> {
  readonly v: number;
  readonly fields: FieldsOf<R>;
  readonly rule?: Rule<R>;
}

const metrics = map({ loss: must(number), accuracy: must(share), examples: must(whole) });
const refValue = choice({ oid: must(oid("any")), symbolic: must(text) });

/** The one table of record kinds. A new kind is a row here, a type in `records.ts` and a page in `objects-spec/`. */
export const KINDS: { readonly [K in RecordKind]: Kind<RecordOf[K]> } = {
  tree: {
    v: 1,
    fields: {
      entries: must(list(map({ path: must(label), blob: must(oid("blob")), sizeBytes: must(whole) }))),
    },
    rule: treeRule,
  },
  model: {
    v: 1,
    fields: { format: must(oneOf("onnx")), tree: must(oid("tree")), entry: must(label) },
    rule: entryRule,
  },
  adapter: {
    v: 1,
    fields: {
      method: must(oneOf("lora", "full")),
      model: must(oid("model")),
      tree: must(oid("tree")),
      entry: must(label),
    },
    rule: entryRule,
  },
  dataset: {
    v: 1,
    fields: {
      format: must(label),
      tree: must(oid("tree")),
      options: must(open),
      train: must(oid("blob")),
      heldOut: may(oid("blob")),
    },
  },
  evolution: {
    v: 1,
    fields: {
      datasets: must(list(oid("dataset"))),
      examples: must(oid("blob")),
      steps: must(list(whole)),
      learningRates: must(list(positive)),
      positions: must(list(whole)),
      rule: must(oneOf("exact", "label", "threshold")),
      loss: must(oid("blob")),
      confidence: must(oid("blob")),
      correct: must(oid("blob")),
      predictions: must(oid("blob")),
      texts: must(oid("blob")),
    },
    rule: evolutionRule,
  },
  snapshot: {
    v: 1,
    fields: { base: must(oid("model")), adapters: must(list(oid("adapter"))) },
  },
  commit: {
    v: 1,
    fields: {
      snapshot: must(oid("snapshot")),
      parents: must(list(oid("commit"))),
      author: must(map({ name: must(text), email: may(text) })),
      timeMs: must(whole),
      message: must(text),
      datasets: must(
        list(
          map({
            dataset: must(oid("dataset")),
            role: must(oneOf("train", "replay")),
            tokens: must(whole),
            name: must(text),
          }),
        ),
      ),
      recipe: may(open),
      environment: must(open),
      metrics: may(map({ before: may(metrics), after: may(metrics) })),
      training: may(
        map({ steps: must(whole), loss: must(number), durationMs: must(whole), run: must(label) }),
      ),
      evolution: may(oid("evolution")),
      evolutionTimesMs: may(list(whole)),
      aside: may(text),
    },
    rule: commitRule,
  },
  checkpoint: {
    v: 1,
    fields: {
      run: must(label),
      on: must(oid("commit")),
      recipe: must(open),
      plan: must(open),
      datasets: must(list(oid("dataset"))),
      step: must(whole),
      cursor: must(whole),
      random: must(open),
      state: may(map({ theta: must(oid("blob")), m: must(oid("blob")), v: must(oid("blob")) })),
      evolution: may(oid("evolution")),
      evolutionTimesMs: must(list(whole)),
      progress: must(open),
    },
  },
  evaluation: {
    v: 1,
    fields: {
      snapshot: must(oid("snapshot")),
      dataset: must(oid("dataset")),
      scorer: must(label),
      metrics: must(metrics),
      timeMs: must(whole),
    },
  },
  signature: {
    v: 1,
    fields: { commit: must(oid("commit")), namespace: must(label), armour: must(label) },
  },
  operation: {
    v: 1,
    fields: {
      n: must(wholeFrom(1)),
      previous: may(oid("operation")),
      timeMs: must(whole),
      actor: must(text),
      command: must(text),
      undoes: may(wholeFrom(1)),
      housekeeping: must(boolean),
      reason: may(text),
      edits: must(list(map({ ref: must(label), old: may(refValue), new: may(refValue) }))),
      packs: must(
        map({
          add: must(list(oid("pack"))),
          condemn: must(list(oid("pack"))),
          drop: must(list(oid("pack"))),
        }),
      ),
      counters: must(named(whole)),
    },
    rule: operationRule,
  },
};
