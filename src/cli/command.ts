/** How the text of an argument is read and checked. */
export type ValueKind =
  | { readonly type: "text"; readonly placeholder: string; readonly complete?: CompletionSource }
  | { readonly type: "integer"; readonly placeholder: string; readonly min?: number; readonly max?: number }
  | { readonly type: "number"; readonly placeholder: string; readonly min?: number; readonly max?: number }
  | { readonly type: "choice"; readonly values: readonly string[] };

/** What completion offers for a value. */
export type CompletionSource =
  | "revision"
  | "ref"
  | "branch"
  | "dataset"
  | "file"
  | "command"
  | "topic"
  | "setting";

export interface PositionalDefinition {
  readonly name: string;
  readonly summary: string;
  readonly kind: ValueKind;
  readonly required?: boolean;
  /** Takes all that is left; only the last may. */
  readonly many?: boolean;
}

export interface OptionDefinition {
  readonly name: string;
  readonly short?: string;
  readonly summary: string;
  /** Absent: a switch. */
  readonly kind?: ValueKind;
  /** May be given several times. */
  readonly repeat?: boolean;
}

export type CommandGroup = "start" | "data" | "history" | "release" | "share" | "maintain" | "plumbing";

/** A verb as a value: parsing, help, completion and the table of verbs all read this. */
export interface CommandDefinition {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly group: CommandGroup;
  /** One line, third person left out: "Create a repository". */
  readonly summary: string;
  /** Further paragraphs of `help VERB`. */
  readonly details?: string;
  readonly positionals?: readonly PositionalDefinition[];
  readonly options?: readonly OptionDefinition[];
  readonly examples?: readonly (readonly [line: string, meaning: string])[];
  /** True where `--json` means something. */
  readonly json?: boolean;
  /** True where `--json` prints a line an event, the last one `done`, `paused` or `failed`. */
  readonly events?: boolean;
  /** True where `--dry-run` means something. */
  readonly dryRun?: boolean;
}

export const text = (placeholder: string, complete?: CompletionSource): ValueKind =>
  complete === undefined ? { type: "text", placeholder } : { type: "text", placeholder, complete };
export const integer = (placeholder: string, min = 0, max = Number.MAX_SAFE_INTEGER): ValueKind => ({
  type: "integer",
  placeholder,
  min,
  max,
});
export const number = (placeholder: string, min?: number, max?: number): ValueKind => ({
  type: "number",
  placeholder,
  ...(min === undefined ? {} : { min }),
  ...(max === undefined ? {} : { max }),
});
export const choice = (...values: readonly string[]): ValueKind => ({ type: "choice", values });

/** Options that every verb takes. */
export const GLOBAL_OPTIONS: readonly OptionDefinition[] = [
  { name: "C", short: "C", summary: "Run as if started in DIR", kind: text("DIR", "file") },
  { name: "json", summary: "Print JSON for programs" },
  { name: "quiet", short: "q", summary: "Say only what was asked for" },
  { name: "yes", short: "y", summary: "Answer yes to the question this verb asks" },
  { name: "no", summary: "Answer no to the question this verb asks" },
  { name: "no-input", summary: "Never ask" },
  { name: "dry-run", summary: "Show what would happen and stop" },
  { name: "color", summary: "Colour the output", kind: choice("auto", "always", "never") },
  { name: "no-pager", summary: "Never start a pager" },
  { name: "help", short: "h", summary: "Show the help of the verb" },
];
