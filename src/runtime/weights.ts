import { IngotError } from "../base/errors.ts";
import type { ByteSource, Scratch } from "../base/ports.ts";
import { hoistConstants, withGraph } from "../onnx/edit.ts";
import type { Attribute, Model, Node, Tensor } from "../onnx/model.ts";

/** A model's files in the scratch folder: paths of its tree and the names that they have there. */
export interface ModelFiles {
  /** Path of the `.onnx` file in the tree. */
  readonly entry: string;
  readonly files: readonly { readonly path: string; readonly name: string }[];
}

/** Tensors from this size on stay in their file, where the runtime maps them; smaller ones are read. */
export const MAPPED_BYTES = 4096;

/** Integers decide shapes, so they are kept in memory up to this size. */
const MAPPED_INTEGER_BYTES = 1 << 20;

/**
 * The model with every weight where the runtime can map it: a reference into the scratch folder, into the `.onnx` file itself for
 * weights that lie in it (the runtime reads them at any offset). Small tensors are in memory, in arrays of their own, so that the
 * bytes the model was decoded from are free afterwards. Throws `input.model` for a weights file that the model's tree lacks or that
 * ends before the tensor does.
 */
export async function openWeights(model: Model, files: ModelFiles, scratch: Scratch): Promise<Model> {
  const opened = new OpenFiles(files, scratch);
  try {
    const hoisted = hoistConstants(model);
    const initializers = new Map<string, Tensor>();
    for (const [name, tensor] of hoisted.graph.initializers)
      initializers.set(name, await place(name, tensor, opened));
    const nodes = hoisted.graph.nodes.map(withOwnTensors);
    const functions = new Map([...hoisted.functions].map(([name, bytes]) => [name, bytes.slice()]));
    return { ...withGraph(hoisted, { initializers, nodes }), functions };
  } finally {
    await opened.close();
  }
}

type OpenSource = ByteSource & { close(): Promise<void> };

/** The files of one model, each opened at most once. */
class OpenFiles {
  readonly #names: ReadonlyMap<string, string>;
  readonly #folder: string;
  readonly #scratch: Scratch;
  readonly #open = new Map<string, OpenSource>();
  readonly entry: string;

  constructor({ entry, files }: ModelFiles, scratch: Scratch) {
    this.#names = new Map(files.map(({ path, name }) => [path, name]));
    this.#folder = entry.slice(0, entry.lastIndexOf("/") + 1);
    this.#scratch = scratch;
    this.entry = entry;
  }

  /** A file by its path in the tree. */
  async file(path: string): Promise<{ name: string; source: OpenSource } | undefined> {
    const name = this.#names.get(path);
    if (name === undefined) return undefined;
    const source = this.#open.get(name) ?? (await this.#scratch.open(name));
    if (source !== undefined) this.#open.set(name, source);
    return source === undefined ? undefined : { name, source };
  }

  /** A file by the location that a tensor gives, which is relative to the `.onnx` file. */
  located(location: string): Promise<{ name: string; source: OpenSource } | undefined> {
    return this.file(this.#folder + location);
  }

  async close(): Promise<void> {
    for (const source of this.#open.values()) await source.close();
  }
}

async function place(name: string, tensor: Tensor, files: OpenFiles): Promise<Tensor> {
  return tensor.data.at === "file"
    ? placeExternal(name, tensor, tensor.data, files)
    : placeInternal(tensor, tensor.data.bytes, files);
}

async function placeExternal(
  name: string,
  tensor: Tensor,
  data: { path: string; offset: number; length: number },
  files: OpenFiles,
): Promise<Tensor> {
  const file = await files.located(data.path);
  const where = `tensor '${name}'`;
  if (file === undefined) {
    throw new IngotError(
      "input.model",
      `${where} lies in '${data.path}', which is not among the model's files`,
      {
        hint: "put the weights file beside the model and import both",
        data: { where, tensor: name },
      },
    );
  }
  if (data.offset + data.length > file.source.sizeBytes) {
    throw new IngotError(
      "input.model",
      `${where} takes bytes ${data.offset} to ${data.offset + data.length} of '${data.path}', which has ${file.source.sizeBytes}`,
      {
        hint: "check that the weights file is complete",
        data: { where, tensor: name },
      },
    );
  }
  if (isMapped(tensor, data.length)) return { ...tensor, data: { ...data, at: "file", path: file.name } };
  return { ...tensor, data: { at: "memory", bytes: await file.source.read(data.offset, data.length) } };
}

async function placeInternal(tensor: Tensor, bytes: Uint8Array, files: OpenFiles): Promise<Tensor> {
  const entry = isMapped(tensor, bytes.length) ? await files.file(files.entry) : undefined;
  const isView = entry !== undefined && bytes.buffer.byteLength === entry.source.sizeBytes;
  if (!isView) return { ...tensor, data: { at: "memory", bytes: bytes.slice() } };
  return {
    ...tensor,
    data: { at: "file", path: entry.name, offset: bytes.byteOffset, length: bytes.length },
  };
}

const INTEGERS = new Set(["int64", "int32", "bool"]);

function isMapped({ dtype }: Tensor, length: number): boolean {
  if (dtype === "string" || length < MAPPED_BYTES) return false;
  return length >= MAPPED_INTEGER_BYTES || !INTEGERS.has(dtype);
}

/** The node with tensors of attributes in arrays of their own. */
function withOwnTensors(node: Node): Node {
  let own: Map<string, Attribute> | undefined;
  for (const [name, attribute] of node.attributes) {
    if (attribute.type === "opaque") {
      own ??= new Map(node.attributes);
      own.set(name, { type: "opaque", value: attribute.value.slice() });
    } else if (attribute.type === "tensor" && attribute.value.data.at === "memory") {
      own ??= new Map(node.attributes);
      own.set(name, {
        type: "tensor",
        value: { ...attribute.value, data: { at: "memory", bytes: attribute.value.data.bytes.slice() } },
      });
    }
  }
  return own === undefined ? node : { ...node, attributes: own };
}
