import { decodeEntry } from "./decode-entry.ts";
import { decodeSparse, decodeTensor } from "./decode-tensor.ts";
import type { Attribute, Dim, Graph, Node, Tensor, ValueInfo } from "./model.ts";
import { MessageReader } from "./protobuf.ts";
import { dtypeOfCode } from "./tensors.ts";

/** Nodes of one graph; the largest real models have some tens of thousands. */
const MAX_NODES = 200_000;
/** Numbers in one list attribute. */
const MAX_NUMBERS = 2 ** 24;

/** Adds one entry of `opset_import`. */
export function decodeOpset(reader: MessageReader, into: Map<string, number>): void {
  let domain = "";
  let version = 0;
  while (reader.next()) {
    if (reader.field === 1) domain = reader.text();
    else if (reader.field === 2) version = reader.int64();
    else reader.skip();
  }
  into.set(plainDomain(domain), version);
}

/** `ai.onnx` is another spelling of the default domain. */
function plainDomain(domain: string): string {
  return domain === "ai.onnx" ? "" : domain;
}

/** Reads a GraphProto. Initialisers that are also listed as inputs are left out of the inputs. */
export function decodeGraph(reader: MessageReader): Graph {
  const nodes: Node[] = [];
  const inputs: ValueInfo[] = [];
  const outputs: ValueInfo[] = [];
  const initializers = new Map<string, Tensor>();
  let name = "";
  const addInitializer = (tensorName: string, tensor: Tensor) => {
    if (initializers.has(tensorName)) reader.fail(`two initialisers named '${tensorName}'`);
    initializers.set(tensorName, tensor);
  };
  while (reader.next()) {
    if (reader.field === 1) {
      if (nodes.length >= MAX_NODES) reader.fail(`more than ${MAX_NODES} nodes`);
      nodes.push(decodeNode(reader.message()));
    } else if (reader.field === 2) name = reader.text();
    else if (reader.field === 5) {
      const { name: tensorName, tensor } = decodeTensor(reader.message());
      addInitializer(tensorName, tensor);
    } else if (reader.field === 11 || reader.field === 12) {
      const list = reader.field === 11 ? inputs : outputs;
      if (list.length >= MAX_NODES) reader.fail(`more than ${MAX_NODES} inputs or outputs`);
      list.push(decodeValueInfo(reader.message()));
    } else if (reader.field === 15) {
      const { name: tensorName, tensor } = decodeSparse(reader.message());
      addInitializer(tensorName, tensor);
    } else reader.skip();
  }
  return {
    name,
    nodes,
    inputs: inputs.filter((input) => !initializers.has(input.name)),
    outputs,
    initializers,
  };
}

function decodeNode(reader: MessageReader): Node {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, Attribute>();
  const metadata = new Map<string, string>();
  let name = "";
  let op = "";
  let domain = "";
  while (reader.next()) {
    if (reader.field === 1) inputs.push(reader.text());
    else if (reader.field === 2) outputs.push(reader.text());
    else if (reader.field === 3) name = reader.text();
    else if (reader.field === 4) op = reader.text();
    else if (reader.field === 5) decodeAttributeInto(reader, attributes);
    else if (reader.field === 7) domain = plainDomain(reader.text());
    else if (reader.field === 9) decodeEntry(reader.message(), metadata);
    else reader.skip();
  }
  return { op, domain, name, inputs, outputs, attributes, metadata };
}

const ATTRIBUTE_KINDS = new Map<number, Attribute["type"]>([
  [1, "float"],
  [2, "int"],
  [3, "string"],
  [4, "tensor"],
  [5, "graph"],
  [6, "floats"],
  [7, "ints"],
  [8, "strings"],
]);

const DOC_STRING = 13;

/** What one AttributeProto holds, before its type says which of the parts counts. */
interface AttributeParts {
  kind: number;
  float?: number;
  int?: number;
  string?: Uint8Array;
  tensor?: Tensor;
  graph?: Graph;
  floats: number[];
  ints: number[];
  strings: Uint8Array[];
  /** True where it refers to an attribute of the enclosing function, or holds a part that has no value of its own. */
  opaque: boolean;
}

function decodeAttributeInto(outer: MessageReader, into: Map<string, Attribute>): void {
  const reader = outer.message();
  const start = reader.position;
  const parts: AttributeParts = { kind: 0, floats: [], ints: [], strings: [], opaque: false };
  let name = "";
  while (reader.next()) {
    if (reader.field === 1) name = reader.text();
    else decodeAttributePart(reader, parts);
  }
  if (into.has(name)) reader.fail(`two attributes named '${name}'`, start);
  into.set(name, attributeOf(parts) ?? { type: "opaque", value: reader.bytes.subarray(start, reader.end) });
}

