import { detailLength } from "./detail-lines.ts";
import { type GraphRow, layOutGraph } from "./graph.ts";
import { KEYMAP, type KeyAction } from "./keymap.ts";
import { arrange, detailColumns, innerHeight, type Layout, type Size, versionsShown } from "./layout.ts";
import type { VersionDetail, VersionRow } from "./version-row.ts";

/** What covers the panes. */
export type Overlay =
  | { readonly kind: "help"; readonly top: number }
  | {
      readonly kind: "difference";
      readonly from: string;
      readonly to: string;
      readonly lines: readonly string[] | undefined;
      readonly top: number;
    };

/** Everything the screen shows; drawing reads nothing else. */
export interface ScreenState {
  readonly layout: Layout;
  readonly reading: boolean;
  readonly versions: readonly VersionRow[];
  readonly graph: readonly GraphRow[];
  readonly selected: number;
  /** First version in the window. */
  readonly top: number;
  readonly focus: "list" | "detail";
  /** Of the selected version, once it is read. */
  readonly detail: VersionDetail | undefined;
  readonly detailTop: number;
  /** Examples that a version lost, by its commit, as far as it was read. */
  readonly regressed: ReadonlyMap<string, number>;
  readonly overlay: Overlay | undefined;
  readonly marked: string | undefined;
  /** What is being searched for; `typing` while it is typed. */
  readonly search: { readonly text: string; readonly typing: boolean };
  /** One line for the person, until the next key. */
  readonly notice: string | undefined;
}

export type ScreenAction =
  | { readonly type: "resize"; readonly size: Size }
  | { readonly type: "reading" }
  | { readonly type: "versions"; readonly versions: readonly VersionRow[]; readonly more: boolean }
  | { readonly type: "detail"; readonly detail: VersionDetail }
  | {
      readonly type: "difference";
      readonly from: string;
      readonly to: string;
      readonly lines: readonly string[];
    }
  | { readonly type: "regressed"; readonly commit: string; readonly count: number }
  | { readonly type: "notice"; readonly text: string }
  | { readonly type: "failed"; readonly text: string }
  | { readonly type: "key"; readonly action: KeyAction }
  | { readonly type: "typed"; readonly key: string };

/** The screen before the first version is read. */
export function initialScreen(size: Size): ScreenState {
  return {
    layout: arrange(size),
    reading: true,
    versions: [],
    graph: [],
    selected: 0,
    top: 0,
    focus: "list",
    detail: undefined,
    detailTop: 0,
    regressed: new Map(),
    overlay: undefined,
    marked: undefined,
    search: { text: "", typing: false },
    notice: undefined,
  };
}

/** The version under the cursor. */
export function selectedVersion(state: ScreenState): VersionRow | undefined {
  return state.versions[state.selected];
}

/** Versions in the window of the list. */
export function visibleVersions({
  versions,
  top,
  layout,
}: Pick<ScreenState, "versions" | "top" | "layout">): readonly VersionRow[] {
  return versions.slice(top, top + versionsShown(layout));
}

/** The one place where the screen changes. Pure; what has to be read or written is done by who dispatches. */
export function reduceScreen(state: ScreenState, action: ScreenAction): ScreenState {
  switch (action.type) {
    case "resize":
      return inWindow({ ...state, layout: arrange(action.size) });
    case "reading":
      return { ...state, reading: true };
    case "versions":
      // A first part is only good for an empty screen: the selected version may be in the rest.
      return action.more && state.versions.length > 0
        ? state
        : { ...withVersions(state, action.versions), reading: action.more };
    case "detail":
      return action.detail.commit === selectedVersion(state)?.commit
        ? { ...state, detail: action.detail }
        : state;
    case "difference":
      return isWaitingFor(state.overlay, action.from, action.to)
        ? { ...state, overlay: { ...state.overlay, lines: action.lines } }
        : state;
    case "regressed":
      return { ...state, regressed: new Map(state.regressed).set(action.commit, action.count) };
    case "notice":
      return { ...state, notice: action.text };
    case "failed":
      return { ...state, reading: false, notice: action.text };
    case "typed":
      return type(state, action.key);
    case "key":
      return press({ ...state, notice: undefined }, action.action);
  }
}

function isWaitingFor(
  overlay: Overlay | undefined,
  from: string,
  to: string,
): overlay is Overlay & { kind: "difference" } {
  return overlay?.kind === "difference" && overlay.from === from && overlay.to === to;
}

/** Takes a new list; the selection stays on the version where it was, which may have moved. At first it is HEAD. */
function withVersions(state: ScreenState, versions: readonly VersionRow[]): ScreenState {
  const wanted = selectedVersion(state)?.commit;
  const at = versions.findIndex((row) => (wanted === undefined ? row.current : row.commit === wanted));
  return inWindow({
    ...state,
    versions,
    graph: layOutGraph(versions),
    selected: Math.max(0, at),
    detail: undefined,
    detailTop: 0,
  });
}

/** Moves the window so that the selection is in it and no line stays empty. */
function inWindow(state: ScreenState): ScreenState {
  const shown = versionsShown(state.layout);
  const last = Math.max(0, state.versions.length - 1);
  const selected = clamp(state.selected, 0, last);
  const top = clamp(
    clamp(state.top, selected - shown + 1, selected),
    0,
    Math.max(0, state.versions.length - shown),
  );
  return { ...state, selected, top };
}

