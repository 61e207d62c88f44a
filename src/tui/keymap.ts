/** What a key asks the screen for. */
export type KeyAction =
  | "down"
  | "up"
  | "page-down"
  | "page-up"
  | "half-down"
  | "half-up"
  | "top"
  | "bottom"
  | "open"
  | "back"
  | "pane"
  | "mark"
  | "diff"
  | "copy"
  | "search"
  | "next-match"
  | "previous-match"
  | "reload"
  | "help"
  | "quit"
  | "suspend";

export interface KeyBinding {
  readonly keys: readonly string[];
  readonly action: KeyAction;
  readonly meaning: string;
  /** Word in the footer, where it stands there. */
  readonly short?: string;
}

/** The one table of keys; help and footer are drawn from it. */
export const KEYMAP: readonly KeyBinding[] = [
  { keys: ["j", "down"], action: "down", meaning: "next version, or a line down" },
  { keys: ["k", "up"], action: "up", meaning: "version before, or a line up" },
  { keys: ["pgdn"], action: "page-down", meaning: "a page down" },
  { keys: ["pgup"], action: "page-up", meaning: "a page up" },
  { keys: ["ctrl-d"], action: "half-down", meaning: "half a page down" },
  { keys: ["ctrl-u"], action: "half-up", meaning: "half a page up" },
  { keys: ["g", "home"], action: "top", meaning: "newest version, or the first line" },
  { keys: ["G", "end"], action: "bottom", meaning: "oldest version, or the last line" },
  { keys: ["enter"], action: "open", meaning: "go into the version", short: "open" },
  { keys: ["esc"], action: "back", meaning: "back to the list; forget search and mark" },
  { keys: ["tab"], action: "pane", meaning: "the other pane" },
  { keys: ["space"], action: "mark", meaning: "mark a version to compare with", short: "mark" },
  {
    keys: ["d"],
    action: "diff",
    meaning: "compare with the marked version, or with the parent",
    short: "diff",
  },
  { keys: ["/"], action: "search", meaning: "search version, ref, message, data", short: "search" },
  { keys: ["n"], action: "next-match", meaning: "next match" },
  { keys: ["N"], action: "previous-match", meaning: "match before" },
  { keys: ["y"], action: "copy", meaning: "copy the version's id" },
  { keys: ["r"], action: "reload", meaning: "read the repository again" },
  { keys: ["?"], action: "help", meaning: "all keys", short: "keys" },
  { keys: ["ctrl-z"], action: "suspend", meaning: "suspend; fg comes back" },
  { keys: ["q"], action: "quit", meaning: "leave", short: "quit" },
];

const BY_KEY = new Map(
  KEYMAP.flatMap((binding) => binding.keys.map((key) => [key, binding.action] as const)),
);

/** Flags ink gives with a key press, as far as the keymap needs them. */
export interface KeyPress {
  readonly upArrow?: boolean;
  readonly downArrow?: boolean;
  readonly pageUp?: boolean;
  readonly pageDown?: boolean;
  readonly home?: boolean;
  readonly end?: boolean;
  readonly return?: boolean;
  readonly escape?: boolean;
  readonly tab?: boolean;
  readonly backspace?: boolean;
  readonly delete?: boolean;
  readonly ctrl?: boolean;
}

const NAMED: readonly (readonly [keyof KeyPress, string])[] = [
  ["upArrow", "up"],
  ["downArrow", "down"],
  ["pageUp", "pgup"],
  ["pageDown", "pgdn"],
  ["home", "home"],
  ["end", "end"],
  ["return", "enter"],
  ["escape", "esc"],
  ["tab", "tab"],
  ["backspace", "backspace"],
  ["delete", "backspace"],
];

/** Names of keys that arrive as a character, which they do when several come together. */
const PLAIN_NAMES: { readonly [input: string]: string } = {
  " ": "space",
  "\r": "enter",
  "\t": "tab",
  "\x1b": "esc",
  "\x7f": "backspace",
};

/** Name of a key press as the keymap writes it. */
export function keyName(input: string, press: KeyPress): string {
  for (const [flag, name] of NAMED) if (press[flag] === true) return name;
  if (press.ctrl === true) return `ctrl-${input}`;
  return PLAIN_NAMES[input] ?? input;
}

/** What a key does; undefined for one without meaning. */
export function actionOf(key: string): KeyAction | undefined {
  return BY_KEY.get(key);
}
