import { IngotError } from "../base/errors.ts";
import { isOid, OID_BYTES, oidFromBytes, oidToBytes } from "../base/oid.ts";
import type { Fields, Shape } from "./shape.ts";

/** Direction of a change between a record in memory (ids in hex) and on the wire (ids as 32 bytes). */
export type Direction = "encode" | "decode";

type Bag = Record<string, unknown>;

/**
 * Checks a value against its shape and changes ids between hex and bytes; a fresh value. Refuses missing, unknown and
 * ill-typed fields with the place in `where`: `input.format` when encoding, `integrity.record` when decoding.
 */
export function changeShape(shape: Shape, value: unknown, where: string, direction: Direction): unknown {
  switch (shape.type) {
    case "oid":
      return changeOid(value, where, direction);
    case "text":
      if (typeof value !== "string") throw misfit(where, "is no text", direction);
      if (shape.nonEmpty === true && value === "") throw misfit(where, "is empty", direction);
      if (shape.oneOf !== undefined && !shape.oneOf.includes(value)) {
        throw misfit(where, `is none of ${shape.oneOf.join(", ")}`, direction);
      }
      return value;
    case "whole":
      if (!Number.isSafeInteger(value)) throw misfit(where, "is no whole number", direction);
      if ((value as number) < shape.least) throw misfit(where, `is less than ${shape.least}`, direction);
      return value;
    case "number":
      if (typeof value !== "number") throw misfit(where, "is no number", direction);
      if (!Number.isFinite(value)) throw misfit(where, `is ${value}`, direction);
      if (shape.least !== undefined && value < shape.least)
        throw misfit(where, `is less than ${shape.least}`, direction);
      if (shape.most !== undefined && value > shape.most)
        throw misfit(where, `is more than ${shape.most}`, direction);
      return value;
    case "boolean":
      if (typeof value !== "boolean") throw misfit(where, "is neither true nor false", direction);
      return value;
    case "list":
      if (!Array.isArray(value)) throw misfit(where, "is no list", direction);
      return value.map((inner, i) => changeShape(shape.of, inner, `${where}.${i}`, direction));
    case "map":
      return changeFields(shape.fields, asBag(value, where, direction), where, direction);
    case "choice": {
      const bag = asBag(value, where, direction);
      const [key, more] = Object.keys(bag).filter((name) => bag[name] !== undefined);
      const field = key !== undefined && Object.hasOwn(shape.fields, key) ? shape.fields[key] : undefined;
      if (key === undefined || field === undefined || more !== undefined) {
        throw misfit(where, `has not exactly one of ${Object.keys(shape.fields).join(", ")}`, direction);
      }
      return { [key]: changeShape(field.shape, bag[key], `${where}.${key}`, direction) };
    }
    case "named": {
      const result: Bag = Object.create(null);
      for (const [name, inner] of Object.entries(asBag(value, where, direction))) {
        if (inner !== undefined) result[name] = changeShape(shape.of, inner, `${where}.${name}`, direction);
      }
      return result;
    }
    case "open":
      return asBag(value, where, direction);
  }
}

/** `changeShape` of the fields of one map. */
export function changeFields(fields: Fields, bag: Bag, where: string, direction: Direction): Bag {
  const prefix = where === "" ? "" : `${where}.`;
  const result: Bag = {};
  for (const [name, { shape, optional }] of Object.entries(fields)) {
    const value = Object.hasOwn(bag, name) ? bag[name] : undefined;
    if (value !== undefined) result[name] = changeShape(shape, value, prefix + name, direction);
    else if (!optional) throw misfit(prefix + name, "is missing", direction);
  }
  for (const name of Object.keys(bag)) {
    if (!Object.hasOwn(fields, name) && bag[name] !== undefined) {
      throw misfit((prefix + name).slice(0, 200), "is unknown", direction);
    }
  }
  return result;
}

function changeOid(value: unknown, where: string, direction: Direction): unknown {
  if (direction === "encode") {
    if (typeof value !== "string" || !isOid(value)) throw misfit(where, "is no object id", direction);
    return oidToBytes(value);
  }
  if (!(value instanceof Uint8Array) || value.length !== OID_BYTES) {
    throw misfit(where, `is no id of ${OID_BYTES} bytes`, direction);
  }
  return oidFromBytes(value);
}

function asBag(value: unknown, where: string, direction: Direction): Bag {
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Uint8Array) {
    throw misfit(where, "is no map", direction);
  }
  return value as Bag;
}

/** Refusal of a record because of one field. */
export function misfit(where: string, what: string, direction: Direction): IngotError {
  return new IngotError(
    direction === "encode" ? "input.format" : "integrity.record",
    `the field '${where}' ${what}`,
    {
      data: { where: `field ${where}`, field: where },
      hint: direction === "decode" ? "ingot fsck" : undefined,
    },
  );
}
