export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** A pane: outer size, border included. */
export interface Pane {
  readonly width: number;
  readonly height: number;
}

export interface Layout {
  readonly width: number;
  /** One less than the terminal has, so that ink never takes its full-screen path (it clears the scrollback there). */
  readonly height: number;
  readonly arrangement: "beside" | "stacked" | "single";
  readonly list: Pane;
  readonly detail: Pane;
  /** Lines a version takes in the list. */
  readonly lineHeight: 1 | 2;
}

const LEAST_BESIDE_COLUMNS = 85;
const LEAST_STACKED_ROWS = 24;
/** Head and footer. */
const CHROME_ROWS = 2;
const BORDER_ROWS = 2;

/** Arranges the panes: beside each other, below each other on a narrow and tall screen, one at a time on a small one. */
export function arrange({ columns, rows }: Size): Layout {
  const width = Math.max(20, columns);
  const height = Math.max(6, rows - 1);
  const body = height - CHROME_ROWS;
  if (width >= LEAST_BESIDE_COLUMNS) {
    const left = Math.floor(width * 0.48);
    return {
      width,
      height,
      arrangement: "beside",
      list: { width: left, height: body },
      detail: { width: width - left, height: body },
      lineHeight: body >= 16 ? 2 : 1,
    };
  }
  if (rows >= LEAST_STACKED_ROWS) {
    const top = Math.ceil(body / 2);
    return {
      width,
      height,
      arrangement: "stacked",
      list: { width, height: top },
      detail: { width, height: body - top },
      lineHeight: 1,
    };
  }
  return {
    width,
    height,
    arrangement: "single",
    list: { width, height: body },
    detail: { width, height: body },
    lineHeight: 1,
  };
}

/** Lines inside a pane's border. */
export function innerHeight(pane: Pane): number {
  return Math.max(1, pane.height - BORDER_ROWS);
}

/** Columns that the detail pane's lines may fill: border and a space at the left taken off. */
export function detailColumns({ detail }: Layout): number {
  return detail.width - 3;
}

/** Versions that fit into the list. */
export function versionsShown(layout: Layout): number {
  return Math.max(1, Math.floor(innerHeight(layout.list) / layout.lineHeight));
}
