import type { Clock, Random } from "../base/ports.ts";
import type { Author } from "../objects/records.ts";
import type { Repository } from "../repo/repository.ts";
import type { EngineLauncher } from "./engine/launcher.ts";
import type { Settings } from "./settings.ts";

/** All that a command may know of the world. Faces (command line, terminal views, library) make it. */
export interface Context {
  /** Absolute; relative paths of the options are relative to it. */
  readonly cwd: string;
  /** Folder that holds `.ingot`; undefined where none was found from `cwd` upward. */
  readonly root: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly actor: Author;
  readonly settings: Settings;
  /** Aborted when the person asks to stop; long commands save and end. */
  readonly signal: AbortSignal;
  /** What the operation log keeps as the cause: `train refunds`. */
  readonly commandLine: string;
  readonly engine?: EngineLauncher;
  /** The repository of `root`, opened once. Throws `repository.missing`, or `refused.owner` where somebody else owns it. */
  openRepository(): Promise<Repository>;
  /** Closes what was opened. */
  close(): Promise<void>;
}
