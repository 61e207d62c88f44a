import { compareText } from "../base/canonical.ts";
import { IngotError } from "../base/errors.ts";

/** Classes of a model by name, and back. */
export interface ClassLabels {
  /** The class of a label: whole numbers are classes already. Throws `input.row` for one that is unknown. */
  idOf(label: string | number): number;
  /** The name of a class; its number where it has none. */
  nameOf(id: number): string;
}

/**
 * The classes of a training: those of the model's `label2id` where it knows every name in the data, else the distinct
 * names in the order of their bytes, so that the order of rows does not count.
 */
export function classLabels(
  names: Iterable<string>,
  label2id: Readonly<Record<string, unknown>> = {},
): ClassLabels {
  const distinct = [...new Set(names)].sort(compareText);
  const known = new Map(
    Object.entries(label2id).filter((entry): entry is [string, number] => Number.isInteger(entry[1])),
  );
  const covers = distinct.every((name) => known.has(name));
  const ids: ReadonlyMap<string, number> = covers ? known : new Map(distinct.map((name, id) => [name, id]));
  const byId = new Map([...ids].map(([name, id]) => [id, name]));
  return {
    nameOf: (id) => byId.get(id) ?? String(id),
    idOf(label) {
      const id = typeof label === "number" ? label : ids.get(label);
      if (id === undefined || !Number.isInteger(id) || id < 0) {
        throw new IngotError("input.row", `'${label}' is no class of this model`, {
          hint: `classes are ${[...ids.keys()].slice(0, 20).join(", ") || "whole numbers from 0"}`,
          data: { label },
        });
      }
      return id;
    },
  };
}
