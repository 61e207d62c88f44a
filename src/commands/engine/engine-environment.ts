import os from "node:os";
import type { Runtime } from "../../runtime/session.ts";

/** What decides the bits of a training beside recipe and data: the runtime and the processor's instruction set. */
export function engineEnvironment(runtime: Runtime): Readonly<Record<string, string | number>> {
  return {
    onnxruntime: runtime.version,
    platform: `${os.platform()}-${os.arch()}`,
    cpu: os.cpus()[0]?.model ?? "unknown",
  };
}
