/**
 * What the model answered to every tracked example at every reading, columnar: S readings x E examples, row by row
 * (`row * E + column`).
 */
export interface EvolutionTable {
  /** Optimizer steps of the readings, rising. */
  readonly steps: readonly number[];
  readonly learningRates: readonly number[];
  /** Rows of training data consumed at each reading. */
  readonly positions: readonly number[];
  readonly timesMs: readonly number[];
  /** Ids of the tracked examples. */
  readonly examples: readonly string[];
  /** Mean loss over the labels of the example, nats. */
  readonly loss: Float32Array;
  /** Geometric mean of the probabilities of the arg max tokens. */
  readonly confidence: Float32Array;
  readonly correct: Uint8Array;
  /** Index into `texts`. */
  readonly predictions: Uint32Array;
  readonly texts: readonly string[];
}

/** One reading of the probe. */
export interface Reading {
  readonly step: number;
  readonly learningRate: number;
  readonly position: number;
  readonly timeMs: number;
  readonly loss: Float32Array;
  readonly confidence: Float32Array;
  readonly correct: Uint8Array;
  readonly predictions: readonly string[];
}

/** A table before the first reading. */
export function emptyTable(examples: readonly string[]): EvolutionTable {
  return {
    steps: [],
    learningRates: [],
    positions: [],
    timesMs: [],
    examples,
    loss: new Float32Array(),
    confidence: new Float32Array(),
    correct: new Uint8Array(),
    predictions: new Uint32Array(),
    texts: [],
  };
}

function append<T extends Float32Array | Uint8Array | Uint32Array>(
  make: (length: number) => T,
  a: T,
  b: ArrayLike<number>,
): T {
  const joined = make(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

/** The table with one reading more; fresh. */
export function appendReading(table: EvolutionTable, reading: Reading): EvolutionTable {
  const texts = [...table.texts];
  const index = new Map(texts.map((text, i) => [text, i]));
  const predictions = reading.predictions.map((text) => {
    const known = index.get(text);
    if (known !== undefined) return known;
    index.set(text, texts.length);
    return texts.push(text) - 1;
  });
  return {
    steps: [...table.steps, reading.step],
    learningRates: [...table.learningRates, reading.learningRate],
    positions: [...table.positions, reading.position],
    timesMs: [...table.timesMs, reading.timeMs],
    examples: table.examples,
    loss: append((n) => new Float32Array(n), table.loss, reading.loss),
    confidence: append((n) => new Float32Array(n), table.confidence, reading.confidence),
    correct: append((n) => new Uint8Array(n), table.correct, reading.correct),
    predictions: append((n) => new Uint32Array(n), table.predictions, predictions),
    texts,
  };
}

export const STATUSES = ["known", "learned", "wobbling", "regressed", "struggling", "new"] as const;
export type Status = (typeof STATUSES)[number];
export type Category = "learned" | "struggling" | "not learned";

/**
 * Status of an example from its readings, right or wrong: known = always right; learned = right now, forgotten at most once;
 * wobbling = right now, forgotten twice or more; regressed = wrong now, was right; struggling = wrong at every reading, shown
 * as `new` while there are fewer than 3.
 * A forgetting is right, then wrong (Toneva et al., arXiv:1812.05159).
 */
export function statusOf(strip: readonly boolean[]): Status {
  const last = strip.at(-1) ?? false;
  if (!strip.includes(true)) return strip.length < 3 ? "new" : "struggling";
  if (!strip.includes(false)) return "known";
  if (!last) return "regressed";
  let forgotten = 0;
  for (let i = 1; i < strip.length; i++) if (strip[i - 1] && !strip[i]) forgotten++;
  return forgotten >= 2 ? "wobbling" : "learned";
}

/** The users' three categories: not learned = struggling with a loss that fell by less than a tenth since the first reading. */
export function categoryOf(status: Status, losses: readonly number[]): Category {
  if (status === "known" || status === "learned" || status === "wobbling") return "learned";
  const first = losses[0] ?? 0;
  const last = losses.at(-1) ?? 0;
  const flat = last > first * 0.9;
  return (status === "struggling" || status === "new") && flat ? "not learned" : "struggling";
}

export interface ExampleHistory {
  readonly id: string;
  readonly status: Status;
  readonly category: Category;
  readonly strip: readonly boolean[];
  readonly loss: readonly number[];
  readonly confidence: readonly number[];
  readonly predictions: readonly string[];
  /** First step of the last unbroken run of right readings; undefined where it is wrong now. */
  readonly learnedAt: number | undefined;
}

/** History of the example in one column. */
export function historyOf(table: EvolutionTable, column: number): ExampleHistory {
  const width = table.examples.length;
  const rows = table.steps.map((_, row) => row * width + column);
  const strip = rows.map((i) => table.correct[i] === 1);
  const loss = rows.map((i) => table.loss[i]!);
  const status = statusOf(strip);
  let from = strip.length;
  while (from > 0 && strip[from - 1]) from--;
  return {
    id: table.examples[column]!,
    status,
    category: categoryOf(status, loss),
    strip,
    loss,
    confidence: rows.map((i) => table.confidence[i]!),
    predictions: rows.map((i) => table.texts[table.predictions[i]!] ?? ""),
    learnedAt: from < strip.length ? table.steps[from] : undefined,
  };
}

export interface ReadingSummary {
  readonly step: number;
  readonly examples: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly correct: number;
  /** Right now, wrong at the reading before; and the reverse. */
  readonly learned: number;
  readonly regressed: number;
  /** Loss down by more than 5 %, up by more than 5 %, else, since the reading before. */
  readonly improving: number;
  readonly regressing: number;
  readonly stable: number;
}

/**
 * Sums of one reading, over the columns that `counted` names (all by default). Accuracy and loss are means over the columns
 * of `measured` (the held-out ones where there are any), by default the same.
 */
export function summarise(
  table: EvolutionTable,
  row: number,
  measured: readonly number[] | undefined = undefined,
): ReadingSummary {
  const width = table.examples.length;
  const at = row * width;
  const columns = measured ?? Array.from({ length: width }, (_, i) => i);
  let correct = 0;
  let learned = 0;
  let regressed = 0;
  let improving = 0;
  let regressing = 0;
  for (let c = 0; c < width; c++) {
    const now = table.correct[at + c] === 1;
    if (now) correct++;
    if (row === 0) continue;
    const was = table.correct[at - width + c] === 1;
    if (now && !was) learned++;
    if (was && !now) regressed++;
    const before = table.loss[at - width + c]!;
    const loss = table.loss[at + c]!;
    if (loss < before * 0.95) improving++;
    else if (loss > before * 1.05) regressing++;
  }
  const mean = (values: ArrayLike<number>): number =>
    columns.length === 0 ? 0 : columns.reduce((sum, c) => sum + values[at + c]!, 0) / columns.length;
  return {
    step: table.steps[row]!,
    examples: width,
    loss: mean(table.loss),
    accuracy: mean(table.correct),
    correct,
    learned,
    regressed,
    improving,
    regressing,
    stable: row === 0 ? width : width - improving - regressing,
  };
}

/** How many examples have each status. */
export function countStatuses(table: EvolutionTable): Readonly<Record<Status, number>> {
  const counts = { known: 0, learned: 0, wobbling: 0, regressed: 0, struggling: 0, new: 0 };
  table.examples.forEach((_, column) => {
    counts[historyOf(table, column).status]++;
  });
  return counts;
}
