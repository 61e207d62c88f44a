import { bug } from "../base/errors.ts";
import type { HostTensor } from "../runtime/session.ts";
import type { EncodedExample } from "../text/encoded.ts";
import type { Batching } from "./batching.ts";
import type { GraphPool } from "./graph-pool.ts";
import { countLabels, headFeeds } from "./labels.ts";
import type { MicroBatch } from "./loop.ts";
import { HEAD } from "./loss-head.ts";
import type { LossKind } from "./recipe.ts";
import type { Trainable } from "./trainables.ts";

export interface MicroBatchParts {
  readonly batching: Batching;
  readonly pool: GraphPool;
  /** Tensors of all adapters; those of the trained one are views of theta. */
  readonly tensors: ReadonlyMap<string, HostTensor>;
  readonly trainables: readonly Trainable[];
  readonly loss: LossKind;
  readonly shift: 0 | 1;
}

/** Rows that run forward and backward together. */
export function microBatch(rows: readonly EncodedExample[], parts: MicroBatchParts): MicroBatch {
  const { batching, pool, tensors, trainables, loss, shift } = parts;
  const batch = batching.batch(rows);
  return {
    labels: countLabels(batch.labels, shift),
    tokens: batch.tokens,
    run: async (gradient, total) => {
      const graph = await pool.training(batch.feeds);
      const head = headFeeds(batch.labels, loss, shift, total);
      const feeds = new Map([
        ...batch.feeds,
        ...tensors,
        [HEAD.target, head.target],
        [HEAD.weight, head.weight],
      ]);
      const outputs = await graph.session.run(takenBy(graph.session.inputNames, feeds));
      for (const t of trainables) {
        const part = floats(outputs, graph.gradients.get(t.key) ?? "");
        for (let i = 0; i < part.length; i++) gradient[t.offset + i]! += part[i]!;
      }
      return floats(outputs, HEAD.loss)[0]!;
    },
  };
}

/** The feeds that a graph takes: what is folded away or unused has no input. */
export function takenBy(
  inputNames: readonly string[],
  feeds: ReadonlyMap<string, HostTensor>,
): Map<string, HostTensor> {
  return new Map(inputNames.map((name) => [name, feeds.get(name) ?? bug(`nothing is fed to '${name}'`)]));
}

/** A float32 output by name. */
export function floats(outputs: ReadonlyMap<string, HostTensor>, name: string): Float32Array {
  return (outputs.get(name)?.data as Float32Array | undefined) ?? bug(`no output '${name}'`);
}
