import { Box, Text } from "ink";
import { plainText } from "../base/terminal-text.ts";
import type { Glyphs } from "./glyphs.ts";
import { drawBelow, drawGraph, type GraphRow } from "./graph.ts";
import { Frame } from "./pane.tsx";
import { type ScreenState, visibleVersions } from "./screen.ts";
import type { VersionRow } from "./version-row.ts";

/** Lanes that are drawn at most; further ones are cut off. */
const MOST_LANES = 8;
const VERSION_COLUMNS = 5;
/** A list narrower than this has no room for the number of lost examples. */
const LEAST_REGRESSED_COLUMNS = 46;

/** The window of the list that is on the screen; versions outside it cost nothing. */
export function VersionList({
  state,
  glyphs,
}: {
  readonly state: ScreenState;
  readonly glyphs: Glyphs;
}): React.JSX.Element {
  const { layout, graph, top, selected } = state;
  const shown = visibleVersions(state);
  const lanes = Math.min(MOST_LANES, Math.max(1, ...graph.slice(top, top + shown.length).map(lanesOf)));
  return (
    <Frame pane={layout.list} title={title(state)} focused={state.focus === "list"} glyphs={glyphs}>
      {shown.length === 0 && (
        <Text dimColor>{state.reading ? " reading..." : " no version yet: ingot import PATH"}</Text>
      )}
      {shown.map((row, i) => (
        <VersionLines
          key={row.commit}
          row={row}
          graph={graph[top + i] ?? NO_GRAPH}
          lanes={lanes}
          selected={top + i === selected}
          marked={row.commit === state.marked}
          regressed={
            layout.list.width < LEAST_REGRESSED_COLUMNS ? undefined : state.regressed.get(row.commit)
          }
          tall={layout.lineHeight === 2}
          glyphs={glyphs}
        />
      ))}
    </Frame>
  );
}

const NO_GRAPH: GraphRow = { column: 0, passing: [], joining: [], opening: [], below: [] };

function title({ versions, selected }: ScreenState): string {
  return versions.length === 0 ? "Versions" : `Versions ${selected + 1} of ${versions.length}`;
}

function lanesOf(graph: GraphRow): number {
  return Math.max(graph.column, ...graph.passing, ...graph.joining, ...graph.opening, ...graph.below) + 1;
}

interface VersionLinesProps {
  readonly row: VersionRow;
  readonly graph: GraphRow;
  readonly lanes: number;
  readonly selected: boolean;
  readonly marked: boolean;
  readonly regressed: number | undefined;
  readonly tall: boolean;
  readonly glyphs: Glyphs;
}

function VersionLines({
  row,
  graph,
  lanes,
  selected,
  marked,
  regressed,
  tall,
  glyphs,
}: VersionLinesProps): React.JSX.Element {
  const refs = row.aside === undefined ? row.refs : ["aside", ...row.refs];
  return (
    <>
      <Box height={1} flexShrink={0}>
        <Box flexShrink={0}>
          <Text color="cyan">{selected ? glyphs.cursor : marked ? glyphs.mark : " "}</Text>
          <Text color={row.aside === undefined ? "green" : "red"}>
            {drawGraph(graph, node(row, glyphs), lanes, glyphs)}
          </Text>
        </Box>
        <Box flexGrow={1} flexShrink={1} overflow="hidden">
          <Text wrap="truncate" bold={selected} inverse={selected}>
            {row.version.padEnd(VERSION_COLUMNS)}
            <Text color="yellow">{refs.map(plainText).join(" ")}</Text>
            {!tall && `${refs.length === 0 ? "" : "  "}${plainText(row.message)}`}
          </Text>
        </Box>
        <Box flexShrink={0}>
          <Score row={row} glyphs={glyphs} />
          {regressed !== undefined && (
            <Text {...(regressed === 0 ? { dimColor: true } : { color: "red" })}>
              {`${regressed} regr`.padStart(8)}
            </Text>
          )}
        </Box>
      </Box>
      {tall && (
        <Box height={1} flexShrink={0}>
          <Text color="green">{` ${drawBelow(graph, lanes, glyphs)}`}</Text>
          <Text wrap="truncate" dimColor>
            {plainText([row.message, row.datasets.join(" ")].filter((part) => part !== "").join("   "))}
          </Text>
        </Box>
      )}
    </>
  );
}

function node(row: VersionRow, glyphs: Glyphs): string {
  if (row.aside !== undefined) return glyphs.aside;
  if (row.current) return glyphs.current;
  if (row.refs.includes("production")) return glyphs.production;
  return row.imported && row.parents.length === 0 ? glyphs.base : glyphs.commit;
}

/** Accuracy in percent, and what the training changed in it, in points. */
function Score({
  row,
  glyphs,
}: {
  readonly row: VersionRow;
  readonly glyphs: Glyphs;
}): React.JSX.Element | null {
  if (row.accuracy === undefined) return null;
  const change = row.accuracyBefore === undefined ? 0 : (row.accuracy - row.accuracyBefore) * 100;
  const rounded = Math.abs(change).toFixed(1);
  const sign = rounded === "0.0" ? "=" : change > 0 ? glyphs.up : glyphs.down;
  return (
    <Text>
      {` ${(row.accuracy * 100).toFixed(1).padStart(5)} `}
      {row.accuracyBefore !== undefined && (
        <Text {...(sign === "=" ? { dimColor: true } : { color: change > 0 ? "green" : "red" })}>
          {(sign + rounded).padEnd(6)}
        </Text>
      )}
    </Text>
  );
}
