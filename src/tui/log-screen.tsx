import { Box, Text, useApp, useInput, useStdout } from "ink";
import { useCallback, useEffect, useState, useSyncExternalStore } from "react";
import { IngotError } from "../base/errors.ts";
import { DetailPane } from "./detail-pane.tsx";
import type { Glyphs } from "./glyphs.ts";
import { actionOf, KEYMAP, keyName } from "./keymap.ts";
import type { Size } from "./layout.ts";
import { OverlayPane } from "./overlay-pane.tsx";
import {
  initialScreen,
  reduceScreen,
  type ScreenAction,
  type ScreenState,
  selectedVersion,
  visibleVersions,
} from "./screen.ts";
import { createStore } from "./store.ts";
import { VersionList } from "./version-list.tsx";
import type { LogSource, VersionRow } from "./version-row.ts";

/** What the screen asks of the terminal that it runs on; a test makes it up. */
export interface ScreenHost {
  size(): Size;
  onResize(listener: (size: Size) => void): () => void;
  onResume(listener: () => void): () => void;
  suspend(): void;
  copy(text: string): void;
}

export interface LogScreenProps {
  readonly source: LogSource;
  readonly host: ScreenHost;
  readonly glyphs: Glyphs;
}

/** `ingot log -i`: versions on one side, the selected one on the other. State changes in `screen.ts` alone. */
export function LogScreen({ source, host, glyphs }: LogScreenProps): React.JSX.Element {
  const [store] = useState(() => createStore(reduceScreen, initialScreen(host.size())));
  const state = useSyncExternalStore(store.subscribe, store.read);
  const { dispatch } = store;
  const { exit } = useApp();
  const { write } = useStdout();
  const commit = selectedVersion(state)?.commit;
  const unread = state.detail === undefined ? commit : undefined;
  const { overlay, versions, top, layout } = state;
  const difference = overlay?.kind === "difference" ? overlay : undefined;

  useEffect(() => host.onResize((size) => dispatch({ type: "resize", size })), [host, dispatch]);
  // ink skips a frame equal to its last one; a write through it draws that frame again.
  useEffect(() => host.onResume(() => write("")), [host, write]);
  useEffect(() => {
    if (state.reading) void report(dispatch, () => readVersions(source, dispatch));
  }, [state.reading, source, dispatch]);
  useEffect(() => {
    if (unread === undefined) return;
    const read = async (): Promise<void> => dispatch({ type: "detail", detail: await source.detail(unread) });
    const timer = setTimeout(() => report(dispatch, read), READ_AFTER_MS);
    return () => clearTimeout(timer);
  }, [unread, source, dispatch]);
  useEffect(() => {
    let passed = false;
    const read = async (): Promise<void> => {
      for (const row of visibleVersions({ versions, top, layout })) {
        if (passed) return;
        if (row.accuracy === undefined || store.read().regressed.has(row.commit)) continue;
        dispatch({ type: "regressed", commit: row.commit, count: await source.regressed(row.commit) });
      }
    };
    const timer = setTimeout(() => report(dispatch, read), READ_AFTER_MS);
    return () => {
      passed = true;
      clearTimeout(timer);
    };
  }, [versions, top, layout, source, store, dispatch]);
  useEffect(() => {
    if (difference === undefined || difference.lines !== undefined) return;
    const { from, to } = difference;
    void report(dispatch, async () =>
      dispatch({ type: "difference", from, to, lines: await source.difference(from, to) }),
    );
  }, [difference, source, dispatch]);

  const onKey = useCallback(
    (key: string) => {
      const now = store.read();
      if (now.search.typing) return dispatch({ type: "typed", key });
      const action = actionOf(key);
      if (action === "quit") exit();
      else if (action === "suspend") host.suspend();
      else if (action === "reload") dispatch({ type: "reading" });
      else if (action === "copy") copyId(selectedVersion(now), host, dispatch);
      else if (action !== undefined) dispatch({ type: "key", action });
    },
    [store, dispatch, host, exit],
  );
  useInput(useCallback((input, press) => keysOf(input, press).forEach(onKey), [onKey]));

  return (
    <Box flexDirection="column" width={state.layout.width} height={state.layout.height}>
      <Header state={state} source={source} />
      <Body state={state} glyphs={glyphs} />
      <Footer state={state} />
    </Box>
  );
}

