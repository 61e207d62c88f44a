import { escapeControl } from "../../base/terminal-text.ts";
import type { SettingValue } from "../../commands/settings.ts";

/** A setting's value on one line. */
export function settingText(value: SettingValue): string {
  return escapeControl(typeof value === "string" ? value : JSON.stringify(value));
}
