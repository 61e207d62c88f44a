import { type Decoder, openDecoder } from "../generate/decoder.ts";
import { answerGreedily } from "../generate/greedy-batch.ts";
import { openGraph } from "../runtime/open-graph.ts";
import type { HostTensor, Session } from "../runtime/session.ts";
import type { ClassLabels } from "../text/class-labels.ts";
import type { EncodedExample } from "../text/encoded.ts";
import type { AdapterLayers } from "./adapter.ts";
import type { BaseModel } from "./base-model.ts";
import type { Batching } from "./batching.ts";
import { appendReading, type EvolutionTable, emptyTable } from "./evolution.ts";
import type { GraphPool } from "./graph-pool.ts";
import { inferenceModel } from "./inference-model.ts";
import { answerText, readAnswers } from "./reader.ts";
import type { Recipe } from "./recipe.ts";
import type { RunParts } from "./run-parts.ts";

/** Tokens a wrong answer may be longer than the expected one. */
const LONGER = 8;

interface ReaderParts {
  readonly base: BaseModel;
  readonly layers: readonly AdapterLayers[];
  readonly pool: GraphPool;
  readonly batching: Batching;
  readonly tracked: readonly EncodedExample[];
  readonly classes: ClassLabels;
  readonly recipe: Recipe;
  readonly shift: 0 | 1;
  readonly parts: Pick<RunParts, "runtime" | "scratch" | "nowMs">;
  readonly threads: number;
  /** Readings of the run so far, where it is resumed. */
  readonly table: EvolutionTable | undefined;
}

/** Reads the probe at a step and keeps the evolution so far. */
export class ProbeReader {
  private readonly with: ReaderParts;
  private evolution: EvolutionTable;
  private inference: { readonly session: Session; readonly decoder: Decoder } | undefined;

  constructor(parts: ReaderParts) {
    this.with = parts;
    this.evolution = parts.table ?? emptyTable(parts.tracked.map((row) => row.id));
  }

  get table(): EvolutionTable {
    return this.evolution;
  }

  /** Appends one reading of all tracked examples. */
  async read(
    step: number,
    rate: number,
    position: number,
    tensors: ReadonlyMap<string, HostTensor>,
  ): Promise<void> {
    const { tracked, recipe, parts, classes } = this.with;
    const answers = await readAnswers(tracked, tensors, {
      pool: this.with.pool,
      batching: this.with.batching,
      loss: recipe.loss,
      shift: this.with.shift,
    });
    const predictions = answers.map((answer, i) =>
      answer.correct && recipe.loss !== "mse"
        ? tracked[i]!.expectedText
        : answerText(answer, recipe.loss, classes),
    );
    const wrong = answers.flatMap((answer, i) =>
      !answer.correct && tracked[i]!.promptIds.length > 0 ? [i] : [],
    );
    if (recipe.task === "text-generation" && this.with.base.tokenizer !== undefined) {
      const texts = await this.generate(
        wrong.map((i) => tracked[i]!),
        tensors,
      );
      wrong.forEach((place, i) => {
        predictions[place] = texts[i]!;
      });
    }
    this.evolution = appendReading(this.evolution, {
      step,
      learningRate: rate,
      position,
      timeMs: Math.round(parts.nowMs()),
      loss: Float32Array.from(answers, (a) => a.loss),
      confidence: Float32Array.from(answers, (a) => a.confidence),
      correct: Uint8Array.from(answers, (a) => (a.correct ? 1 : 0)),
      predictions,
    });
  }

  async close(): Promise<void> {
    await this.inference?.session.close();
    this.inference = undefined;
  }

  private async generate(
    rows: readonly EncodedExample[],
    tensors: ReadonlyMap<string, HostTensor>,
  ): Promise<readonly string[]> {
    const { base, layers, parts, threads } = this.with;
    const tokenizer = base.tokenizer;
    if (tokenizer === undefined || rows.length === 0) return [];
    if (this.inference === undefined) {
      const model = inferenceModel(base.model, layers);
      const session = await openGraph(parts.runtime, parts.scratch, model, { threads, optimize: "all" });
      // The tensors are views of theta, so the decoder always sees the newest values.
      this.inference = { session, decoder: openDecoder(session, { extra: tensors }) };
    }
    const answers = await answerGreedily(this.inference.decoder, {
      prompts: rows.map((row) => row.promptIds),
      maxNewTokens: rows.map((row) => row.expectedIds.length + LONGER),
      stopIds: tokenizer.stopIds,
    });
    const stops = new Set(tokenizer.stopIds);
    return answers.map((ids) =>
      tokenizer.decode(
        ids.filter((id) => !stops.has(id)),
        { skipSpecialTokens: true },
      ),
    );
  }
}
