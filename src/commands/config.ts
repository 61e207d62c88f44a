import { IngotError } from "../base/errors.ts";
import { readRecipe } from "../train/recipe.ts";
import type { Context } from "./context.ts";
import { assertSettingKey } from "./setting-keys.ts";
import { isUserOnly, type Setting } from "./settings.ts";
import { editSettingsFile, type FileLayer, readSettingValue, settingsFileOf } from "./settings-file.ts";

/** The setting in force. Throws `ref.missing` where nothing sets it. */
export function getSetting(context: Context, key: string): Setting {
  const found = context.settings.find(key);
  if (found !== undefined) return found;
  assertSettingKey(key);
  throw new IngotError("ref.missing", `setting '${key}' is not set`, {
    hint: `ingot config set ${key} VALUE`,
    data: { key },
  });
}

/** Settings in force, by key. */
export function listSettings(context: Context): readonly Setting[] {
  const keys = [...new Set(context.settings.all.map((s) => s.key))].sort();
  return keys.map((key) => context.settings.find(key)!);
}

export interface SetSettingOptions {
  readonly key: string;
  /** A TOML value (`3`, `true`, `"text"`, `[1, 2]`); anything else is text. */
  readonly value: string;
  /** `local` by default; `user` for keys that only the user's file may set. */
  readonly layer?: FileLayer;
  /** Absolute path of the user's file. */
  readonly userSettings: string;
}

/** Writes one setting to a file. Throws `usage.config` for an unknown key, `refused.policy` for a key that a repository must not set. */
export async function setSetting(
  context: Context,
  { key, value, layer, userSettings }: SetSettingOptions,
): Promise<Setting> {
  assertSettingKey(key);
  const chosen = layer ?? (isUserOnly(key) || context.root === undefined ? "user" : "local");
  if (chosen !== "user" && isUserOnly(key)) {
    throw new IngotError("refused.policy", `'${key}' is read from your own file alone`, {
      hint: `ingot config set ${key} VALUE --user`,
    });
  }
  const file = settingsFileOf(context, chosen, userSettings);
  const parsed = await readSettingValue(value);
  if (key.startsWith("train.")) readRecipe({ [key.slice("train.".length)]: parsed }, key);
  await editSettingsFile(file, key, parsed);
  return { key, value: parsed, layer: chosen, origin: file };
}