function decodeAttributePart(reader: MessageReader, parts: AttributeParts): void {
  if (reader.field === 2) parts.float = reader.float32();
  else if (reader.field === 3) parts.int = reader.int64();
  else if (reader.field === 4) parts.string = reader.data();
  else if (reader.field === 5) parts.tensor = decodeTensor(reader.message()).tensor;
  else if (reader.field === 6) parts.graph = decodeGraph(reader.message());
  else if (reader.field === 7) reader.repeatedFloat32(parts.floats, MAX_NUMBERS);
  else if (reader.field === 8) reader.repeatedInt64(parts.ints, MAX_NUMBERS);
  else if (reader.field === 9) parts.strings.push(reader.data());
  else if (reader.field === 20) parts.kind = reader.int32();
  else {
    if (reader.field === 10) decodeTensor(reader.message());
    else if (reader.field === 11) decodeGraph(reader.message());
    else if (reader.field === 22 || reader.field === 23) decodeSparse(reader.message());
    else reader.skip();
    parts.opaque ||= reader.field !== DOC_STRING;
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function textOrNothing(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

function attributeOf(parts: AttributeParts): Attribute | undefined {
  if (parts.opaque) return undefined;
  const kind = ATTRIBUTE_KINDS.get(parts.kind) ?? (parts.kind === 0 ? guessKind(parts) : undefined);
  if (kind === "float") return { type: kind, value: parts.float ?? 0 };
  if (kind === "int") return { type: kind, value: parts.int ?? 0 };
  if (kind === "floats") return { type: kind, value: parts.floats };
  if (kind === "ints") return { type: kind, value: parts.ints };
  if (kind === "tensor") return parts.tensor && { type: kind, value: parts.tensor };
  if (kind === "graph") return parts.graph && { type: kind, value: parts.graph };
  if (kind === "string") {
    const value = textOrNothing(parts.string ?? new Uint8Array());
    return value === undefined ? undefined : { type: kind, value };
  }
  if (kind === "strings") {
    const value = parts.strings.map(textOrNothing);
    return value.includes(undefined) ? undefined : { type: kind, value: value as string[] };
  }
  return undefined;
}

/** Files of the first IR versions do not say the kind: it is that of the part that is there. */
function guessKind(parts: AttributeParts): Attribute["type"] | undefined {
  if (parts.float !== undefined) return "float";
  if (parts.int !== undefined) return "int";
  if (parts.string !== undefined) return "string";
  if (parts.tensor !== undefined) return "tensor";
  if (parts.graph !== undefined) return "graph";
  if (parts.floats.length > 0) return "floats";
  if (parts.ints.length > 0) return "ints";
  return parts.strings.length > 0 ? "strings" : undefined;
}

function decodeValueInfo(reader: MessageReader): ValueInfo {
  let name = "";
  let type: Omit<ValueInfo, "name"> = {};
  while (reader.next()) {
    if (reader.field === 1) name = reader.text();
    else if (reader.field === 2) type = decodeType(reader.message());
    else reader.skip();
  }
  return { name, ...type };
}

/** The tensor type of a TypeProto; nothing for sequences, maps and the like. */
function decodeType(reader: MessageReader): Omit<ValueInfo, "name"> {
  let type: Omit<ValueInfo, "name"> = {};
  while (reader.next()) {
    if (reader.field !== 1) {
      reader.skip();
      continue;
    }
    const tensor = reader.message();
    while (tensor.next()) {
      if (tensor.field === 1) {
        const dtype = dtypeOfCode(tensor.int32());
        if (dtype !== undefined) type = { ...type, dtype };
      } else if (tensor.field === 2) type = { ...type, dims: decodeShape(tensor.message()) };
      else tensor.skip();
    }
  }
  return type;
}

function decodeShape(reader: MessageReader): Dim[] {
  const dims: Dim[] = [];
  while (reader.next()) {
    if (reader.field !== 1) {
      reader.skip();
      continue;
    }
    const inner = reader.message();
    let dim: Dim = "";
    while (inner.next()) {
      if (inner.field === 1) dim = inner.int64();
      else if (inner.field === 2) dim = inner.text();
      else inner.skip();
    }
    dims.push(typeof dim === "number" && dim < 0 ? "" : dim);
  }
  return dims;
}

/** Domain, name and body of a FunctionProto. */
export interface ModelFunction {
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly string[];
  readonly defaults: ReadonlyMap<string, Attribute>;
  readonly opsets: ReadonlyMap<string, number>;
  readonly nodes: readonly Node[];
}

/** Reads an encoded FunctionProto, one of `Model.functions`. */
export function decodeFunction(bytes: Uint8Array): ModelFunction {
  return readFunction(new MessageReader(bytes));
}

/** Reads a FunctionProto. */
export function readFunction(reader: MessageReader): ModelFunction {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: string[] = [];
  const defaults = new Map<string, Attribute>();
  const opsets = new Map<string, number>();
  const nodes: Node[] = [];
  let name = "";
  let domain = "";
  while (reader.next()) {
    if (reader.field === 1) name = reader.text();
    else if (reader.field === 4) inputs.push(reader.text());
    else if (reader.field === 5) outputs.push(reader.text());
    else if (reader.field === 6) attributes.push(reader.text());
    else if (reader.field === 7) nodes.push(decodeNode(reader.message()));
    else if (reader.field === 9) decodeOpset(reader.message(), opsets);
    else if (reader.field === 10) domain = plainDomain(reader.text());
    else if (reader.field === 11) decodeAttributeInto(reader, defaults);
    else reader.skip();
  }
  return { domain, name, inputs, outputs, attributes, defaults, opsets, nodes };
}
