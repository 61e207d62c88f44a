import { IngotError } from "../base/errors.ts";
import { decodeEntry } from "./decode-entry.ts";
import { decodeGraph, decodeOpset, readFunction } from "./decode-graph.ts";
import type { Graph, Model } from "./model.ts";
import { MAX_MESSAGE_BYTES, MessageReader } from "./protobuf.ts";
import { validateModel } from "./validate.ts";

/**
 * Reads a `ModelProto`. Tensor bytes are views of `bytes` (or references to the file that `external_data` names), never copies;
 * initialisers that are also listed as graph inputs count as constants and are left out of the inputs.
 * Every TensorProto of the file is checked, those of attributes, subgraphs, functions and training info included.
 * Throws `input.onnx` (with the byte) for what is no protobuf, `input.tensor` for impossible tensors, and what `validateModel` throws.
 */
export function decodeModel(bytes: Uint8Array): Model {
  if (bytes.length === 0) throw new IngotError("input.onnx", "not a readable ONNX file: it is empty");
  if (bytes.length > MAX_MESSAGE_BYTES) {
    throw new IngotError("input.onnx", "an ONNX file of more than 2 GB", {
      hint: "export it with its weights in a file of their own (external data)",
    });
  }
  const reader = new MessageReader(bytes);
  const opsets = new Map<string, number>();
  const metadata = new Map<string, string>();
  const functions = new Map<string, Uint8Array>();
  let irVersion = 0;
  let producer = "";
  let producerVersion = "";
  let graph: Graph | undefined;
  while (reader.next()) {
    if (reader.field === 1) irVersion = reader.int64();
    else if (reader.field === 2) producer = reader.text();
    else if (reader.field === 3) producerVersion = reader.text();
    else if (reader.field === 7) {
      if (graph !== undefined) reader.fail("a second graph");
      graph = decodeGraph(reader.message());
    } else if (reader.field === 8) decodeOpset(reader.message(), opsets);
    else if (reader.field === 14) decodeEntry(reader.message(), metadata);
    else if (reader.field === 20) checkTrainingInfo(reader.message());
    else if (reader.field === 25) decodeFunctionInto(reader, functions);
    else reader.skip();
  }
  if (graph === undefined) return reader.fail("it holds no graph");
  const model = {
    irVersion,
    opsets,
    graph,
    functions,
    metadata,
    producer: `${producer} ${producerVersion}`.trim(),
  };
  validateModel(model);
  return model;
}

function decodeFunctionInto(outer: MessageReader, into: Map<string, Uint8Array>): void {
  const reader = outer.message();
  const bytes = reader.bytes.subarray(reader.position, reader.end);
  const { domain, name } = readFunction(reader);
  into.set(`${domain}:${name}`, bytes);
}

function checkTrainingInfo(reader: MessageReader): void {
  while (reader.next()) {
    if (reader.field === 1 || reader.field === 2) decodeGraph(reader.message());
    else reader.skip();
  }
}
