import { IngotError } from "../base/errors.ts";
import type { Tensor } from "../onnx/model.ts";
import { encodeSafetensors, parseSafetensorsHeader, readTensor } from "../onnx/safetensors.ts";
import { bytesInMemory, typedArray } from "../onnx/tensors.ts";
import type { HostTensor } from "../runtime/session.ts";
import { openUserFile, writeUserFile } from "../storage/files.ts";

/** Tensors of a `.safetensors` file by name, in memory. Throws `input.safetensors`. */
export async function readTensorFile(file: string): Promise<Map<string, HostTensor>> {
  const source = await openUserFile(file);
  try {
    const header = await parseSafetensorsHeader(source);
    const tensors = new Map<string, HostTensor>();
    for (const name of header.tensors.keys()) {
      const tensor = await readTensor(source, header, name);
      tensors.set(name, {
        dtype: tensor.dtype,
        dims: tensor.dims,
        data: typedArray(tensor.dtype, bytesInMemory(tensor).slice()),
      });
    }
    await source.assertUnchanged();
    return tensors;
  } finally {
    await source.close();
  }
}

/** Writes tensors as one `.safetensors` file, atomically. Texts cannot be written. */
export async function writeTensorFile(file: string, tensors: ReadonlyMap<string, HostTensor>): Promise<void> {
  const out = new Map<string, Tensor>();
  for (const [name, { dtype, dims, data }] of tensors) {
    if (!ArrayBuffer.isView(data))
      throw new IngotError("input.tensor", `'${name}' holds texts, which a tensor file cannot`, {
        data: { where: name },
      });
    out.set(name, {
      dtype,
      dims,
      data: { at: "memory", bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) },
    });
  }
  await writeUserFile(file, encodeSafetensors(out));
}
