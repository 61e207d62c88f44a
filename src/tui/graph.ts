import type { Glyphs } from "./glyphs.ts";
import type { VersionRow } from "./version-row.ts";

/** The graph beside one row: on its line, and on the line below it. */
export interface GraphRow {
  readonly column: number;
  /** Lanes that pass beside the row's own; their columns. */
  readonly passing: readonly number[];
  /** Lanes that end here, coming from above: columns right of the row's own. */
  readonly joining: readonly number[];
  /** Lanes that begin here, for further parents. */
  readonly opening: readonly number[];
  /** Lanes alive below the row. */
  readonly below: readonly number[];
}

/** Lays versions, newest first, on lanes: each lane waits for one parent. Time is rows x lanes. */
export function layOutGraph(rows: readonly VersionRow[]): readonly GraphRow[] {
  const present = new Set(rows.map((row) => row.commit));
  const lanes: (string | undefined)[] = [];
  const take = (commit: string): number => {
    const free = lanes.indexOf(undefined);
    const column = free === -1 ? lanes.length : free;
    lanes[column] = commit;
    return column;
  };
  return rows.map((row) => {
    const waiting = lanes.flatMap((commit, column) => (commit === row.commit ? [column] : []));
    const column = waiting[0] ?? take(row.commit);
    const joining = waiting.slice(1);
    for (const lane of joining) lanes[lane] = undefined;
    const passing = lanes.flatMap((commit, lane) => (commit !== undefined && lane !== column ? [lane] : []));
    const [first, ...others] = row.parents.filter((parent) => present.has(parent));
    lanes[column] = first;
    const opening = others.filter((parent) => !lanes.includes(parent)).map(take);
    while (lanes.length > 0 && lanes.at(-1) === undefined) lanes.pop();
    return {
      column,
      passing,
      joining,
      opening,
      below: lanes.flatMap((commit, lane) => (commit === undefined ? [] : [lane])),
    };
  });
}

/** Draws the row's own line, `width` lanes wide (2 columns each). */
export function drawGraph(graph: GraphRow, node: string, width: number, glyphs: Glyphs): string {
  const cells = new Array<string>(width * 2).fill(" ");
  for (const lane of graph.passing) cells[lane * 2] = glyphs.line;
  const ends = [...graph.joining, ...graph.opening];
  for (let at = graph.column * 2 + 1; at < Math.max(-1, ...ends) * 2; at += 1)
    if (cells[at] === " ") cells[at] = glyphs.dash;
  for (const lane of graph.opening) cells[lane * 2] = glyphs.joinDown;
  for (const lane of graph.joining) cells[lane * 2] = glyphs.joinUp;
  cells[graph.column * 2] = node;
  return cut(cells, width);
}

/** Draws the line below the row. */
export function drawBelow(graph: GraphRow, width: number, glyphs: Glyphs): string {
  const cells = new Array<string>(width * 2).fill(" ");
  for (const lane of graph.below) cells[lane * 2] = glyphs.line;
  return cut(cells, width);
}

function cut(cells: readonly string[], width: number): string {
  return cells.slice(0, width * 2).join("");
}
