import { PROGRAM_VERSION } from "./version.ts";

/** What every commit says of the program that made it; a training adds the engine's part. */
export function programEnvironment(
  engine: Readonly<Record<string, string | number>> = {},
): Readonly<Record<string, string | number>> {
  return { ingot: PROGRAM_VERSION, node: globalThis.process?.versions?.node ?? "unknown", ...engine };
}
