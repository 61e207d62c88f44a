import { IngotError } from "../base/errors.ts";
import { hashBytes } from "../base/hash.ts";
import type { Scratch } from "../base/ports.ts";
import { type ClassLabels, classLabels } from "../text/class-labels.ts";
import { type ColumnNames, type ReadOptions, readExamples } from "../text/dataset-file.ts";
import type { EncodedExample } from "../text/encoded.ts";
import type { Example } from "../text/example.ts";
import { openExampleEncoder } from "../text/examples.ts";
import type { BaseModel } from "./base-model.ts";
import type { DatasetOnDisk } from "./job.ts";

/** All rows of a training, encoded. */
export interface Rows {
  /** Rows of this training's datasets, in their order. */
  readonly fresh: readonly EncodedExample[];
  /** Rows of the lineage's earlier data that may be replayed, each once. */
  readonly earlier: readonly EncodedExample[];
  readonly heldOut: readonly EncodedExample[];
  /** Earlier rows to whose input a fresh row gives another answer: neither replayed nor tracked. */
  readonly superseded: readonly EncodedExample[];
  readonly classes: ClassLabels;
}

async function readAll(dataset: DatasetOnDisk, scratch: Scratch, into: Map<string, Example>): Promise<void> {
  const options: ReadOptions = {
    ...(typeof dataset.options.as === "string" ? { as: dataset.options.as } : {}),
    ...(dataset.options.columns === undefined ? {} : { columns: dataset.options.columns as ColumnNames }),
    skipBad: dataset.options.skip_bad === true,
  };
  for (const file of dataset.files) {
    const source = await scratch.open(file.name);
    if (source === undefined)
      throw new IngotError("integrity.blob", `'${file.path}' of '${dataset.name}' is not there`);
    try {
      for await (const example of readExamples(source, file.path, options)) into.set(example.id, example);
    } finally {
      await source.close();
    }
  }
}

/** What decides whether two rows ask the same: the prompt, or the whole input where nothing is generated. */
function inputKey(row: EncodedExample): string {
  if (row.promptIds.length > 0) return row.promptIds.join();
  const tensors = [...row.tensors].map(
    ([name, t]) =>
      `${name}:${hashBytes(new Uint8Array(t.data.buffer, t.data.byteOffset, t.data.byteLength))}`,
  );
  return [row.inputIds.join(), ...tensors].join("|");
}

/** Reads and encodes the rows of a training's datasets. Throws `integrity.reference` where a row of a dataset is not in its files. */
export async function readRows(
  datasets: readonly DatasetOnDisk[],
  scratch: Scratch,
  base: BaseModel,
  options: { task: string; maxLength: number; newOnly?: boolean },
): Promise<Rows> {
  const examples = new Map<string, Example>();
  for (const dataset of datasets) await readAll(dataset, scratch, examples);
  const labels = [...examples.values()]
    .map((e) => e.fields.label)
    .filter((label) => typeof label === "string");
  const label2id = base.config?.label2id;
  const classes = classLabels(
    labels,
    typeof label2id === "object" && label2id !== null && !Array.isArray(label2id)
      ? (label2id as Record<string, unknown>)
      : {},
  );
  const encode = openExampleEncoder(base.tokenizer, {
    task: options.task,
    maxLength: options.maxLength,
    classes,
  });
  const encoded = new Map<string, EncodedExample>();
  const row = (id: string, dataset: DatasetOnDisk): EncodedExample => {
    const known = encoded.get(id);
    if (known !== undefined) return known;
    const example = examples.get(id);
    if (example === undefined)
      throw new IngotError(
        "integrity.reference",
        `example e:${id.slice(0, 8)} of '${dataset.name}' is not in its files`,
        { hint: "ingot fsck --deep" },
      );
    const made = encode(example);
    encoded.set(id, made);
    return made;
  };
  const of = (role: string) => datasets.filter((d) => d.role === role);
  const before = new Set(options.newOnly === true ? of("replay").flatMap((d) => d.train) : []);
  const fresh = of("train").flatMap((d) => d.train.filter((id) => !before.has(id)).map((id) => row(id, d)));
  const freshIds = new Set<string>(fresh.map((r) => r.id));
  const asked = new Set(fresh.map(inputKey));
  const isSuperseded = (r: EncodedExample): boolean => !freshIds.has(r.id) && asked.has(inputKey(r));
  const earlier: EncodedExample[] = [];
  const superseded: EncodedExample[] = [];
  for (const r of distinctRows(of("replay").flatMap((d) => d.train.map((id) => row(id, d))))) {
    if (!freshIds.has(r.id)) (isSuperseded(r) ? superseded : earlier).push(r);
  }
  const heldOut = distinctRows(datasets.flatMap((d) => d.heldOut.map((id) => row(id, d))));
  return {
    fresh,
    earlier,
    heldOut: heldOut.filter((r) => !isSuperseded(r)),
    superseded,
    classes,
  };
}

/** Each row once, where it stands first. */
function distinctRows(rows: readonly EncodedExample[]): readonly EncodedExample[] {
  return [...new Map(rows.map((r) => [r.id, r])).values()];
}
