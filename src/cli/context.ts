import path from "node:path";
import { IngotError } from "../base/errors.ts";
import type { Context } from "../commands/context.ts";
import { openContext } from "../commands/open-context.ts";
import type { SettingValue } from "../commands/settings.ts";
import type { Invocation } from "./invocation.ts";
import type { Io } from "./io.ts";
import { processEngineLauncher } from "./launch-engine.ts";

/** Environment variables that are settings, and how their text is read. */
const VARIABLES: readonly (readonly [
  variable: string,
  table: string,
  key: string,
  read: (text: string) => SettingValue,
])[] = [
  ["INGOT_AUTHOR_NAME", "user", "name", String],
  ["INGOT_AUTHOR_EMAIL", "user", "email", String],
  ["INGOT_THREADS", "engine", "threads", readThreads],
];

/** The context of a call: its folder (`-C`), the person's settings, the process that runs the engine. */
export async function contextOf(call: Invocation, commandLine: string): Promise<Context> {
  return openContext({
    ...contextOptions(call.io),
    cwd: folderOf(call.io.cwd, call.args.text("C")),
    commandLine,
  });
}

/** What an environment says about settings and person; completion uses it too. */
export function contextOptions(io: Io) {
  return {
    cwd: io.cwd,
    commandLine: "",
    userSettings: userSettingsFile(io),
    overrides: VARIABLES.flatMap(([variable, table, key, read]) => {
      const text = io.env[variable];
      return text === undefined || text === ""
        ? []
        : [{ layer: "environment" as const, origin: variable, table: { [table]: { [key]: read(text) } } }];
    }),
    login: io.user,
    signal: io.signal,
    engine: processEngineLauncher(io),
  };
}

/** Absolute path of the user's settings file. */
export function userSettingsFile({ env, home, platform }: Io): string {
  if (env.INGOT_HOME) return path.resolve(env.INGOT_HOME, "config.toml");
  if (platform === "win32")
    return path.join(env.APPDATA ?? path.join(home, "AppData", "Roaming"), "ingot", "config.toml");
  return path.join(env.XDG_CONFIG_HOME || path.join(home, ".config"), "ingot", "config.toml");
}

function folderOf(cwd: string, changed: string | undefined): string {
  return changed === undefined ? cwd : path.resolve(cwd, changed);
}

function readThreads(text: string): number {
  const threads = Number(text);
  if (!Number.isInteger(threads) || threads < 1)
    throw new IngotError("usage.config", `INGOT_THREADS is '${text}'`, { hint: "a whole number from 1" });
  return threads;
}
