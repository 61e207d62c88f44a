import { bug } from "../base/errors.ts";
import type { DecodeBatch, Decoder } from "./decoder.ts";
import { argMax } from "./sampling.ts";

export interface BatchPrompts {
  readonly prompts: readonly (readonly number[])[];
  /** Most tokens of each answer, its end token counted. */
  readonly maxNewTokens: readonly number[];
  readonly stopIds: readonly number[];
  /** Rows that run together. */
  readonly batchRows?: number;
}

/** A greedy answer: its tokens, the one that ended it included. */
export type GreedyAnswer = readonly number[];

const BATCH_ROWS = 64;
/** Bytes of logits that a batch may make when it reads its prompts. */
const LOGITS_BYTES = 256 * 1024 * 1024;
const UNKNOWN_VOCABULARY = 256_000;
/** Largest difference of a logit, relative to the largest, that padding may make. */
const SAME = 1e-3;

/**
 * Greedy answers to many prompts, in their order, the same as one by one: rows of like length run together, filled up on
 * the side that the model allows, which is tried on one row of each batch; where padding changes it, rows of equal length
 * run together. An empty prompt has an empty answer. Deterministic.
 */
export async function answerGreedily(decoder: Decoder, options: BatchPrompts): Promise<GreedyAnswer[]> {
  const { prompts } = options;
  const answers = prompts.map((): number[] => []);
  const order = prompts
    .map((prompt, row) => ({ row, length: prompt.length }))
    .filter(({ row, length }) => length > 0 && (options.maxNewTokens[row] ?? 0) > 0)
    .sort((a, b) => a.length - b.length || a.row - b.row)
    .map(({ row }) => row);
  let padding = decoder.canPad;
  for (let at = 0; at < order.length; ) {
    const rows = takeRows(decoder, order.slice(at), options, padding);
    const opened = await openRows(
      decoder,
      rows.map((row) => prompts[row] as readonly number[]),
    );
    if (opened === undefined) {
      padding = false;
      continue;
    }
    await answerRows(opened, rows, options, answers);
    at += rows.length;
  }
  return answers;
}

/** The next rows that run together: as many as memory allows, of equal length where rows cannot be padded. */
function takeRows(
  decoder: Decoder,
  order: readonly number[],
  { prompts, batchRows }: BatchPrompts,
  padding: boolean,
): number[] {
  const lengthOf = (row: number): number => prompts[row]?.length ?? 0;
  const rows: number[] = [];
  for (const row of order.slice(0, batchRows ?? BATCH_ROWS)) {
    const logits = (rows.length + 1) * lengthOf(row) * (decoder.vocabularySize ?? UNKNOWN_VOCABULARY) * 4;
    if (rows.length > 0 && logits > LOGITS_BYTES) break;
    if (!padding && rows.length > 0 && lengthOf(row) !== lengthOf(rows[0] as number)) break;
    rows.push(row);
  }
  return rows;
}

/** Reads the prompts, shortest first; undefined where filling them up changed what the model says of the shortest. */
async function openRows(
  decoder: Decoder,
  prompts: readonly (readonly number[])[],
): Promise<DecodeBatch | undefined> {
  const batch = await decoder.open(prompts);
  const shortest = prompts[0] as readonly number[];
  if (shortest.length === prompts.at(-1)?.length) return batch;
  const alone = (await decoder.open([shortest])).logits(0);
  return isSame(alone, batch.logits(0)) ? batch : undefined;
}

function isSame(a: Float32Array, b: Float32Array): boolean {
  const scale = a.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  return a.every((value, i) => Math.abs(value - b[i]!) <= SAME * scale);
}

async function answerRows(
  batch: DecodeBatch,
  rows: readonly number[],
  { stopIds, maxNewTokens }: BatchPrompts,
  answers: readonly number[][],
): Promise<void> {
  const stops = new Set(stopIds);
  let running = [...rows];
  for (;;) {
    const next = running.map((_, i) => argMax(batch.logits(i)));
    const going: number[] = [];
    running.forEach((row, i) => {
      const answer = answers[row] ?? bug(`no answer was begun for row ${row}`);
      answer.push(next[i] as number);
      if (!stops.has(next[i] as number) && answer.length < (maxNewTokens[row] as number)) going.push(i);
    });
    if (going.length === 0) return;
    if (going.length < running.length) {
      batch.keep(going);
      running = going.map((i) => running[i] as number);
    }
    await batch.advance(going.map((i) => next[i] as number));
  }
}