/** Versions that are shown before the rest is read. */
const FIRST_PART = 200;

async function readVersions(source: LogSource, dispatch: (action: ScreenAction) => void): Promise<void> {
  const versions: VersionRow[] = [];
  for await (const row of source.versions()) {
    versions.push(row);
    if (versions.length === FIRST_PART) dispatch({ type: "versions", versions: [...versions], more: true });
  }
  dispatch({ type: "versions", versions, more: false });
}

/** A selection that only passes by is not read. */
const READ_AFTER_MS = 40;

function copyId(
  row: VersionRow | undefined,
  host: ScreenHost,
  dispatch: (action: ScreenAction) => void,
): void {
  if (row === undefined) return;
  host.copy(row.commit);
  dispatch({ type: "notice", text: `copied ${row.commit.slice(0, 16)}` });
}

/** Letters that arrive together (a fast typist, a paste) are keys one by one. */
function keysOf(input: string, press: Parameters<typeof keyName>[1]): readonly string[] {
  const name = keyName(input, press);
  return name === input && [...input].length > 1 ? [...input].map((letter) => keyName(letter, {})) : [name];
}

async function report(dispatch: (action: ScreenAction) => void, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof IngotError)) throw error;
    dispatch({ type: "failed", text: `error[${error.code}]: ${error.message}` });
  }
}

function Header({
  state,
  source,
}: {
  readonly state: ScreenState;
  readonly source: LogSource;
}): React.JSX.Element {
  const head = state.versions.find((row) => row.current);
  const served = state.versions.find((row) => row.refs.includes("production"));
  const where = head === undefined ? "" : ` @ ${head.version}`;
  return (
    <Box justifyContent="space-between" height={1}>
      <Text wrap="truncate">
        {" "}
        <Text bold>{source.title}</Text>
        {`  ${source.branch}${where}`}
        {served === undefined ? "" : `   production ${served.version}`}
      </Text>
      <Text dimColor>{state.reading ? "reading... " : `${state.versions.length} versions `}</Text>
    </Box>
  );
}

function Body({
  state,
  glyphs,
}: {
  readonly state: ScreenState;
  readonly glyphs: Glyphs;
}): React.JSX.Element {
  const { layout, focus, overlay } = state;
  if (overlay !== undefined) return <OverlayPane overlay={overlay} state={state} glyphs={glyphs} />;
  const both = layout.arrangement !== "single";
  return (
    <Box flexDirection={layout.arrangement === "stacked" ? "column" : "row"} height={layout.height - 2}>
      {(both || focus === "list") && <VersionList state={state} glyphs={glyphs} />}
      {(both || focus === "detail") && <DetailPane state={state} glyphs={glyphs} />}
    </Box>
  );
}

function Footer({ state }: { readonly state: ScreenState }): React.JSX.Element {
  const { search, notice, marked, versions } = state;
  if (search.typing)
    return <Text wrap="truncate">{` /${search.text}_  Enter keeps it, Esc forgets it`}</Text>;
  if (notice !== undefined) return <Text wrap="truncate" color="yellow">{` ${notice}`}</Text>;
  const mark = versions.find((row) => row.commit === marked);
  const keys = KEYMAP.flatMap(({ keys: [key], short }) =>
    short === undefined ? [] : [`${titled(key ?? "")} ${short}`],
  );
  return (
    <Text
      wrap="truncate"
      dimColor
    >{` ${keys.join("  ")}${mark === undefined ? "" : `   marked ${mark.version}`}${command(state)}`}</Text>
  );
}

function titled(key: string): string {
  return key.length > 1 ? key.charAt(0).toUpperCase() + key.slice(1) : key;
}

/** The command line that shows the same, so that the screen teaches it. */
function command(state: ScreenState): string {
  const row = selectedVersion(state);
  if (row === undefined || state.layout.width < 85) return "";
  return `   cli: ingot show ${row.version}`;
}
