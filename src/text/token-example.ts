import { IngotError } from "../base/errors.ts";
import type { ClassLabels } from "./class-labels.ts";
import { type EncodedExample, IGNORED_LABEL, type LabelValues } from "./encoded.ts";
import type { Example } from "./example.ts";
import { DECODER_INPUTS, TOKEN_INPUTS } from "./formats/tokens.ts";
import { labelText, lastAnswer, rowLabel } from "./row-labels.ts";
import type { Tokenizer } from "./tokenizer.ts";

interface TokenSetting {
  readonly task: string;
  /** Infinity = no limit. */
  readonly maxLength: number;
  readonly classes: ClassLabels;
}

/**
 * A row of tokens as it stands. Without `labels` a text-generation row learns every token that is read. The tokenizer only
 * makes the texts for people. Throws `input.row` where labels are missing or do not fit the task.
 */
export function encodeTokenExample(
  example: Example,
  tokenizer: Tokenizer | undefined,
  { task, maxLength, classes }: TokenSetting,
): EncodedExample {
  const { fields } = example;
  const all = fields.input_ids as readonly number[];
  const inputIds = Int32Array.from(all.slice(0, maxLength));
  const columns = new Map<string, Int32Array>();
  for (const name of [...TOKEN_INPUTS, ...DECODER_INPUTS]) {
    const values = fields[name] as readonly number[] | undefined;
    if (values !== undefined) columns.set(name, Int32Array.from(values.slice(0, maxLength)));
  }
  const mask = columns.get("attention_mask");
  const labels = tokenLabels(example, inputIds, mask, { task, maxLength, classes });
  const perToken = labels.kind === "classes" && labels.dims.length === 1;
  const generates = perToken && task === "text-generation";
  const { promptIds, expectedIds } = generates
    ? lastAnswer(inputIds, labels.values as Int32Array, mask)
    : { promptIds: [], expectedIds: [] };
  const decode = (ids: readonly number[]): string =>
    tokenizer?.decode(ids, { skipSpecialTokens: true }) ?? ids.join(" ");
  const read = Array.from(inputIds).filter((_, i) => mask === undefined || mask[i] === 1);
  return {
    id: example.id,
    inputIds,
    columns,
    tensors: new Map(),
    labels,
    promptIds,
    expectedIds,
    expectedText: generates ? decode(expectedIds) : expectedOf(labels, fields.labels, task, classes),
    inputText: decode(generates ? promptIds : read),
    cut: inputIds.length < all.length,
  };
}

function expectedOf(labels: LabelValues, given: unknown, task: string, classes: ClassLabels): string {
  if (typeof given === "number") return labelText(given, task, classes);
  return Array.from(labels.values)
    .filter((label) => label !== IGNORED_LABEL)
    .join(" ");
}

function tokenLabels(
  example: Example,
  inputIds: Int32Array,
  mask: Int32Array | undefined,
  { task, maxLength, classes }: TokenSetting,
): LabelValues {
  const given = example.fields.labels as number | readonly number[] | undefined;
  if (typeof given === "number") {
    if (task === "text-generation") throw refuse("one label for the row", task);
    return rowLabel(given, task, classes);
  }
  if (given === undefined) {
    if (task !== "text-generation") throw refuse("no labels", task);
    const values = inputIds.map((id, i) => (mask === undefined || mask[i] === 1 ? id : IGNORED_LABEL));
    return { kind: "classes", dims: [values.length], values };
  }
  if (task.endsWith("regression") || given.some((label) => !Number.isInteger(label))) {
    return { kind: "floats", dims: [given.length], values: Float32Array.from(given) };
  }
  const values = Int32Array.from(given.slice(0, maxLength));
  return { kind: "classes", dims: [values.length], values };
}

function refuse(what: string, task: string): IngotError {
  return new IngotError("input.row", `the row has ${what}, which does not fit the task '${task}'`, {
    hint: "name the task with --task, or mend 'labels'",
  });
}
