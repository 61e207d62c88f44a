/** A value a settings file can hold; dates are kept as text. */
export type SettingValue =
  | string
  | number
  | boolean
  | readonly SettingValue[]
  | { readonly [key: string]: SettingValue };

/** Where a value came from, strongest first: flag, environment, local (`.ingot/config.toml`), shared (`ingot.toml`), user. */
export type SettingLayer = "flag" | "environment" | "local" | "shared" | "user";

export interface Setting {
  /** Dotted key: `train.learning_rate`. */
  readonly key: string;
  readonly value: SettingValue;
  readonly layer: SettingLayer;
  /** File or variable it stands in. */
  readonly origin: string;
}

/** One source of settings, before they are laid over each other. */
export interface SettingsSource {
  readonly layer: SettingLayer;
  readonly origin: string;
  readonly table: { readonly [key: string]: SettingValue };
}

/** Resolved settings; a value. */
export interface Settings {
  /** Every setting of every layer, strongest layer first. */
  readonly all: readonly Setting[];
  /** The setting in force. */
  find(key: string): Setting | undefined;
  text(key: string): string | undefined;
  number(key: string): number | undefined;
  flag(key: string): boolean | undefined;
  /** Keys below `prefix.` with the value in force, the prefix taken off: `under("train")`. */
  under(prefix: string): ReadonlyMap<string, SettingValue>;
}

/** Keys that run programs, hold secrets or decide whom to trust: read from the user's own file (or environment) alone. */
const USER_ONLY: readonly RegExp[] = [
  /^core\.(pager|editor)$/,
  /^safe\./,
  /^alias\./,
  /(^|\.)(token|password|secret|secret_access_key|access_key_id|command)$/,
];

/** True for a key that a repository must not set. */
export function isUserOnly(key: string): boolean {
  return USER_ONLY.some((pattern) => pattern.test(key));
}

/** Lays sources over each other. Order is strongest first; user-only keys of a repository's files are left out. */
export function resolveSettings(sources: readonly SettingsSource[]): Settings {
  const all: Setting[] = [];
  for (const source of sources) {
    for (const [key, value] of flatten(source.table, "")) {
      const fromRepository = source.layer === "local" || source.layer === "shared";
      if (fromRepository && isUserOnly(key)) continue;
      all.push({ key, value, layer: source.layer, origin: source.origin });
    }
  }
  const inForce = new Map<string, Setting>();
  for (const setting of all) if (!inForce.has(setting.key)) inForce.set(setting.key, setting);
  const typed = <T extends SettingValue>(
    key: string,
    isT: (value: SettingValue | undefined) => value is T,
  ): T | undefined => {
    const value = inForce.get(key)?.value;
    return isT(value) ? value : undefined;
  };
  return {
    all,
    find: (key) => inForce.get(key),
    text: (key) => typed(key, (v): v is string => typeof v === "string"),
    number: (key) => typed(key, (v): v is number => typeof v === "number"),
    flag: (key) => typed(key, (v): v is boolean => typeof v === "boolean"),
    under: (prefix) =>
      new Map(
        [...inForce.values()]
          .filter((s) => s.key.startsWith(`${prefix}.`))
          .map((s) => [s.key.slice(prefix.length + 1), s.value]),
      ),
  };
}

/** No settings at all: tests, and a library user who has none. */
export const noSettings: Settings = resolveSettings([]);

function* flatten(
  table: { readonly [key: string]: SettingValue },
  prefix: string,
): Generator<[string, SettingValue]> {
  for (const [name, value] of Object.entries(table)) {
    const key = prefix === "" ? name : `${prefix}.${name}`;
    if (isTable(value)) yield* flatten(value, key);
    else yield [key, value];
  }
}

function isTable(value: SettingValue): value is { readonly [key: string]: SettingValue } {
  return typeof value === "object" && !Array.isArray(value);
}
