import path from "node:path";
import { parse as parseToml } from "smol-toml";
import { IngotError } from "../../base/errors.ts";
import { parseJson } from "../../base/json.ts";
import { readUserFile } from "../../storage/files.ts";
import { type RecipeKey, readRecipe } from "../../train/recipe.ts";
import type { Context } from "../context.ts";

const MAX_RECIPE_BYTES = 1 << 20;

/** Recipe keys by strength: flags, then the recipe file, then `[train]` of the settings. Throws `usage.recipe`, `input.json`. */
export async function recipeInput(
  context: Context,
  file: string | undefined,
  flags: Readonly<Record<string, unknown>>,
): Promise<{ given: Partial<Record<RecipeKey, unknown>>; ignored: readonly string[] }> {
  const settings = readRecipe(Object.fromEntries(context.settings.under("train")), "[train]");
  const fromFile =
    file === undefined
      ? { given: {}, ignored: [] }
      : readRecipe(await readRecipeFile(path.resolve(context.cwd, file)), path.basename(file));
  const fromFlags = readRecipe(flags, "flags");
  return {
    given: { ...settings.given, ...fromFile.given, ...fromFlags.given },
    ignored: [...settings.ignored, ...fromFile.ignored],
  };
}

async function readRecipeFile(file: string): Promise<Readonly<Record<string, unknown>>> {
  const bytes = await readUserFile(file, MAX_RECIPE_BYTES);
  if (/\.json$/i.test(file)) {
    const value = parseJson(bytes, { name: path.basename(file) });
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw new IngotError("usage.recipe", `'${path.basename(file)}' holds no table of recipe keys`, {
        data: { where: file },
      });
    return value as Readonly<Record<string, unknown>>;
  }
  try {
    const table = parseToml(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as Record<
      string,
      unknown
    >;
    const train = table.train;
    return typeof train === "object" && train !== null && !Array.isArray(train)
      ? (train as Record<string, unknown>)
      : table;
  } catch (cause) {
    throw new IngotError("usage.recipe", `'${path.basename(file)}' is no TOML`, {
      hint: cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : "",
      data: { where: file },
      cause,
    });
  }
}
