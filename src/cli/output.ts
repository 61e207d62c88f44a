import type { Invocation } from "./invocation.ts";
import type { Sink } from "./io.ts";

/** Prints the one JSON value of a reading verb: `schema` first, then the fields of the value. */
export async function printJson(call: Invocation, value: object, verb = call.command.name): Promise<void> {
  const indent = call.io.stdout.isTTY ? 2 : undefined;
  await call.io.stdout.write(
    `${JSON.stringify({ schema: `ingot.${verb.replace(" ", "-")}/1`, ...value }, jsonValue, indent)}\n`,
  );
}

/** Prints one event of a long-running verb as a line of JSON. */
export async function printEvent(
  call: Invocation,
  event: { readonly event: string; readonly schema?: string },
): Promise<void> {
  call.told.lastEvent = event.event;
  await call.io.stdout.write(`${JSON.stringify(event, jsonValue)}\n`);
}

/** Prints lines to stdout. */
export async function printLines(
  call: Invocation,
  lines: readonly string[],
  sink: Sink = call.io.stdout,
): Promise<void> {
  if (lines.length > 0) await sink.write(`${lines.join("\n")}\n`);
}

/** Ids as hex, whole numbers beyond 2^53 as text. */
export function jsonValue(this: unknown, key: string, value: unknown): unknown {
  // Buffers turn into objects by toJSON before they come here: look at the holder instead.
  const own = typeof this === "object" && this !== null ? (this as Record<string, unknown>)[key] : value;
  if (own instanceof Uint8Array)
    return Buffer.from(own.buffer, own.byteOffset, own.byteLength).toString("hex");
  if (typeof value === "bigint") return value.toString();
  return value;
}
