import { type Recipe, type RecipeInput, readRecipe, resolveRecipe } from "../../src/train/recipe.ts";

/** A resolved recipe of a text generation over 100 rows; what is not given has its default. */
export function recipeOf(input: RecipeInput = {}, rows = 100): Recipe {
  return resolveRecipe(readRecipe(input, "test").given, {
    task: "text-generation",
    rowsPerEpoch: () => rows,
  });
}
