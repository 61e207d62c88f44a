import type { RecordKind } from "./records.ts";

/** What an id in a record names; `pack` and `any` are not followed by walks. */
export type Target = RecordKind | "blob" | "pack" | "any";

/**
 * Type of a value in a record. One table of shapes serves checking, the change between hex ids and their 32 bytes, and
 * the list of references.
 */
export type Shape =
  | { readonly type: "oid"; readonly to: Target }
  | { readonly type: "text"; readonly oneOf?: readonly string[]; readonly nonEmpty?: true }
  | { readonly type: "whole"; readonly least: number }
  | { readonly type: "number"; readonly least?: number; readonly most?: number }
  | { readonly type: "boolean" }
  | { readonly type: "list"; readonly of: Shape }
  | { readonly type: "map"; readonly fields: Fields }
  /** A map with exactly one of the fields. */
  | { readonly type: "choice"; readonly fields: Fields }
  /** A map of free keys to values of one shape. */
  | { readonly type: "named"; readonly of: Shape }
  /** A map of free keys to whatever canonical MessagePack can say. */
  | { readonly type: "open" };

export interface Field {
  readonly shape: Shape;
  readonly optional: boolean;
}

export type Fields = { readonly [name: string]: Field };

export const oid = (to: Target): Shape => ({ type: "oid", to });
export const text: Shape = { type: "text" };
export const label: Shape = { type: "text", nonEmpty: true };
export const oneOf = (...words: readonly string[]): Shape => ({ type: "text", oneOf: words });
export const whole: Shape = { type: "whole", least: 0 };
export const wholeFrom = (least: number): Shape => ({ type: "whole", least });
export const number: Shape = { type: "number" };
export const share: Shape = { type: "number", least: 0, most: 1 };
export const positive: Shape = { type: "number", least: 0 };
export const boolean: Shape = { type: "boolean" };
export const list = (of: Shape): Shape => ({ type: "list", of });
export const map = (fields: Fields): Shape => ({ type: "map", fields });
export const choice = (fields: Fields): Shape => ({ type: "choice", fields });
export const named = (of: Shape): Shape => ({ type: "named", of });
export const open: Shape = { type: "open" };

export const must = (shape: Shape): Field => ({ shape, optional: false });
export const may = (shape: Shape): Field => ({ shape, optional: true });
