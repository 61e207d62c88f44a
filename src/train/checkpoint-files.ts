import { bug, IngotError } from "../base/errors.ts";
import type { Scratch } from "../base/ports.ts";
import type { OptimizerState } from "./adamw.ts";

const VECTORS = ["theta", "m", "v"] as const;

export type StateFiles = Readonly<Record<(typeof VECTORS)[number], string>>;

function bytesOf(vector: Float32Array): Uint8Array {
  return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
}

/** Writes the three vectors, float32 little-endian, to the scratch folder under names of this step. */
export async function writeState(
  scratch: Scratch,
  label: string,
  step: number,
  state: OptimizerState,
): Promise<StateFiles> {
  const files: Record<string, string> = {};
  for (const vector of VECTORS) {
    const name = `state-${label}-${step}.${vector}`;
    await scratch.write(name, bytesOf(state[vector]).slice());
    files[vector] = name;
  }
  return files as StateFiles;
}

/** Reads them back. Throws `integrity.blob` for another length than the `size` of theta. */
export async function readState(scratch: Scratch, files: StateFiles, size: number): Promise<OptimizerState> {
  const read = async (name: string): Promise<Float32Array> => {
    const source = (await scratch.open(name)) ?? bug(`no '${name}' in the scratch folder`);
    try {
      if (source.sizeBytes !== size * 4)
        throw new IngotError(
          "integrity.blob",
          `a checkpoint of ${source.sizeBytes} bytes where ${size * 4} are needed`,
          { hint: "the recipe or the base differs; start anew: ingot train" },
        );
      const bytes = await source.read(0, source.sizeBytes);
      return new Float32Array(bytes.buffer, bytes.byteOffset, size).slice();
    } finally {
      await source.close();
    }
  };
  return { theta: await read(files.theta), m: await read(files.m), v: await read(files.v) };
}
