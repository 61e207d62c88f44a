import type { Attribute, Dim, Graph, Model, Node, Tensor, ValueInfo } from "./model.ts";
import { MessageWriter, WIRE } from "./protobuf.ts";
import { DTYPES } from "./tensors.ts";

/** The first IR version in which initialisers need not be listed among the graph inputs. */
const MIN_IR_VERSION = 4;

const ATTRIBUTE_CODES = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
} as const;

/**
 * Writes a `ModelProto`; the same model always becomes the same bytes. Tensors `at: "file"` become external data with location,
 * offset and length. Throws `limit.size` above 2 GB.
 */
export function encodeModel(model: Model): Uint8Array {
  const writer = new MessageWriter(estimateBytes(model.graph));
  writer.int64(1, Math.max(model.irVersion, MIN_IR_VERSION));
  if (model.producer !== "") writer.text(2, model.producer);
  writer.message(7, () => writeGraph(writer, model.graph));
  for (const [domain, version] of model.opsets) {
    writer.message(8, () => {
      if (domain !== "") writer.text(1, domain);
      writer.int64(2, version);
    });
  }
  writeEntries(writer, 14, model.metadata);
  for (const bytes of model.functions.values()) writer.data(25, bytes);
  return writer.finish();
}

function estimateBytes(graph: Graph): number {
  let bytes = 65536 + graph.nodes.length * 256;
  for (const { data } of graph.initializers.values())
    bytes += 256 + (data.at === "memory" ? data.bytes.length : 0);
  return bytes;
}

function writeGraph(writer: MessageWriter, graph: Graph): void {
  for (const node of graph.nodes) writer.message(1, () => writeNode(writer, node));
  writer.text(2, graph.name === "" ? "graph" : graph.name);
  for (const [name, tensor] of graph.initializers) writer.message(5, () => writeTensor(writer, name, tensor));
  for (const input of graph.inputs) writer.message(11, () => writeValueInfo(writer, input));
  for (const output of graph.outputs) writer.message(12, () => writeValueInfo(writer, output));
}

function writeNode(writer: MessageWriter, node: Node): void {
  for (const input of node.inputs) writer.text(1, input);
  for (const output of node.outputs) writer.text(2, output);
  if (node.name !== "") writer.text(3, node.name);
  writer.text(4, node.op);
  for (const [name, attribute] of node.attributes) {
    if (attribute.type === "opaque") writer.data(5, attribute.value);
    else writer.message(5, () => writeAttribute(writer, name, attribute));
  }
  if (node.domain !== "") writer.text(7, node.domain);
  writeEntries(writer, 9, node.metadata);
}

const utf8 = new TextEncoder();

function writeAttribute(
  writer: MessageWriter,
  name: string,
  attribute: Exclude<Attribute, { type: "opaque" }>,
): void {
  writer.text(1, name);
  if (attribute.type === "float") writer.float32(2, attribute.value);
  else if (attribute.type === "int") writer.int64(3, attribute.value);
  else if (attribute.type === "string") writer.text(4, attribute.value);
  else if (attribute.type === "tensor") writer.message(5, () => writeTensor(writer, "", attribute.value));
  else if (attribute.type === "graph") writer.message(6, () => writeGraph(writer, attribute.value));
  else if (attribute.type === "floats") {
    writer.message(7, () => {
      for (const value of attribute.value) writer.rawFloat32(value);
    });
  } else if (attribute.type === "ints") {
    writer.message(8, () => {
      for (const value of attribute.value) writer.rawInt64(value);
    });
  } else for (const value of attribute.value) writer.data(9, utf8.encode(value));
  writer.int64(20, ATTRIBUTE_CODES[attribute.type]);
}

function writeTensor(writer: MessageWriter, name: string, { dtype, dims, data }: Tensor): void {
  if (dims.length > 0) {
    writer.message(1, () => {
      for (const dim of dims) writer.rawInt64(dim);
    });
  }
  writer.int64(2, DTYPES[dtype].code);
  if (data.at === "memory" && dtype === "string") writer.raw(data.bytes);
  if (name !== "") writer.text(8, name);
  if (data.at === "memory") {
    if (dtype !== "string") writer.data(9, data.bytes);
    return;
  }
  writeEntries(
    writer,
    13,
    new Map([
      ["location", data.path],
      ["offset", String(data.offset)],
      ["length", String(data.length)],
    ]),
  );
  writer.int64(14, 1);
}

function writeValueInfo(writer: MessageWriter, { name, dtype, dims }: ValueInfo): void {
  writer.text(1, name);
  if (dtype === undefined) return;
  writer.message(2, () => {
    writer.message(1, () => {
      writer.int64(1, DTYPES[dtype].code);
      if (dims !== undefined) {
        writer.message(2, () => {
          for (const dim of dims) writer.message(1, () => writeDim(writer, dim));
        });
      }
    });
  });
}

function writeDim(writer: MessageWriter, dim: Dim): void {
  if (typeof dim === "number") writer.int64(1, dim);
  else if (dim !== "") {
    writer.tag(2, WIRE.bytes);
    const bytes = utf8.encode(dim);
    writer.varint(bytes.length);
    writer.raw(bytes);
  }
}

function writeEntries(writer: MessageWriter, field: number, entries: ReadonlyMap<string, string>): void {
  for (const [key, value] of entries) {
    writer.message(field, () => {
      writer.text(1, key);
      writer.text(2, value);
    });
  }
}
