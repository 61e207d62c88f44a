import fs from "node:fs";
import { bytesSource } from "../../src/base/ports.ts";
import type { Tensor } from "../../src/onnx/model.ts";
import { encodeSafetensors, parseSafetensorsHeader, readTensor } from "../../src/onnx/safetensors.ts";
import { numbersOf } from "../../src/onnx/tensors.ts";

export interface NumberTensor {
  readonly dims: readonly number[];
  readonly values: readonly number[];
}

/** All tensors of a safetensors file. */
export async function readTensors(file: string): Promise<ReadonlyMap<string, Tensor>> {
  const source = bytesSource(new Uint8Array(fs.readFileSync(file)));
  const header = await parseSafetensorsHeader(source);
  const tensors = new Map<string, Tensor>();
  for (const name of header.tensors.keys()) tensors.set(name, await readTensor(source, header, name));
  return tensors;
}

/** All tensors of a safetensors file, as numbers. */
export async function readNumbers(file: string): Promise<ReadonlyMap<string, NumberTensor>> {
  const tensors = await readTensors(file);
  return new Map(
    [...tensors].map(([name, t]) => [name, { dims: t.dims, values: Array.from(numbersOf(t), Number) }]),
  );
}

export function writeTensors(file: string, tensors: ReadonlyMap<string, Tensor>): void {
  fs.writeFileSync(file, encodeSafetensors(tensors));
}
