import path from "node:path";
import { fileURLToPath } from "node:url";
import { ingot } from "./cli.ts";

const DEMO = fileURLToPath(new URL("../../demo", import.meta.url));

export const DIGITS_BASE = path.join(DEMO, "base-digits");
export const DIGITS_TRAIN = path.join(DEMO, "digits", "train.safetensors");
export const CHAT_BASE = path.join(DEMO, "base-chat");
export const GIT_BASICS = path.join(DEMO, "git-basics.jsonl");

/** Flags of a short training on digits: LoRA on the two linear layers, 60 steps, a checkpoint every 5. */
export const DIGITS_RECIPE = ["--lr", "1e-2", "--batch-size", "32", "--steps", "60", "--seed", "7"];

/** A repository with the digits base as v0 and its training rows as dataset `digits`. */
export async function digitsRepository(folder: string): Promise<void> {
  await ingot(folder, ["init"]);
  await ingot(folder, ["import", DIGITS_BASE]);
  await ingot(folder, ["data", "add", DIGITS_TRAIN, "--name", "digits"]);
}
