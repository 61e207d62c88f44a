import { IngotError } from "../../base/errors.ts";
import { acquireLease, type Lease } from "../../repo/lease.ts";
import type { Context } from "../context.ts";
import { repositoryStorage } from "../repository-storage.ts";

/** How long a second training waits for the one that runs. */
const WAIT_MS = 5000;

/**
 * The turn to train in this repository; waits a little. Throws `conflict.lease` naming the training that has it, and what
 * opening the repository throws: nothing is written into one that is not trusted.
 */
export async function takeTurn(context: Context): Promise<Lease> {
  await context.openRepository();
  const { clock, random, commandLine } = context;
  const options = { clock, random, command: commandLine, waitMs: WAIT_MS };
  try {
    return await acquireLease(repositoryStorage(context), "train", options);
  } catch (error) {
    if (!(error instanceof IngotError) || error.code !== "conflict.lease") throw error;
    const who = String(error.data.command ?? "unknown");
    throw new IngotError("conflict.lease", `another training is running (${who}), ${error.message}`, {
      hint: "wait until it ends, or stop it with Ctrl-C",
      data: error.data,
    });
  }
}

/** Waits, as a training would, until none runs: a plan made earlier would build on what is about to change. */
export async function awaitTurn(context: Context): Promise<void> {
  await (await takeTurn(context)).release();
}
