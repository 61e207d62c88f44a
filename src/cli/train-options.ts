import { IngotError } from "../base/errors.ts";
import type { TrainOptions } from "../commands/train/options.ts";
import type { Arguments } from "./invocation.ts";

/** Short flags and the recipe keys they set. */
const RECIPE_FLAGS: readonly (readonly [flag: string, key: string])[] = [
  ["lr", "learning_rate"],
  ["steps", "max_steps"],
  ["epochs", "num_train_epochs"],
  ["batch-size", "per_device_train_batch_size"],
  ["rank", "r"],
  ["alpha", "lora_alpha"],
  ["seed", "seed"],
  ["replay", "replay"],
];

/** Reads the flags of `train`; those that say the recipe come under its own keys. */
export function readTrainOptions(args: Arguments): TrainOptions {
  const recipe: Record<string, unknown> = {};
  for (const [flag, key] of RECIPE_FLAGS) if (args.has(flag)) recipe[key] = args.number(flag);
  // Asking for epochs takes back a number of steps that a recipe file or settings ask for.
  if (args.has("epochs") && !args.has("steps")) recipe.max_steps = -1;
  for (const key of ["method", "order"]) if (args.has(key)) recipe[key] = args.text(key);
  if (args.flag("new-only")) recipe.new_only = true;
  const targets = args.text("targets");
  if (targets !== undefined) recipe.target_modules = readTargets(targets);
  return {
    data: args.list("data"),
    on: args.text("on"),
    recipeFile: args.text("recipe"),
    recipe,
    probe: readProbe(args.text("probe")),
    threads: args.number("threads"),
    name: args.text("name"),
    message: args.text("message"),
    stack: args.flag("stack"),
    keep: args.flag("keep"),
    dryRun: args.flag("dry-run"),
  };
}

/** `all-linear`, names separated by commas, or a regular expression as PEFT takes it. */
function readTargets(text: string): string | readonly string[] {
  if (text === "all-linear") return text;
  const names = text.split(",").map((name) => name.trim());
  return names.every((name) => /^[\w.-]+$/.test(name)) ? names : text;
}

function readProbe(text: string | undefined): TrainOptions["probe"] {
  if (text === undefined || text === "none" || text === "all") return text;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new IngotError("usage.flag", `'${text}' is no value of '--probe'`, {
    hint: "--probe takes a whole number from 1, all or none",
  });
}
