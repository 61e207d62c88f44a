import { IngotError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";

/** Settings that have a meaning, and what it is. `[train]` takes every key of a recipe beside these. */
export const SETTING_KEYS: Readonly<Record<string, string>> = {
  "user.name": "who makes versions, for the record (INGOT_AUTHOR_NAME)",
  "user.email": "address beside the name (INGOT_AUTHOR_EMAIL)",
  "core.pager": "program that shows long output (INGOT_PAGER); from the user's file alone",
  "log.interactive": "open the full screen where a terminal is there",
  "engine.threads": "threads of the machine (INGOT_THREADS); no result depends on it",
  "engine.check_timeout_ms": "how long a model may take to load and run once when it is imported: 300000",
  "safe.repository": "folders of other owners that may be used; from the user's file alone",
  "gc.grace": "how long condemned bytes lie before they are freed: 30d",
  "disk.minimum": "bytes that must stay free for a training to start",
};

const OPEN_TABLES = [
  "train",
  "evolution",
  "gate",
  "retention",
  "backup",
  "queue",
  "serve",
  "remote",
  "advice",
  "alias",
];
const KEY = /^(?!.*__proto__)[A-Za-z0-9_][A-Za-z0-9_-]*(\.[A-Za-z0-9_][A-Za-z0-9_-]*)+$/;

/** Throws `usage.config` for a key that nothing reads, with the nearest one. */
export function assertSettingKey(key: string): void {
  if (!KEY.test(key))
    throw new IngotError("usage.config", `'${key}' is not a setting`, {
      hint: "a setting is written table.key, as in user.name",
    });
  if (Object.hasOwn(SETTING_KEYS, key) || OPEN_TABLES.includes(key.split(".")[0]!)) return;
  const near = nearest(key, Object.keys(SETTING_KEYS));
  throw new IngotError("usage.config", `'${key}' is not a setting`, {
    hint: near === undefined ? "ingot help config lists the settings" : `did you mean ${near}?`,
  });
}
