import { bug } from "../base/errors.ts";
import type { Context } from "../commands/context.ts";
import type { CommandDefinition } from "./command.ts";
import type { Io } from "./io.ts";
import type { Terminal } from "./terminal.ts";

/** Checked value of an option or positional. */
export type ArgumentValue = string | number | boolean | readonly string[] | readonly number[];

/** Arguments after checking. Asking for a name that the verb does not declare is a mistake of the program. */
export class Arguments {
  readonly #values: ReadonlyMap<string, ArgumentValue>;
  readonly #known: ReadonlySet<string>;

  constructor(values: ReadonlyMap<string, ArgumentValue>, known: ReadonlySet<string>) {
    this.#values = values;
    this.#known = known;
  }

  has(name: string): boolean {
    return this.#find(name) !== undefined;
  }

  flag(name: string): boolean {
    return this.#find(name) === true;
  }

  text(name: string): string | undefined {
    const value = this.#find(name);
    return typeof value === "string" ? value : undefined;
  }

  /** A positional declared as required. */
  required(name: string): string {
    return this.text(name) ?? bug(`argument '${name}' is missing`);
  }

  number(name: string): number | undefined {
    const value = this.#find(name);
    return typeof value === "number" ? value : undefined;
  }

  list(name: string): readonly string[] {
    const value = this.#find(name);
    if (value === undefined) return [];
    return Array.isArray(value) ? (value as readonly string[]) : [String(value)];
  }

  #find(name: string): ArgumentValue | undefined {
    if (!this.#known.has(name)) bug(`argument '${name}' is not declared`);
    return this.#values.get(name);
  }
}

/** One call of one verb. */
export interface Invocation {
  readonly command: CommandDefinition;
  readonly args: Arguments;
  readonly io: Io;
  readonly terminal: Terminal;
  /** `--json` */
  readonly json: boolean;
  readonly quiet: boolean;
  /** What went to stdout as events so far. */
  readonly told: { lastEvent?: string };
  /** Made at the first call: settings read, repository found. */
  context(): Promise<Context>;
  /** A line for people on stderr, unless `-q` or `--json`. */
  note(line: string): void;
}
