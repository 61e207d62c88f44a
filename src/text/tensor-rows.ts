import { IngotError } from "../base/errors.ts";
import type { ByteSource } from "../base/ports.ts";
import type { Example } from "./example.ts";

export async function* readTensorExamples(_source: ByteSource, name: string): AsyncGenerator<Example> {
  throw new IngotError("input.format", `'${name}' is a tensor file, which is not read yet`);
}
