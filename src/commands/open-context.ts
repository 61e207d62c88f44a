import path from "node:path";
import { IngotError } from "../base/errors.ts";
import { type Clock, type Random, systemClock, systemRandom } from "../base/ports.ts";
import type { Repository } from "../repo/repository.ts";
import { makeFolder } from "../storage/durable.ts";
import { findUserText, userPathKind } from "../storage/files.ts";
import { ioError } from "../storage/io-error.ts";
import { foreignOwner } from "../storage/ownership.ts";
import type { Context } from "./context.ts";
import type { EngineLauncher } from "./engine/launcher.ts";
import { resolveSettings, type SettingsSource, type SettingValue } from "./settings.ts";

/** Folder of a repository's inside, beside `ingot.toml`. */
export const REPOSITORY_FOLDER = ".ingot";

export interface OpenContextOptions {
  /** Absolute. */
  readonly cwd: string;
  readonly commandLine: string;
  /** The user's settings file; absolute. */
  readonly userSettings?: string;
  /** Settings of flags and environment, strongest first. */
  readonly overrides?: readonly SettingsSource[];
  /** Login name, used where no `user.name` is set. */
  readonly login?: string;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly signal?: AbortSignal;
  readonly engine?: EngineLauncher;
}

/** Reads the settings, finds the repository from `cwd` upward. Opens nothing yet. Throws `usage.config` for a settings file that does not read. */
export async function openContext(options: OpenContextOptions): Promise<Context> {
  const root = findRoot(options.cwd);
  const files: [SettingsSource["layer"], string][] = [];
  if (root !== undefined)
    files.push(
      ["local", path.join(root, REPOSITORY_FOLDER, "config.toml")],
      ["shared", path.join(root, "ingot.toml")],
    );
  if (options.userSettings !== undefined) files.push(["user", options.userSettings]);
  const sources: SettingsSource[] = [...(options.overrides ?? [])];
  for (const [layer, file] of files) {
    const table = await readTable(file);
    if (table !== undefined) sources.push({ layer, origin: file, table });
  }
  const settings = resolveSettings(sources);
  const email = settings.text("user.email");
  let opened: Promise<Repository> | undefined;

  const context: Context = {
    cwd: options.cwd,
    root,
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    actor: {
      name: settings.text("user.name") ?? options.login ?? "unknown",
      ...(email === undefined ? {} : { email }),
    },
    settings,
    signal: options.signal ?? new AbortController().signal,
    commandLine: options.commandLine,
    ...(options.engine === undefined ? {} : { engine: options.engine }),
    openRepository() {
      opened ??= open(context);
      return opened;
    },
    async close() {
      const repository = await opened?.catch(() => undefined);
      opened = undefined;
      await repository?.close();
    },
  };
  return context;
}

async function open(context: Context): Promise<Repository> {
  if (context.root === undefined) {
    throw new IngotError("repository.missing", `no repository in '${context.cwd}' or above it`, {
      hint: "ingot init",
    });
  }
  assertTrusted(context, context.root);
  const { openRepository } = await import("../repo/open.ts");
  return openRepository(path.join(context.root, REPOSITORY_FOLDER), {
    clock: context.clock,
    random: context.random,
    actor: actorText(context),
  });
}

/** The nearest folder from `start` upward that holds a repository. */
function findRoot(start: string): string | undefined {
  for (let folder = path.resolve(start); ; folder = path.dirname(folder)) {
    if (userPathKind(path.join(folder, REPOSITORY_FOLDER)) === "folder") return folder;
    if (path.dirname(folder) === folder) return undefined;
  }
}

/** Makes the folder that a new repository goes into, with those above it, durably. Throws `environment.*`. */
export function makeRepositoryFolder(folder: string): void {
  try {
    makeFolder(path.parse(folder).root, folder, "full");
  } catch (error) {
    throw ioError(error, "make", folder);
  }
}

/** How the operation log names the actor. */
export function actorText({ actor }: Pick<Context, "actor">): string {
  return actor.email === undefined ? actor.name : `${actor.name} <${actor.email}>`;
}

// A repository prepared by somebody else is not read unless the person has said that it is trusted (git's safe.directory).
function assertTrusted(context: Context, root: string): void {
  const fault = foreignOwner(path.join(root, REPOSITORY_FOLDER));
  if (fault === undefined) return;
  const setting = context.settings.find("safe.repository")?.value;
  const trusted = typeof setting === "string" ? [setting] : Array.isArray(setting) ? setting : [];
  if (trusted.includes("*") || trusted.some((t) => typeof t === "string" && path.resolve(t) === root)) return;
  throw new IngotError("refused.owner", `the repository in '${root}' ${fault}`, {
    hint: `if you trust it: ingot config set safe.repository ${root} --user`,
    data: { where: root },
  });
}

async function readTable(file: string): Promise<{ readonly [key: string]: SettingValue } | undefined> {
  const text = await findUserText(file);
  if (text === undefined || text.trim() === "") return undefined;
  const { parse } = await import("smol-toml");
  try {
    return parse(text) as { readonly [key: string]: SettingValue };
  } catch (cause) {
    const { line } = cause as { line?: number };
    throw new IngotError("usage.config", `settings file '${file}' does not read as TOML`, {
      hint: "mend or remove the line",
      data: { where: line === undefined ? file : `${file}:${line}` },
      cause,
    });
  }
}
