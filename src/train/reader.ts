import type { HostTensor } from "../runtime/session.ts";
import type { ClassLabels } from "../text/class-labels.ts";
import { type EncodedExample, IGNORED_LABEL } from "../text/encoded.ts";
import type { Batching } from "./batching.ts";
import type { GraphPool } from "./graph-pool.ts";
import { alignedLabels, headFeeds } from "./labels.ts";
import { HEAD } from "./loss-head.ts";
import { floats, takenBy } from "./micro-batch.ts";
import type { LossKind } from "./recipe.ts";

/** Rows read at once; the last batch is filled with repeated rows, so that one session serves all. */
const READ_ROWS = 16;

/** Mean squared error below which a regression counts as right. */
const RIGHT_BELOW = 0.05;

/** What the model says of one example. */
export interface Answer {
  /** Mean over the labels of the example. */
  readonly loss: number;
  /** Every label's position has its label as arg max; a mean squared error below 0.05. */
  readonly correct: boolean;
  /** Geometric mean of the probabilities of the arg max tokens; exp(-loss) for a regression. */
  readonly confidence: number;
  /** Arg max classes at the labels' positions; the outputs of a regression. */
  readonly best: readonly number[];
}

/** How "correct" is decided, for `EvolutionRecord.rule`. */
export function ruleOf(loss: LossKind, perPosition: boolean): string {
  return loss === "mse" ? "threshold" : perPosition ? "exact" : "label";
}

/** Reads loss and answers of examples with the adapters' tensors as they are in `tensors`. Order as given. */
export async function readAnswers(
  rows: readonly EncodedExample[],
  tensors: ReadonlyMap<string, HostTensor>,
  parts: { pool: GraphPool; batching: Batching; loss: LossKind; shift: 0 | 1 },
): Promise<readonly Answer[]> {
  const order = rows
    .map((_, i) => i)
    .sort((a, b) => rows[a]!.inputIds.length - rows[b]!.inputIds.length || a - b);
  const answers = new Array<Answer>(rows.length);
  for (let at = 0; at < order.length; at += READ_ROWS) {
    const places = order.slice(at, at + READ_ROWS);
    const filled = Array.from(
      { length: READ_ROWS },
      (_, i) => rows[places[Math.min(i, places.length - 1)]!]!,
    );
    const read = await readBatch(filled, tensors, parts);
    places.forEach((place, i) => {
      answers[place] = read[i]!;
    });
  }
  return answers;
}

async function readBatch(
  rows: readonly EncodedExample[],
  tensors: ReadonlyMap<string, HostTensor>,
  { pool, batching, loss, shift }: { pool: GraphPool; batching: Batching; loss: LossKind; shift: 0 | 1 },
): Promise<readonly Answer[]> {
  const batch = batching.batch(rows);
  const graph = await pool.reading(batch.feeds);
  const head = headFeeds(batch.labels, loss, shift, 1);
  const feeds = new Map([...batch.feeds, ...tensors, [HEAD.target, head.target]]);
  const outputs = await graph.session.run(takenBy(graph.session.inputNames, feeds));
  if (loss === "mse")
    return squaredErrors(floats(outputs, graph.output), batch.labels.values as Float32Array, rows.length);
  const label = floats(outputs, HEAD.labelLogProb);
  const bestProb = floats(outputs, HEAD.bestLogProb);
  const best = outputs.get(HEAD.best)?.data as BigInt64Array;
  const aligned = alignedLabels(batch.labels, shift);
  const width = aligned.length / rows.length;
  return rows.map((_, row) => {
    let sum = 0;
    let bestSum = 0;
    let correct = true;
    const chosen: number[] = [];
    for (let i = row * width; i < (row + 1) * width; i++) {
      if (aligned[i] === IGNORED_LABEL) continue;
      sum -= label[i]!;
      bestSum += bestProb[i]!;
      const choice = Number(best[i]);
      chosen.push(choice);
      if (choice !== aligned[i]) correct = false;
    }
    const count = Math.max(1, chosen.length);
    return {
      loss: sum / count,
      correct: correct && chosen.length > 0,
      confidence: Math.exp(bestSum / count),
      best: chosen,
    };
  });
}

function squaredErrors(output: Float32Array, target: Float32Array, rows: number): readonly Answer[] {
  const width = output.length / rows;
  return Array.from({ length: rows }, (_, row) => {
    let sum = 0;
    for (let i = row * width; i < (row + 1) * width; i++) sum += (output[i]! - target[i]!) ** 2;
    const loss = sum / width;
    return {
      loss,
      correct: loss < RIGHT_BELOW,
      confidence: Math.exp(-loss),
      best: Array.from(output.subarray(row * width, (row + 1) * width)),
    };
  });
}

/** A wrong answer of a row without text: class names, or numbers. */
export function answerText(answer: Answer, loss: LossKind, classes: ClassLabels): string {
  return loss === "mse"
    ? answer.best.map((v) => String(Math.fround(v))).join(" ")
    : answer.best.map((id) => classes.nameOf(id)).join(" ");
}
