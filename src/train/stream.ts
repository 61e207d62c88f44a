import { random32 } from "../base/prng.ts";
import type { Order } from "./recipe.ts";

/** Streams of the generator, so that no draw repeats another. */
const SHUFFLE = 1;
const REPLAY = 2;

/** Row of one epoch: which list it comes from, and its place there. */
export interface StreamRow {
  readonly from: "new" | "earlier";
  readonly index: number;
}

/** A permutation of 0..n-1, a pure function of (seed, stream, epoch). Fisher-Yates with unbiased draws by rejection. */
export function permutation(n: number, seed: number, stream: number, epoch: number): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  let draw = epoch * 0x1_0000_0000;
  for (let i = n - 1; i > 0; i--) {
    const bound = i + 1;
    const limit = 0x1_0000_0000 - (0x1_0000_0000 % bound);
    let value = random32(seed, stream, draw++);
    while (value >= limit) value = random32(seed, stream, draw++);
    const j = value % bound;
    const held = order[i]!;
    order[i] = order[j]!;
    order[j] = held;
  }
  return order;
}

/** Rows of one epoch. */
export function rowsPerEpoch(newRows: number, earlierRows: number, replay: number): number {
  return newRows + Math.min(earlierRows, Math.round(newRows * replay));
}

/**
 * The training rows as one endless stream, a pure function of position: epoch after epoch, each holding every new row once
 * and, drawn anew, `replay` rows of earlier data per new row. Sequential order keeps the file's order, replayed rows last.
 */
export class RowStream {
  readonly rowsPerEpoch: number;
  private cached: { epoch: number; rows: readonly StreamRow[] } | undefined;
  private readonly newRows: number;
  private readonly earlierRows: number;
  private readonly seed: number;
  private readonly order: Order;

  constructor(options: { newRows: number; earlierRows: number; replay: number; seed: number; order: Order }) {
    this.newRows = options.newRows;
    this.earlierRows = options.earlierRows;
    this.seed = options.seed;
    this.order = options.order;
    this.rowsPerEpoch = rowsPerEpoch(options.newRows, options.earlierRows, options.replay);
  }

  /** Rows [position, position + count) of the stream; a batch may span two epochs. */
  at(position: number, count: number): readonly StreamRow[] {
    return Array.from({ length: count }, (_, i) => {
      const place = position + i;
      return this.epoch(Math.floor(place / this.rowsPerEpoch))[place % this.rowsPerEpoch]!;
    });
  }

  private epoch(epoch: number): readonly StreamRow[] {
    if (this.cached?.epoch !== epoch) this.cached = { epoch, rows: this.build(epoch) };
    return this.cached.rows;
  }

  private build(epoch: number): readonly StreamRow[] {
    const replayed = this.rowsPerEpoch - this.newRows;
    const drawn =
      replayed > 0
        ? permutation(this.earlierRows, this.seed, REPLAY, epoch).subarray(0, replayed)
        : new Uint32Array();
    const rows: StreamRow[] = Array.from({ length: this.newRows }, (_, index) => ({ from: "new", index }));
    for (const index of drawn) rows.push({ from: "earlier", index });
    if (this.order === "sequential") return rows;
    return Array.from(permutation(rows.length, this.seed, SHUFFLE, epoch), (i) => rows[i]!);
  }
}
