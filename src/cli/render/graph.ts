import type { Oid } from "../../base/oid.ts";

/** What the graph needs of an entry. */
export interface GraphNode {
  readonly commit: Oid;
  readonly parents: readonly Oid[];
}

/** Prefixes of the lines of one entry. */
export interface GraphRow {
  /** Whole lines that come before the entry: lanes that join. */
  readonly before: readonly string[];
  /** Prefix of the entry's first line; `glyph` stands in the entry's lane. */
  readonly node: string;
  /** Prefix of its further lines. */
  readonly rest: string;
}

interface Strokes {
  readonly line: string;
  readonly fork: string;
  readonly across: string;
  readonly join: string;
  readonly split: string;
  readonly cross: string;
}

const UNICODE: Strokes = { line: "│", fork: "├", across: "─", join: "╯", split: "╮", cross: "┼" };
const ASCII: Strokes = { line: "|", fork: "|", across: "-", join: "'", split: ".", cross: "+" };

/** Draws what came from what, entry by entry, children before parents. */
export class Graph {
  readonly #strokes: Strokes;
  /** Commit that each lane leads to; undefined for a free lane. */
  #lanes: (Oid | undefined)[] = [];

  constructor(unicode: boolean) {
    this.#strokes = unicode ? UNICODE : ASCII;
  }

  next({ commit, parents }: GraphNode, glyph: string): GraphRow {
    const before: string[] = [];
    let own = this.#lanes.indexOf(commit);
    if (own < 0) own = this.#claim(commit);
    for (
      let other = this.#lanes.indexOf(commit, own + 1);
      other >= 0;
      other = this.#lanes.indexOf(commit, own + 1)
    ) {
      before.push(this.#bridge(own, other, this.#strokes.join));
      this.#lanes[other] = undefined;
    }
    this.#trim();
    const node = this.#draw(own, glyph);
    const [first, ...others] = parents;
    this.#lanes[own] = first;
    for (const parent of others) if (!this.#lanes.includes(parent)) this.#claim(parent);
    this.#trim();
    return { before, node, rest: this.#draw(-1, "") };
  }

  #trim(): void {
    while (this.#lanes.length > 0 && this.#lanes.at(-1) === undefined) this.#lanes.pop();
  }

  #claim(commit: Oid): number {
    const free = this.#lanes.indexOf(undefined);
    const lane = free < 0 ? this.#lanes.length : free;
    this.#lanes[lane] = commit;
    return lane;
  }

  #draw(own: number, glyph: string): string {
    return this.#lanes
      .map((to, lane) => (lane === own ? glyph : to === undefined ? " " : this.#strokes.line))
      .join(" ");
  }

  #bridge(from: number, to: number, end: string): string {
    const { fork, across, line, cross } = this.#strokes;
    let drawn = "";
    for (const [lane, leads] of this.#lanes.entries()) {
      const inside = lane > from && lane < to;
      drawn +=
        lane === from
          ? fork
          : lane === to
            ? end
            : inside
              ? leads === undefined
                ? across
                : cross
              : leads === undefined
                ? " "
                : line;
      drawn += lane >= from && lane < to ? across : " ";
    }
    return drawn.trimEnd();
  }
}
