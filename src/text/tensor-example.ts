import { IngotError } from "../base/errors.ts";
import type { DType } from "../onnx/model.ts";
import { DTYPES, isFloat, numbersOf, typedArray } from "../onnx/tensors.ts";
import type { ClassLabels } from "./class-labels.ts";
import type { EncodedExample, LabelValues, TensorValue } from "./encoded.ts";
import type { Example } from "./example.ts";
import type { FieldRecord } from "./formats/row-format.ts";

/** Name of the tensor that is learned; every other one is an input of the model. */
const LABELS_TENSOR = "labels";

/** A row of a tensor file: its tensors as they stand. Throws `input.row` where there are no labels. */
export function encodeTensorExample(example: Example, classes: ClassLabels): EncodedExample {
  const tensors = new Map<string, TensorValue>();
  for (const [name, field] of Object.entries(example.fields)) {
    if (name !== LABELS_TENSOR) tensors.set(name, tensorOf(field as FieldRecord));
  }
  const given = Object.hasOwn(example.fields, LABELS_TENSOR) ? example.fields[LABELS_TENSOR] : undefined;
  if (given === undefined) {
    throw new IngotError("input.row", `the file has no tensor '${LABELS_TENSOR}'`, {
      hint: `add a tensor '${LABELS_TENSOR}' whose first dimension is the examples`,
    });
  }
  const labels = labelsOf(given as FieldRecord);
  const isOne = labels.values.length === 1;
  return {
    id: example.id,
    inputIds: new Int32Array(),
    columns: new Map(),
    tensors,
    labels,
    promptIds: [],
    expectedIds: [],
    expectedText:
      labels.kind === "classes" && isOne
        ? classes.nameOf(labels.values[0] as number)
        : Array.from(labels.values).join(" "),
    inputText: [...tensors].map(([name, { dims }]) => `${name} [${dims.join(", ")}]`).join(", "),
    cut: false,
  };
}

interface TensorField {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

function tensorOf(field: FieldRecord): TensorValue {
  const { dtype, shape, data } = field as unknown as TensorField;
  return { dtype, dims: shape, data: typedArray(dtype, data) };
}

function labelsOf(field: FieldRecord): LabelValues {
  const { dtype, shape, data } = field as unknown as TensorField;
  const numbers = numbersOf({ dtype, dims: shape, data: { at: "memory", bytes: data } });
  if (isFloat(dtype)) return { kind: "floats", dims: shape, values: Float32Array.from(numbers) };
  const most = 2 ** 31 - 1;
  if (DTYPES[dtype].bits === undefined || numbers.some((label) => label < -100 || label > most)) {
    throw new IngotError("input.row", `'${LABELS_TENSOR}' holds values that are no classes`, {
      hint: "classes are whole numbers from 0, -100 where none counts",
    });
  }
  return { kind: "classes", dims: shape, values: Int32Array.from(numbers) };
}
