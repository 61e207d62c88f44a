import path from "node:path";
import { IngotError } from "../base/errors.ts";
import { findUserText, writeUserText } from "../storage/files.ts";
import type { Context } from "./context.ts";
import { REPOSITORY_FOLDER } from "./open-context.ts";
import { assertSettingKey } from "./setting-keys.ts";
import { isUserOnly, type Setting, type SettingLayer, type SettingValue } from "./settings.ts";

/** The setting in force. Throws `ref.missing` where nothing sets it. */
export function getSetting(context: Context, key: string): Setting {
  const found = context.settings.find(key);
  if (found !== undefined) return found;
  assertSettingKey(key);
  throw new IngotError("ref.missing", `setting '${key}' is not set`, { hint: `ingot config set ${key} VALUE`, data: { key } });
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
  readonly layer?: Exclude<SettingLayer, "flag" | "environment">;
  /** Absolute path of the user's file. */
  readonly userSettings: string;
}

/** Writes one setting to a file. Throws `usage.config` for an unknown key, `refused.policy` for a key that a repository must not set. */
export async function setSetting(context: Context, { key, value, layer, userSettings }: SetSettingOptions): Promise<Setting> {
  assertSettingKey(key);
  const chosen = layer ?? (isUserOnly(key) || context.root === undefined ? "user" : "local");
  if (chosen !== "user" && isUserOnly(key)) {
    throw new IngotError("refused.policy", `'${key}' is read from your own file alone`, { hint: `ingot config set ${key} VALUE --user` });
  }
  const file = fileOf(context, chosen, userSettings);
  const { parse, stringify } = await import("smol-toml");
  const table = parse((await findUserText(file)) ?? "") as Record<string, unknown>;
  const parsed = parseValue(parse, value);
  const parts = key.split(".");
  let at = table;
  for (const part of parts.slice(0, -1)) {
    const inner = Object.hasOwn(at, part) ? at[part] : undefined;
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) Object.defineProperty(at, part, { value: {}, enumerable: true, configurable: true, writable: true });
    at = at[part] as Record<string, unknown>;
  }
  at[parts.at(-1)!] = parsed;
  await writeUserText(file, stringify(table));
  return { key, value: parsed, layer: chosen, origin: file };
}

function fileOf({ root }: Context, layer: "local" | "shared" | "user", userSettings: string): string {
  if (layer === "user") return userSettings;
  if (root === undefined) throw new IngotError("repository.missing", "there is no repository to set this in", { hint: "ingot init, or --user" });
  return layer === "local" ? path.join(root, REPOSITORY_FOLDER, "config.toml") : path.join(root, "ingot.toml");
}

function parseValue(parse: (text: string) => unknown, text: string): SettingValue {
  try {
    return (parse(`v = ${text}`) as { v: SettingValue }).v;
  } catch {
    return text;
  }
}
