import { MessageWriter } from "../../src/onnx/protobuf.ts";

/** Field by field protobuf bytes, for messages that the encoder would never write. */
export type Field = readonly [number: number, value: number | string | Uint8Array | readonly Field[]];

export function message(...fields: readonly Field[]): Uint8Array {
  const writer = new MessageWriter(64);
  const write = ([number, value]: Field): void => {
    if (typeof value === "number") writer.int64(number, value);
    else if (typeof value === "string") writer.text(number, value);
    else if (value instanceof Uint8Array) writer.data(number, value);
    else writer.message(number, () => value.forEach(write));
  };
  fields.forEach(write);
  return writer.finish().slice();
}

/** A model of IR 8, opset 18, whose graph has the given fields. */
export function modelBytes(...graph: readonly Field[]): Uint8Array {
  return message([1, 8], [7, [...graph, [2, "g"]]], [8, [[2, 18]]]);
}

/** A graph field: the initialiser `w` with the given further fields of its TensorProto. */
export function initializer(...fields: readonly Field[]): Field {
  return [5, [[8, "w"], ...fields]];
}

/** A key and value of external_data. */
export function external(key: string, value: string): Field {
  return [
    13,
    [
      [1, key],
      [2, value],
    ],
  ];
}
