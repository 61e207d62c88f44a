import type { MessageReader } from "./protobuf.ts";

/** Adds the key and value of a StringStringEntryProto (`metadata_props`, `external_data`). */
export function decodeEntry(reader: MessageReader, into: Map<string, string>): void {
  let key = "";
  let value = "";
  while (reader.next()) {
    if (reader.field === 1) key = reader.text();
    else if (reader.field === 2) value = reader.text();
    else reader.skip();
  }
  into.set(key, value);
}
