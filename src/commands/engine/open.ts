import { IngotError } from "../../base/errors.ts";
import type { Scratch } from "../../base/ports.ts";
import { openTemporaryScratch, removeScratch } from "../../storage/scratch.ts";
import type { Context } from "../context.ts";
import { EngineClient } from "./client.ts";

export interface Engine {
  readonly client: EngineClient;
  /** Ends the process and removes its empty working directory. */
  close(): Promise<void>;
}

/** Starts the engine in a process of its own with an empty private working directory. Throws `environment.runtime` where the face has none. */
export async function openEngine(context: Context): Promise<Engine> {
  if (context.engine === undefined) {
    throw new IngotError("environment.runtime", "this face of ingot cannot start the engine", {
      hint: "run the command line",
    });
  }
  const empty: Scratch = await openTemporaryScratch();
  const client = new EngineClient(context.engine.launch(empty.folder));
  return {
    client,
    close: async () => {
      client.close();
      await removeScratch(empty);
    },
  };
}

/** How long a model that was not run before may take: a graph can loop for ever. */
export const CHECK_TIMEOUT_MS = 300_000;

/**
 * Runs one exchange with a fresh engine. With `timeoutMs` its process is killed when that has passed, and
 * `limit.time` thrown.
 */
export async function withEngine<T>(
  context: Context,
  work: (client: EngineClient) => Promise<T>,
  { timeoutMs }: { readonly timeoutMs?: number } = {},
): Promise<T> {
  const engine = await openEngine(context);
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          const hint = "is there a loop in its graph?";
          engine.client.fail(
            new IngotError("limit.time", `the model was still running after ${timeoutMs / 1000} s`, { hint }),
          );
        }, timeoutMs);
  try {
    return await work(engine.client);
  } finally {
    clearTimeout(timer);
    await engine.close();
  }
}
