import type { Oid } from "../../base/oid.ts";
import type { DType } from "../../onnx/model.ts";
import { numbersOf } from "../../onnx/tensors.ts";
import type { Repository } from "../../repo/repository.ts";
import { conversationOf } from "../../text/conversation.ts";
import { type ColumnNames, type ReadOptions, readExamples } from "../../text/dataset-file.ts";
import type { Example } from "../../text/example.ts";
import { readIds } from "../id-lists.ts";

/** An example for people. */
export interface ExampleText {
  readonly id: string;
  readonly input: string;
  readonly expected: string;
  /** `file:line` of its first occurrence. */
  readonly at: string;
  readonly heldOut: boolean;
}

const MAX_NUMBERS = 12;

/** A tensor of a row, as the format `tensors` holds it. */
interface TensorField {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

function isTensor(value: unknown): value is TensorField {
  const field = value as Partial<TensorField> | undefined | null;
  return typeof field === "object" && field?.data instanceof Uint8Array && Array.isArray(field.shape);
}

function numbersShown({ dtype, shape, data }: TensorField): string {
  const numbers = numbersOf({ dtype, dims: shape, data: { at: "memory", bytes: data } });
  return shape.length === 0 ? String(numbers[0]) : shown(numbers);
}

function shown(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (ArrayBuffer.isView(value) || Array.isArray(value)) {
    const list = Array.from(value as ArrayLike<unknown>);
    return `[${list.slice(0, MAX_NUMBERS).join(" ")}${list.length > MAX_NUMBERS ? " …" : ""}]`;
  }
  return value === undefined ? "" : JSON.stringify(value).slice(0, 200);
}

/** Question and answer of a row: the last user message and the last answer of a chat, text and label, tokens and labels. */
export function textOf(example: Example): { readonly input: string; readonly expected: string } {
  const conversation = conversationOf(example);
  if (conversation !== undefined) {
    const said = (role: string): string =>
      shown(conversation.messages.findLast((m) => m.role === role)?.content);
    return { input: said("user"), expected: said("assistant") };
  }
  const { fields } = example;
  if ("label" in fields) return { input: shown(fields.text), expected: shown(fields.label) };
  if ("text" in fields) return { input: shown(fields.text), expected: shown(fields.text) };
  const { labels, ...inputs } = fields;
  if (isTensor(labels)) {
    const input = Object.entries(inputs).map(([name, t]) =>
      isTensor(t) ? `${name} ${t.dtype} [${t.shape.join(", ")}]` : `${name} ${shown(t)}`,
    );
    return { input: input.join(", "), expected: numbersShown(labels) };
  }
  return { input: shown(Object.values(inputs)[0]), expected: shown(labels) };
}

/** Texts of examples by id, read from the files of their datasets. */
export async function exampleTexts(
  repo: Repository,
  datasets: readonly Oid[],
  wanted: ReadonlySet<string>,
): Promise<ReadonlyMap<string, ExampleText>> {
  const found = new Map<string, ExampleText>();
  for (const oid of datasets) {
    const record = await repo.readRecord(oid, "dataset");
    const tree = await repo.readRecord(record.tree, "tree");
    const heldOut = new Set<string>(await readIds(repo, record.heldOut));
    const options: ReadOptions = {
      ...(typeof record.options.as === "string" ? { as: record.options.as } : {}),
      ...(record.options.columns === undefined
        ? {}
        : { columns: record.options.columns as unknown as ColumnNames }),
      skipBad: record.options.skip_bad === true,
    };
    for (const entry of tree.entries) {
      for await (const example of readExamples(await repo.openObject(entry.blob), entry.path, options)) {
        if (!wanted.has(example.id) || found.has(example.id)) continue;
        found.set(example.id, {
          id: example.id,
          ...textOf(example),
          at: `${entry.path}:${example.line}`,
          heldOut: heldOut.has(example.id),
        });
      }
    }
  }
  return found;
}
