import path from "node:path";
import { IngotError } from "../base/errors.ts";
import { findUserText, writeUserText } from "../storage/files.ts";
import type { Context } from "./context.ts";
import { REPOSITORY_FOLDER } from "./open-context.ts";
import type { SettingValue } from "./settings.ts";

/** Layers that are files. */
export type FileLayer = "local" | "shared" | "user";

/** Absolute path of a layer's file. Throws `repository.missing` for a repository's own where there is none. */
export function settingsFileOf({ root }: Context, layer: FileLayer, userSettings: string): string {
  if (layer === "user") return userSettings;
  if (root === undefined)
    throw new IngotError("repository.missing", "there is no repository to set this in", {
      hint: "ingot init, or --user",
    });
  return layer === "local"
    ? path.join(root, REPOSITORY_FOLDER, "config.toml")
    : path.join(root, "ingot.toml");
}

/** Sets a dotted key in a settings file, or takes it away where `value` is undefined; the rest keeps its meaning, comments go. */
export async function editSettingsFile(
  file: string,
  key: string,
  value: SettingValue | undefined,
): Promise<void> {
  const { parse, stringify } = await import("smol-toml");
  const table = parse((await findUserText(file)) ?? "") as Record<string, unknown>;
  const parts = key.split(".");
  const last = parts.pop()!;
  let at = table;
  for (const part of parts) {
    const inner = Object.hasOwn(at, part) ? at[part] : undefined;
    const isTable = typeof inner === "object" && inner !== null && !Array.isArray(inner);
    if (!isTable) at[part] = {};
    at = at[part] as Record<string, unknown>;
  }
  if (value === undefined) delete at[last];
  else at[last] = value;
  await writeUserText(file, stringify(table));
}

/** A typed value: TOML where it reads as TOML (`3`, `true`, `[1, 2]`), else the text itself. */
export async function readSettingValue(text: string): Promise<SettingValue> {
  const { parse } = await import("smol-toml");
  try {
    return (parse(`v = ${text}`) as { v: SettingValue }).v;
  } catch {
    return text;
  }
}
