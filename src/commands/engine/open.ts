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

/** Runs one exchange with a fresh engine. */
export async function withEngine<T>(
  context: Context,
  work: (client: EngineClient) => Promise<T>,
): Promise<T> {
  const engine = await openEngine(context);
  try {
    return await work(engine.client);
  } finally {
    await engine.close();
  }
}
