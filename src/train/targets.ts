import { IngotError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import type { Module } from "../onnx/modules.ts";
import type { Recipe } from "./recipe.ts";

const MAX_PATTERN_CHARS = 512;

function pattern(source: string, where: string): RegExp {
  if (source.length > MAX_PATTERN_CHARS)
    throw new IngotError("usage.recipe", `a pattern of ${source.length} characters in '${where}'`, {
      hint: `use at most ${MAX_PATTERN_CHARS}`,
    });
  try {
    return new RegExp(source);
  } catch (cause) {
    throw new IngotError("usage.recipe", `'${source}' in '${where}' is not a regular expression`, {
      cause,
      hint: "name modules by the end of their path, as 'q_proj'",
    });
  }
}

function endsWithName(path: string, name: string): boolean {
  return path === name || path.endsWith(`.${name}`);
}

/** Value of a `rank_pattern` or `alpha_pattern` for a path: the first key that matches the end of it. Source: peft get_pattern_key. */
export function byPattern(
  patterns: Readonly<Record<string, number>>,
  path: string,
  where: string,
): number | undefined {
  for (const [key, value] of Object.entries(patterns)) {
    if (endsWithName(path, key) || pattern(`^(.*\\.)?(${key})$`, where).test(path)) return value;
  }
  return undefined;
}

/** Modules whose weights are trained whole beside the adapter; names the model lacks are ignored, as in PEFT. */
export function savedModules(modules: readonly Module[], names: readonly string[]): readonly Module[] {
  return modules.filter((module) => names.some((name) => endsWithName(module.path, name)));
}

/**
 * Modules that `target_modules` names: a list of path ends, one regular expression over the whole path, or `all-linear`
 * (every Linear; not the output layer where the model is of a named architecture). Throws `input.adapter` where an entry
 * matches nothing.
 */
export function targetModules(
  modules: readonly Module[],
  recipe: Pick<Recipe, "target_modules" | "modules_to_save">,
  hasArchitecture: boolean,
): readonly Module[] {
  const saved = new Set(savedModules(modules, recipe.modules_to_save));
  const free = modules.filter((m) => !saved.has(m));
  const wanted = recipe.target_modules;
  if (wanted === "all-linear") {
    const linear = free.filter((m) => m.kind === "linear" && !(m.isOutput && hasArchitecture));
    if (linear.length === 0)
      throw new IngotError("input.adapter", "the model has no linear layer for an adapter", {
        hint: "train all weights with --method full",
      });
    return linear;
  }
  if (typeof wanted === "string") {
    const expression = pattern(`^(?:${wanted})$`, "target_modules");
    const found = free.filter((m) => expression.test(m.path));
    if (found.length === 0) throw noMatch(wanted, modules);
    return found;
  }
  for (const name of wanted) if (!free.some((m) => endsWithName(m.path, name))) throw noMatch(name, modules);
  return free.filter((m) => wanted.some((name) => endsWithName(m.path, name)));
}

function noMatch(name: string, modules: readonly Module[]): IngotError {
  const names = [...new Set(modules.map((m) => m.path.split(".").at(-1) ?? m.path))];
  const near = nearest(name, names);
  return new IngotError("input.adapter", `target module '${name}' matches nothing in the model`, {
    hint:
      near === undefined
        ? `modules of this model: ${names.slice(0, 12).join(", ")}`
        : `did you mean '${near}'?`,
    data: { where: "target_modules" },
  });
}