function select(state: ScreenState, at: number): ScreenState {
  const next = inWindow({ ...state, selected: at });
  return next.selected === state.selected ? next : { ...next, detail: undefined, detailTop: 0 };
}

/** Lines that a key moves by, on a page of `page` lines; infinite for either end. */
const MOVES: { readonly [key in KeyAction]?: (page: number) => number } = {
  down: () => 1,
  up: () => -1,
  "page-down": (page) => page,
  "page-up": (page) => -page,
  "half-down": (page) => Math.ceil(page / 2),
  "half-up": (page) => -Math.ceil(page / 2),
  top: () => Number.NEGATIVE_INFINITY,
  bottom: () => Number.POSITIVE_INFINITY,
};

function press(state: ScreenState, action: KeyAction): ScreenState {
  const move = MOVES[action];
  if (move !== undefined) return moved(state, move);
  const act = ACTS[action];
  return act === undefined ? state : act(state);
}

function moved(state: ScreenState, move: (page: number) => number): ScreenState {
  const { overlay, layout } = state;
  if (overlay !== undefined) {
    const height = layout.height - 4;
    const length = overlay.kind === "help" ? KEYMAP.length : (overlay.lines?.length ?? 0);
    return {
      ...state,
      overlay: { ...overlay, top: clamp(overlay.top + move(height), 0, Math.max(0, length - height)) },
    };
  }
  if (state.focus === "detail") {
    const height = innerHeight(layout.detail);
    const length = state.detail === undefined ? 0 : detailLength(state.detail, detailColumns(layout));
    return { ...state, detailTop: clamp(state.detailTop + move(height), 0, Math.max(0, length - height)) };
  }
  return select(
    state,
    clamp(state.selected + move(versionsShown(layout)), 0, Math.max(0, state.versions.length - 1)),
  );
}

const ACTS: { readonly [key in KeyAction]?: (state: ScreenState) => ScreenState } = {
  open: (state) =>
    state.overlay === undefined && state.versions.length > 0 ? { ...state, focus: "detail" } : state,
  pane: (state) =>
    state.overlay === undefined ? { ...state, focus: state.focus === "list" ? "detail" : "list" } : state,
  back: (state) => {
    if (state.overlay !== undefined) return { ...state, overlay: undefined };
    if (state.focus === "detail") return { ...state, focus: "list" };
    return { ...state, marked: undefined, search: { text: "", typing: false } };
  },
  help: (state) => ({
    ...state,
    overlay: state.overlay?.kind === "help" ? undefined : { kind: "help", top: 0 },
  }),
  search: (state) => ({ ...state, overlay: undefined, focus: "list", search: { text: "", typing: true } }),
  "next-match": (state) => toMatch(state, 1),
  "previous-match": (state) => toMatch(state, -1),
  mark: (state) => {
    const commit = selectedVersion(state)?.commit;
    return state.overlay === undefined
      ? { ...state, marked: commit === state.marked ? undefined : commit }
      : state;
  },
  diff: openDifference,
};

function openDifference(state: ScreenState): ScreenState {
  const row = selectedVersion(state);
  if (row === undefined || state.overlay !== undefined) return state;
  const from = state.marked !== undefined && state.marked !== row.commit ? state.marked : row.parents[0];
  if (from === undefined)
    return { ...state, notice: `${row.version} has no parent: mark another version with Space` };
  return { ...state, overlay: { kind: "difference", from, to: row.commit, lines: undefined, top: 0 } };
}

/** A key while a search is typed: the selection follows what is typed. */
function type(state: ScreenState, key: string): ScreenState {
  const { text } = state.search;
  if (key === "esc") return { ...state, search: { text: "", typing: false } };
  if (key === "enter") return { ...state, search: { text, typing: false } };
  const next =
    key === "backspace"
      ? [...text].slice(0, -1).join("")
      : key === "space"
        ? `${text} `
        : text + printable(key);
  const typed = { ...state, notice: undefined, search: { text: next, typing: true } };
  const here = selectedVersion(typed);
  return next === "" || (here !== undefined && matches(here, next)) ? typed : toMatch(typed, 1);
}

function printable(key: string): string {
  return [...key].length === 1 || !/^(ctrl-|up$|down$|pg|home$|end$|tab$)/.test(key) ? key : "";
}

function toMatch(state: ScreenState, step: 1 | -1): ScreenState {
  const { text } = state.search;
  const count = state.versions.length;
  if (text === "" || count === 0) return { ...state, notice: "nothing to search for: press / first" };
  for (let away = 1; away <= count; away += 1) {
    const at = (((state.selected + step * away) % count) + count) % count;
    const row = state.versions[at];
    if (row !== undefined && matches(row, text)) return select(state, at);
  }
  return { ...state, notice: `no version matches '${text}'` };
}

/** True where version, id, a ref, the message or a dataset holds the text; case counts for nothing. */
export function matches(row: VersionRow, text: string): boolean {
  const wanted = text.toLowerCase();
  if (row.commit.startsWith(wanted)) return true;
  return [row.version, row.message, ...row.refs, ...row.datasets].some((field) =>
    field.toLowerCase().includes(wanted),
  );
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, value));
}
