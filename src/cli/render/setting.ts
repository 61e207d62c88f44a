import type { SettingValue } from "../../commands/settings.ts";
import { escapeControl } from "../terminal.ts";

/** A setting's value on one line. */
export function settingText(value: SettingValue): string {
  return escapeControl(typeof value === "string" ? value : JSON.stringify(value));
}
